// Package lxrttest opens the models of the analysis goldens for tests of what is built on the model.
package lxrttest

import (
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// engine is a golden model with the special ids that its inputs name.
type engine struct {
	lxmert.Engine
	mask int32
}

func (e engine) Config() lxmert.Config {
	cfg := e.Engine.Config()
	cfg.Special.Mask = e.mask
	return cfg
}

// opened keeps models, and with them their compiled graphs, for all tests of a process.
var opened sync.Map

// EachAnalysis runs a test on every golden folder of analyses, with its model on the backend and its batch.
func EachAnalysis(t *testing.T, back *backend.Backend, test func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string)) {
	t.Helper()
	eachAnalysis(t, string(back.Kind), onBackend(back), test)
}

func eachAnalysis(t *testing.T, kind string, load func(weights string) (lxmert.Engine, error), test func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string)) {
	t.Helper()
	goldentest.Each(t, "analysis", func(t *testing.T, folder string) {
		eng, b := open(t, kind, load, folder)
		test(t, eng, b, folder)
	})
}

func onBackend(back *backend.Backend) func(weights string) (lxmert.Engine, error) {
	return func(weights string) (lxmert.Engine, error) { return lxrt.Open(back, weights, "", lxrt.Options{}) }
}

// Open opens the model of a golden folder of analyses, and its batch. Models stay open for the next call.
func Open(t testing.TB, back *backend.Backend, folder string) (lxmert.Engine, *lxmert.Batch) {
	t.Helper()
	return open(t, string(back.Kind), onBackend(back), folder)
}

func open(t testing.TB, kind string, load func(weights string) (lxmert.Engine, error), folder string) (lxmert.Engine, *lxmert.Batch) {
	t.Helper()
	path := filepath.Join(folder, "inputs.safetensors")
	b, err := lxrt.ReadBatch(path)
	if err != nil {
		t.Fatal(err)
	}
	inputs := goldentest.Open(t, path)
	inputs.Use("")
	mask, err := strconv.Atoi(inputs.Metadata["MASK"])
	if err != nil {
		t.Fatalf("%s: MASK: %v", path, err)
	}
	m, ok := opened.Load(kind + folder)
	if !ok {
		if m, err = load(filepath.Join(folder, "weights.safetensors")); err != nil {
			t.Fatal(err)
		}
		opened.Store(kind+folder, m)
	}
	return engine{m.(lxmert.Engine), int32(mask)}, b
}
