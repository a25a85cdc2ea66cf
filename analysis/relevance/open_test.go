package relevance_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/internal/goldencase"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

func TestMain(m *testing.M) {
	backend.MaybeProbe()
	os.Exit(m.Run())
}

// engine is a golden model with the special ids that its inputs name, counting its runs.
type engine struct {
	lxmert.Engine
	mask int32
	runs int
}

func (e *engine) Config() lxmert.Config {
	cfg := e.Engine.Config()
	cfg.Special.Mask = e.mask
	return cfg
}

func (e *engine) Run(ctx context.Context, b *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	e.runs++
	return e.Engine.Run(ctx, b, r)
}

// opened keeps models, and with them their compiled graphs, for all tests.
var opened sync.Map

// eachGolden runs a test on every backend and every golden folder.
func eachGolden(t *testing.T, test func(t *testing.T, eng *engine, b *lxmert.Batch, folder string)) {
	backendtest.Each(t, onFolders(test))
}

// onGo runs a test on every golden folder with the engine that compiles nothing, for claims about code above the engine.
func onGo(t *testing.T, test func(t *testing.T, eng *engine, b *lxmert.Batch, folder string)) {
	t.Helper()
	onFolders(test)(t, backendtest.Open(t, "go"))
}

func onFolders(test func(t *testing.T, eng *engine, b *lxmert.Batch, folder string)) func(t *testing.T, back *backend.Backend) {
	return func(t *testing.T, back *backend.Backend) {
		for _, folder := range goldencase.Folders(t) {
			t.Run(filepath.Base(folder), func(t *testing.T) {
				inputs := filepath.Join(folder, "inputs.safetensors")
				b, err := lxrt.ReadBatch(inputs)
				if err != nil {
					t.Fatal(err)
				}
				f := goldencase.Open(t, folder, "inputs")
				f.Use("")
				mask, err := strconv.Atoi(f.Metadata["MASK"])
				if err != nil {
					t.Fatal(err)
				}
				key := string(back.Kind) + folder
				m, ok := opened.Load(key)
				if !ok {
					if m, err = lxrt.Open(back, filepath.Join(folder, "weights.safetensors"), "", lxrt.Options{}); err != nil {
						t.Fatal(err)
					}
					opened.Store(key, m)
				}
				test(t, &engine{Engine: m.(lxmert.Engine), mask: int32(mask)}, b, folder)
			})
		}
	}
}
