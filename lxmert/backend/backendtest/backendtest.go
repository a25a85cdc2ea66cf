// Package backendtest opens backends for tests, each once per process.
package backendtest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/testneed"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	_ "github.com/seed-516990b0/golxmert/lxmert/speed" // tests compute as the programs do
)

// Main is TestMain of packages whose tests open backends: plugins are tried in child processes of the test. clean is what else is
// to be done after the tests.
func Main(m *testing.M, clean ...func()) {
	backend.MaybeProbe()
	code := m.Run()
	fakes.remove()
	for _, f := range clean {
		f()
	}
	os.Exit(code)
}

// Open opens a backend, and skips the test if this machine has none of that kind, or fails it if LXMERT_REQUIRE says
// that it must be there ("xla", "cuda"). The TestMain of its package must be [Main], or call [backend.MaybeProbe] first.
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

// Each runs a test on every kind of backend.
func Each(t *testing.T, test func(t *testing.T, b *backend.Backend)) {
	for _, spec := range []string{"go", "cpu", "cuda"} {
		t.Run(spec, func(t *testing.T) { test(t, Open(t, spec)) })
	}
}
