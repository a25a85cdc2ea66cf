package probe_test

import (
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt/lxrttest"
)

func TestMain(m *testing.M) { backendtest.Main(m) }

var (
	eachGolden = lxrttest.EachGolden
	reach      = lxrttest.Reach
)
