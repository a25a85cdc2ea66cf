//go:build cgo

package compileoption_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/internal/compileoption"
	"github.com/seed-516990b0/golxmert/lxmert/internal/program"
)

func TestMain(m *testing.M) { backendtest.Main(m) }

// numbers is the only input of a program.
type numbers struct{}

func (numbers) String() string { return "numbers" }

// doubled is a program that is not compiled yet.
func doubled(t *testing.T, b *backend.Backend, deterministic bool) *program.Program {
	t.Helper()
	p, err := program.Build(b.Backend, program.Options{Name: t.Name(), Deterministic: deterministic}, double)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Free)
	return p
}

func double(b *program.Builder) []*graph.Node {
	return []*graph.Node{graph.MulScalar(b.Input(numbers{}, dtypes.Float32, 3), 2)}
}

// TestOptionsReachTheCompilerOfTheirProgramAlone: the compiler refuses names that it does not know.
func TestOptionsReachTheCompilerOfTheirProgramAlone(t *testing.T) {
	b := backendtest.AsCUDA(t)
	compile := func() error { // what package program does, without its options
		g := graph.NewGraph(b.Backend, t.Name())
		defer g.Finalize()
		return g.Compile(graph.MulScalar(graph.Parameter(g, "x", shapes.Make(dtypes.Float32, 3)), 2))
	}
	_, err := compileoption.With([]compileoption.Option{{Name: "xla_no_such_option", Value: true}}, func() error {
		other := make(chan error)
		go func() { other <- compile() }()
		if err := <-other; err != nil {
			t.Errorf("another program has the options, too: %v", err)
		}
		return compile()
	})
	if err == nil || !strings.Contains(err.Error(), "xla_no_such_option") {
		t.Errorf("compiled with an option that there is not: %v", err)
	}
	if err := compile(); err != nil {
		t.Errorf("a later program has the options, too: %v", err)
	}
}

func TestDeterministicProgramsAreAskedForWhereTheyAreNotAnyway(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	for _, c := range []struct {
		b    *backend.Backend
		asks bool
	}{{backendtest.AsCUDA(t), true}, {backendtest.Open(t, "cpu"), false}, {backendtest.Open(t, "go"), false}} {
		options, err := compileoption.For(c.b.Backend, true)
		if err != nil || (len(options) > 0) != c.asks {
			t.Errorf("%s: %v, %v", c.b.Kind, options, err)
		}
		for _, o := range options {
			if dir, isFolder := o.Value.(string); isFolder {
				if info, err := os.Stat(dir); err != nil || !info.IsDir() || !strings.HasPrefix(dir, filepath.Clean(os.Getenv("XDG_CACHE_HOME"))) {
					t.Errorf("%s: %s=%s: %v", c.b.Kind, o.Name, dir, err)
				}
			}
		}
		if err := doubled(t, c.b, true).Compile(); err != nil {
			t.Errorf("%s: %v", c.b.Kind, err)
		}
	}
}

func TestDeterministicProgramsNeedAFolder(t *testing.T) {
	b := backendtest.AsCUDA(t)
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	if _, err := compileoption.For(b.Backend, true); err == nil || !strings.Contains(err.Error(), "HOME") {
		t.Errorf("without a cache folder: %v", err)
	}
	if err := doubled(t, b, false).Compile(); err != nil {
		t.Errorf("other programs do without: %v", err)
	}
}

// TestAProgramThatTritonFailsAtIsCompiledWithout: the plugin refuses programs of a certain name, unless Triton is switched off.
func TestAProgramThatTritonFailsAtIsCompiledWithout(t *testing.T) {
	b := backendtest.AsCUDA(t)
	var said strings.Builder
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&said, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	for _, deterministic := range []bool{false, true} {
		p, err := program.Build(b.Backend, program.Options{Name: backendtest.NeedsNoTriton, Deterministic: deterministic}, double)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Free()
		said.Reset()
		if err := p.Compile(); err != nil || !strings.Contains(said.String(), "cuBLAS") || strings.Count(said.String(), "\n") != 1 {
			t.Errorf("compiled with %v, and said %q", err, said.String())
		}
		said.Reset()
		if err := doubled(t, b, deterministic).Compile(); err != nil || said.Len() > 0 {
			t.Errorf("another program: %v, and said %q", err, said.String())
		}
	}
}
