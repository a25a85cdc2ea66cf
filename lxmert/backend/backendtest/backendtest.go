// Package backendtest opens backends for tests, each once per process.
package backendtest

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/testneed"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	_ "github.com/seed-516990b0/golxmert/lxmert/speed" // tests compute as the programs do
)

// Main is TestMain of packages whose tests open backends: plugins are tried in child processes of the test.
func Main(m *testing.M) {
	backend.MaybeProbe()
	os.Exit(m.Run())
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

// fakeCUDA is the source of [AsCUDA]'s plugin.
//
//go:embed testdata/fakecuda.c
var fakeCUDA string

// AsCUDA opens XLA's CPU plugin as if it were a CUDA plugin. Programs are built on it as they are for a GPU, whose text a test can
// then read; what they compute is not to be relied on. It takes a C compiler, as XLA in Go does.
func AsCUDA(t testing.TB) *backend.Backend {
	t.Helper()
	cpu := Open(t, "cpu").Plugin
	t.Setenv("GOPJRT_CUDA_CHECKS", "no") // go-xla's own, for NVIDIA's libraries
	header, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/gomlx/go-xla").Output()
	if err != nil {
		t.Fatalf("where go-xla's header is: %v", err)
	}
	path := filepath.Join(t.TempDir(), "xla_cuda_plugin.so")
	cc := exec.Command("cc", "-shared", "-fPIC", "-x", "c", "-DCPU_PLUGIN="+strconv.Quote(cpu), "-I", filepath.Join(strings.TrimSpace(string(header)), "pjrt"),
		"-o", path, "-", "-ldl")
	cc.Stdin = strings.NewReader(fakeCUDA)
	if out, err := cc.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cc, err, out)
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
