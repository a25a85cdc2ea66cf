package relevance_test

import (
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt/lxrttest"
)

func TestMain(m *testing.M) { backendtest.Main(m) }

var reach = lxrttest.Reach

// engine counts its runs.
type engine = lxrttest.Counted

func eachGolden(t *testing.T, test func(t *testing.T, eng *engine, b *lxmert.Batch, folder string)) {
	t.Helper()
	lxrttest.EachGolden(t, lxrttest.Count(test))
}

func onGo(t *testing.T, test func(t *testing.T, eng *engine, b *lxmert.Batch, folder string)) {
	t.Helper()
	lxrttest.OnGo(t, lxrttest.Count(test))
}
