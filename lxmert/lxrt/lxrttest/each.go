package lxrttest

import (
	"context"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/roundingtest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/torch"
)

// EachGolden runs a test on every backend, and on libtorch in a test that is built with it, and every golden folder of analyses.
func EachGolden(t *testing.T, test func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string)) {
	backendtest.Each(t, func(t *testing.T, back *backend.Backend) { EachAnalysis(t, back, test) })
	if torch.Built {
		t.Run("torch", func(t *testing.T) {
			eachAnalysis(t, "torch", func(weights string) (lxmert.Engine, error) { return torch.Open(weights, "", lxrt.Options{}) }, test)
		})
	}
}

// OnGo runs a test on every golden folder of analyses with the engine that compiles nothing, for claims about code above
// the engine.
func OnGo(t *testing.T, test func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string)) {
	t.Helper()
	EachAnalysis(t, backendtest.Open(t, "go"), test)
}

// Reach says how far rounding may move results of a golden folder's model, which the engine that compiles nothing tells for
// all. See [roundingtest.Reach].
func Reach(t *testing.T, folder string, results func(eng lxmert.Engine) map[string][]float64) map[string]float64 {
	t.Helper()
	eng, _ := Open(t, backendtest.Open(t, "go"), folder)
	return roundingtest.Reach(t, eng, roundingtest.Float32, results)
}

// Counted is an engine that counts its runs.
type Counted struct {
	lxmert.Engine
	Runs int
}

func (e *Counted) Run(ctx context.Context, b *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	e.Runs++
	return e.Engine.Run(ctx, b, r)
}

// Count makes a test of an engine that counts its runs a test for [EachGolden] and [OnGo].
func Count(test func(t *testing.T, eng *Counted, b *lxmert.Batch, folder string)) func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string) {
	return func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string) {
		test(t, &Counted{Engine: eng}, b, folder)
	}
}
