package concept_test

import (
	"os"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/roundingtest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt/lxrttest"
)

func TestMain(m *testing.M) {
	backend.MaybeProbe()
	os.Exit(m.Run())
}

// eachGolden runs a test on every backend and every golden folder.
func eachGolden(t *testing.T, test func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string)) {
	backendtest.Each(t, onFolders(test))
}

// onGo runs a test on every golden folder with the engine that compiles nothing, for claims about code above the engine.
func onGo(t *testing.T, test func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string)) {
	t.Helper()
	onFolders(test)(t, backendtest.Open(t, "go"))
}

func onFolders(test func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string)) func(t *testing.T, back *backend.Backend) {
	return func(t *testing.T, back *backend.Backend) {
		lxrttest.EachAnalysis(t, back, test)
	}
}

// reach says how far rounding may move results of a golden folder's model, which the engine that compiles nothing tells for all.
func reach(t *testing.T, folder string, results func(eng lxmert.Engine) map[string][]float64) map[string]float64 {
	t.Helper()
	eng, _ := lxrttest.Open(t, backendtest.Open(t, "go"), folder)
	return roundingtest.Reach(t, eng, roundingtest.Float32, results)
}
