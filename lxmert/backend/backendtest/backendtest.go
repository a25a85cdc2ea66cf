// Package backendtest opens backends for tests, each once per process.
package backendtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/testneed"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
)

// Open opens a backend, and skips the test if this machine has none of that kind, or fails it if LXMERT_REQUIRE says
// that it must be there ("xla", "cuda"). The test's TestMain must call [backend.MaybeProbe] first.
func Open(t testing.TB, spec string) *backend.Backend {
	t.Helper()
	once, _ := open.LoadOrStore(spec, sync.OnceValues(func() (*backend.Backend, error) {
		return backend.Open(context.Background(), spec, nil)
	}))
	b, err := once.(func() (*backend.Backend, error))()
	require := "xla"
	switch spec {
	case "go", "cuda":
		require = spec
	}
	testneed.Require(t, require, err == nil, fmt.Sprint(err))
	return b
}

var open sync.Map

// AsCUDA opens XLA's CPU plugin under the name of a CUDA plugin. Programs are built on it as they are for a GPU, whose text a
// test can then read; what they compute is not to be relied on.
func AsCUDA(t testing.TB) *backend.Backend {
	t.Helper()
	t.Setenv("GOPJRT_CUDA_CHECKS", "no") // go-xla's own, for NVIDIA's libraries
	path := filepath.Join(t.TempDir(), "xla_cuda_plugin.so")
	if err := os.Symlink(Open(t, "cpu").Plugin, path); err != nil {
		t.Fatal(err)
	}
	b, err := backend.Open(t.Context(), "xla:"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Finalize)
	return b
}

// Each runs a test on every kind of backend.
func Each(t *testing.T, test func(t *testing.T, b *backend.Backend)) {
	for _, spec := range []string{"go", "cpu", "cuda"} {
		t.Run(spec, func(t *testing.T) { test(t, Open(t, spec)) })
	}
}
