package modality_test

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
	backendtest.Each(t, func(t *testing.T, back *backend.Backend) { lxrttest.EachAnalysis(t, back, test) })
}

// reach says how far rounding may move results of a golden folder's model, which the engine that compiles nothing tells for all.
func reach(t *testing.T, folder string, results func(eng lxmert.Engine) map[string][]float64) map[string]float64 {
	t.Helper()
	eng, _ := lxrttest.Open(t, backendtest.Open(t, "go"), folder)
	return roundingtest.Reach(t, eng, roundingtest.Float32, results)
}

// onGo runs a test on every golden folder with the engine that compiles nothing, for claims about code above the engine.
func onGo(t *testing.T, test func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string)) {
	t.Helper()
	lxrttest.EachAnalysis(t, backendtest.Open(t, "go"), test)
}
