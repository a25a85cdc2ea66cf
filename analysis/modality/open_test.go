package modality_test

import (
	"os"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt/lxrttest"
)

func TestMain(m *testing.M) {
	backend.MaybeProbe()
	os.Exit(m.Run())
}

var (
	eachGolden = lxrttest.EachGolden
	onGo       = lxrttest.OnGo
	reach      = lxrttest.Reach
)
