//go:build gotch

package torch

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/enginetest"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/internal/resident"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

func TestMain(m *testing.M) { backendtest.Main(m) }

var (
	forwardTolerance = goldentest.Tolerance{Relative: 2e-5, Absolute: 1e-6}
	hfTolerance      = goldentest.Tolerance{Relative: 5e-5}
)

func openEngine(t testing.TB, path, config string) *Engine {
	t.Helper()
	e, err := Open(path, config, lxrt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// plain is the same model on the backend that compiles nothing.
func plain(t testing.TB, path string) *lxrt.Model {
	t.Helper()
	m, err := lxrt.Open(backendtest.Open(t, "go"), path, "", lxrt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func readBatch(t testing.TB, path string) *lxmert.Batch {
	t.Helper()
	b, err := lxrt.ReadBatch(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestForwardEqualsReference(t *testing.T) {
	goldentest.Each(t, "model", func(t *testing.T, folder string) {
		path := filepath.Join(folder, "tiny", "forward.safetensors")
		enginetest.Forward(t, openEngine(t, filepath.Join(folder, "tiny", "weights.safetensors"), ""), readBatch(t, path), path, forwardTolerance)
	})
	goldentest.Each(t, "hf", func(t *testing.T, folder string) {
		path := filepath.Join(folder, "forward.safetensors")
		enginetest.Forward(t, openEngine(t, filepath.Join(folder, "model"), ""), readBatch(t, path), path, hfTolerance)
	})
}

func TestAnalysesEqualReference(t *testing.T) {
	goldentest.Each(t, "analysis", func(t *testing.T, folder string) {
		path := filepath.Join(folder, "weights.safetensors")
		e, m, b := openEngine(t, path, ""), plain(t, path), readBatch(t, filepath.Join(folder, "inputs.safetensors"))
		enginetest.AnalysisForward(t, e, m, b, folder)
		enginetest.MapGradients(t, e, m, b, folder)
		enginetest.Inner(t, e, m, b, folder)
	})
}

// requests are of every kind that an engine can be asked, for texts and images that meet in pairs or not.
func requests(b *lxmert.Batch) map[string]lxmert.Request {
	positions := make([][]int, b.Rows())
	position, class, weight := make([]int, b.Rows()), make([]int, b.Rows()), make([]float32, b.Rows())
	for n := range positions {
		positions[n], position[n], class[n], weight[n] = []int{n % 3, 1}, n%2, n%2, float32(n)-0.5
	}
	keys := func(n int) lxmert.Tensor { // every third key is cut
		x := make([]float32, n)
		for i := range x {
			if i%3 != 1 {
				x[i] = 1
			}
		}
		return lxmert.Tensor{Shape: []int{1, 1, 1, n}, Data: x}
	}
	scalar := func(x float32, axes int) lxmert.Tensor {
		shape := make([]int, axes)
		for i := range shape {
			shape[i] = 1
		}
		return lxmert.Tensor{Shape: shape, Data: []float32{x}}
	}
	score := func(kind lxmert.TermKind) []lxmert.Term {
		return []lxmert.Term{{Output: "out.qa", Kind: kind, Class: class, Weight: weight}, {Output: "out.mlm", Kind: kind, Position: position, Class: class}, {Output: "out.match"}}
	}
	all := lxmert.All("*")
	return map[string]lxmert.Request{
		"everything":     {Want: all},
		"attend nothing": {Want: all, NoRegions: lxmert.AttendNothing},
		"edits": {Want: all, Edits: []lxmert.Edit{
			{Name: "l.0.tt", Op: lxmert.Multiply, Value: scalar(0.5, 4)}, {Name: "r.0.ii.v", Op: lxmert.Add, Value: scalar(0.25, 4)},
			{Name: "x.*.ti.ctx", Op: lxmert.Set, Value: scalar(0.1, 4), Mask: scalar(0.5, 4)}, {Name: "hid.i.1", Op: lxmert.Set, Value: scalar(0.3, 3)},
			{Name: "out.qa", Op: lxmert.Add, Value: scalar(1, 2)},
		}},
		"cuts": {Want: all, Edits: []lxmert.Edit{
			{Name: "x.*.ti", Op: lxmert.Cut, Value: keys(b.V())}, {Name: "x.0.it", Op: lxmert.Cut, Value: keys(b.T())}, {Name: "x.0.it", Op: lxmert.Cut, Value: scalar(1, 4)},
			{Name: "l.1.tt", Op: lxmert.Multiply, Value: scalar(-2, 4)}, {Name: "l.1.tt", Op: lxmert.Cut, Value: keys(b.T())}, {Name: "r.0.ii", Op: lxmert.Cut, Value: scalar(0, 4)},
		}},
		"positions": {Want: []lxmert.Read{
			{Name: "out.mlm", Positions: positions}, {Name: "x.0.ti", Positions: positions}, {Name: "out.obj", Positions: positions, Top: 3}, {Name: "out.qa", Top: 2},
		}},
		"gradients":            {Want: lxmert.All("out.qa"), Grad: &lxmert.Grad{Of: score(lxmert.Logit), Names: []string{"*"}}},
		"of log-probabilities": {Grad: &lxmert.Grad{Of: score(lxmert.LogProb), Names: []string{"x.*.*", "in.*"}}},
		"of probabilities":     {Grad: &lxmert.Grad{Of: score(lxmert.Probability), Names: []string{"hid.*.*"}}},
		"relevance":            {Grad: &lxmert.Grad{Of: score(lxmert.Logit), Names: []string{"*"}, Rule: lxmert.AttnLRP}},
		"gradients of edits": {Grad: &lxmert.Grad{Of: score(lxmert.Logit), Names: []string{"*"}}, Edits: []lxmert.Edit{
			{Name: "x.*.ti", Op: lxmert.Cut, Value: keys(b.V())}, {Name: "l.0.tt", Op: lxmert.Multiply, Value: scalar(0.5, 4)}, {Name: "hid.t.1", Op: lxmert.Set, Value: scalar(0.3, 3), Mask: scalar(0.5, 3)},
		}},
	}
}

// TestEveryRequestMeansTheSame as on GoMLX, up to what rounding explains.
func TestEveryRequestMeansTheSame(t *testing.T) {
	goldentest.Each(t, "model", func(t *testing.T, folder string) {
		path := filepath.Join(folder, "tiny", "weights.safetensors")
		e, m := openEngine(t, path, ""), plain(t, path)
		single := readBatch(t, filepath.Join(folder, "tiny", "forward_vmask.safetensors"))
		paired := *single
		for text := range single.IDs {
			for image := range single.Feats.Shape[0] {
				paired.Pairs = append(paired.Pairs, [2]int{text, image})
			}
		}
		for kind, b := range map[string]*lxmert.Batch{"one to one": single, "pairs": &paired} {
			for name, r := range requests(b) {
				t.Run(kind+"/"+name, func(t *testing.T) { enginetest.Same(t, e, m, b, r) })
			}
		}
	})
}

// TestEveryTensorIsFreed after runs that succeed and that are cancelled: what is left is the weights, and nothing once the engine
// is closed.
func TestEveryTensorIsFreed(t *testing.T) {
	folder := goldentest.Folders(t, "model")[0]
	e := openEngine(t, filepath.Join(folder, "tiny", "weights.safetensors"), "")
	b := readBatch(t, filepath.Join(folder, "tiny", "forward.safetensors"))
	for _, r := range requests(b) {
		enginetest.Run(t, e, b, r)
		if got, want := e.held.Load(), int64(len(e.params)); got != want || want == 0 {
			t.Fatalf("%d tensors are held, the weights are %d", got, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Run(ctx, b, lxmert.Request{Want: lxmert.All("*")}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if err := e.Close(); err != nil || e.held.Load() != 0 {
		t.Errorf("%d tensors are held by an engine that is closed: %v", e.held.Load(), err)
	}
}

// TestMemoryStaysFlat over thousands of runs with gradients and edits.
func TestMemoryStaysFlat(t *testing.T) {
	if resident.Bytes() == 0 {
		t.Skip("the system does not say how much memory a process has")
	}
	folder := goldentest.Folders(t, "model")[0]
	e := openEngine(t, filepath.Join(folder, "tiny", "weights.safetensors"), "")
	b := readBatch(t, filepath.Join(folder, "tiny", "forward.safetensors"))
	r := requests(b)["gradients of edits"]
	runs := 10000
	if testing.Short() {
		runs = 1000
	}
	var before int64
	for i := range runs {
		if i == runs/10 {
			before = inRAM()
		}
		enginetest.Run(t, e, b, r)
	}
	// Nine thousand runs that each left 8 KB would be above this.
	if grown := inRAM() - before; grown > 64<<20 {
		t.Errorf("%d runs left %d MB", runs, grown>>20)
	}
}

// inRAM is how much memory the process has in RAM without what Go has yet to collect, in bytes.
func inRAM() int64 {
	runtime.GC()
	return resident.Bytes()
}

func TestErrorsAreOneClearLine(t *testing.T) {
	folder := goldentest.Folders(t, "model")[0]
	path := filepath.Join(folder, "tiny", "weights.safetensors")
	e, b := openEngine(t, path, ""), readBatch(t, filepath.Join(folder, "tiny", "forward.safetensors"))
	if _, err := e.Run(t.Context(), b, lxmert.Request{Want: lxmert.All("l.99.tt")}); err == nil || !strings.Contains(err.Error(), `no activation is called "l.99.tt"`) {
		t.Errorf("error %v", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Run(cancelled, b, lxmert.Request{Want: lxmert.All("*")}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := Open(path, "", lxrt.Options{BFloat16: true}); err == nil || !strings.Contains(err.Error(), "float32") {
		t.Errorf("error %v", err)
	}
	// An exception of libtorch is an error of Go's.
	err := call(t.Context(), func() error {
		a := &arena{device: -1}
		defer a.free()
		a.matmul(a.floats(make([]float32, 2), 1, 2), a.floats(make([]float32, 3), 1, 3))
		return nil
	}, func() {})
	if err == nil || !strings.HasPrefix(err.Error(), "libtorch: ") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v", err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if _, err := e.Run(t.Context(), b, lxmert.Request{Want: lxmert.All("*")}); !errors.Is(err, ErrClosed) {
		t.Errorf("error %v", err)
	}
}
