// Package enginetest holds any engine to the goldens: outputs, maps, levels, sublayers, insides and gradients of the original
// implementation.
package enginetest

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/internal/roundingtest"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Tolerances of the goldens of analyses. A key that is masked out has a score of about -10000, where a float32 has steps of 1e-3.
var (
	Analysis = goldentest.Tolerance{Relative: 3e-5, Absolute: 1e-5}
	inner    = goldentest.Tolerance{Relative: 3e-5, Absolute: 3e-6}
	masked   = goldentest.Tolerance{Absolute: 1.5e-3}
)

// Run runs a request that must succeed.
func Run(t testing.TB, eng lxmert.Engine, b *lxmert.Batch, r lxmert.Request) *lxmert.Trace {
	t.Helper()
	trace, err := eng.Run(t.Context(), b, r)
	if err != nil {
		t.Fatal(err)
	}
	return trace
}

// Forward runs the inputs of a file of the model goldens, which are b, and compares every activation in it.
func Forward(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, path string, tolerance goldentest.Tolerance) {
	t.Helper()
	golden := goldentest.Open(t, path)
	golden.Use("input.")
	cfg := eng.Config()
	trace := Run(t, eng, b, lxmert.Request{Want: lxmert.All("*")})
	for _, name := range golden.Names() {
		if !strings.HasPrefix(name, "input.") {
			golden.Compare(name, trace.Values[goldentest.Activation(name, cfg.LangLayers, cfg.RegionLayers, cfg.CrossLayers)].Data, tolerance)
		}
	}
}

// WithinReach compares results of a model, by a golden file's names, with the tolerance of each, or with how far rounding may
// move it, if that is more, which plain tells for all engines: the same model on one that compiles nothing.
func WithinReach(t *testing.T, eng, plain lxmert.Engine, golden *goldentest.File, tolerance func(name string) goldentest.Tolerance, results func(eng lxmert.Engine) map[string][]float64) {
	t.Helper()
	reach := roundingtest.Reach(t, plain, roundingtest.Float32, results)
	for name, got := range results(eng) {
		golden.CompareWide(name, got, tolerance(name).WithReach(reach[name]))
	}
}

// Always is a tolerance for every name.
func Always(tol goldentest.Tolerance) func(string) goldentest.Tolerance {
	return func(string) goldentest.Tolerance { return tol }
}

// AnalysisForward compares outputs, maps and heads at masked words and regions with an analysis golden folder, whose inputs are
// b.
func AnalysisForward(t *testing.T, eng, plain lxmert.Engine, b *lxmert.Batch, folder string) {
	t.Helper()
	golden := goldentest.Open(t, filepath.Join(folder, "forward.safetensors"))
	answers := Run(t, eng, b, lxmert.Request{Want: []lxmert.Read{{Name: "out.qa", Top: 1}}}).Top["out.qa"]
	for n, want := range golden.Int32s("qa_target") {
		if got := answers.Index[n]; got != want {
			t.Errorf("row %d answers %d, expected %d", n, got, want)
		}
	}
	WithinReach(t, eng, plain, golden, Always(Analysis), func(eng lxmert.Engine) map[string][]float64 {
		trace, out := Run(t, eng, b, lxmert.Request{Want: lxmert.All("*")}), map[string][]float64{}
		for _, name := range golden.Names() {
			ours := map[string]string{
				"pooled": "out.pooled", "itm_logits": "out.match", "qa_logits": "out.qa", "mlm_logits": "out.mlm",
				"visual_obj_logits": "out.obj", "visual_attr_logits": "out.attr", "visual_feat_logits": "out.feat",
			}[name]
			switch {
			case name == "qa_target":
			case name == "mlm_masked_logits":
				out[name] = maskedWord(t, eng, b, folder).Float64s()
			case name == "obj_masked_logits":
				out[name] = maskedRegion(t, eng, b).Float64s()
			case ours != "":
				out[name] = trace.Values[ours].Float64s()
			default:
				out[name] = trace.Values[strings.TrimPrefix(name, "att.")].Float64s()
			}
		}
		return out
	})
}

// maskedWord reads the masked-word head at word 2, which is replaced by [MASK].
func maskedWord(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string) lxmert.Tensor {
	special := goldentest.Open(t, filepath.Join(folder, "inputs.safetensors"))
	special.Use("")
	id, err := strconv.Atoi(special.Metadata["MASK"])
	if err != nil {
		t.Fatal(err)
	}
	hidden := *b
	hidden.IDs = nil
	positions := make([][]int, len(b.IDs))
	for n, ids := range b.IDs {
		ids = slices.Clone(ids)
		ids[2] = int32(id)
		hidden.IDs = append(hidden.IDs, ids)
		positions[n] = []int{2}
	}
	return Run(t, eng, &hidden, lxmert.Request{Want: []lxmert.Read{{Name: "out.mlm", Positions: positions}}}).Values["out.mlm"]
}

// maskedRegion reads the object head at region 1, whose features are set to zero by an edit.
func maskedRegion(t *testing.T, eng lxmert.Engine, b *lxmert.Batch) lxmert.Tensor {
	gate := lxmert.NewTensor(1, b.V(), 1)
	positions := make([][]int, len(b.IDs))
	for v := range gate.Data {
		gate.Data[v] = 1
	}
	gate.Data[1] = 0
	for n := range positions {
		positions[n] = []int{1}
	}
	return Run(t, eng, b, lxmert.Request{
		Want:  []lxmert.Read{{Name: "out.obj", Positions: positions}},
		Edits: []lxmert.Edit{{Name: "in.feat", Op: lxmert.Multiply, Value: gate}},
	}).Values["out.obj"]
}

// MapGradients compares the gradients of an answer's logit with respect to every map with an analysis golden folder, whose
// inputs are b. Those of maps that the answer does not see are exactly zero.
func MapGradients(t *testing.T, eng, plain lxmert.Engine, b *lxmert.Batch, folder string) {
	t.Helper()
	golden := goldentest.Open(t, filepath.Join(folder, "qa_grad.safetensors"))
	forward := goldentest.Open(t, filepath.Join(folder, "forward.safetensors"))
	forward.Use("")
	class := forward.Ints("qa_target")
	cfg := eng.Config()
	r := lxmert.Request{
		Want: lxmert.All("out.qa"),
		Grad: &lxmert.Grad{Of: []lxmert.Term{{Output: "out.qa", Class: class}}, Names: cfg.Maps()},
	}
	trace := Run(t, eng, b, r)
	for n, s := range trace.Score {
		if want := trace.Values["out.qa"].At(n, class[n]); s != want {
			t.Errorf("row %d has score %g, its logit is %g", n, s, want)
		}
	}
	WithinReach(t, eng, plain, golden, Always(Analysis), func(eng lxmert.Engine) map[string][]float64 {
		out := map[string][]float64{}
		for name, g := range Run(t, eng, b, r).Grads {
			out["qa_grad."+name] = g.Float64s()
		}
		return out
	})
	for _, kind := range []string{"it", "ii"} {
		last := "x." + strconv.Itoa(cfg.CrossLayers-1) + "." + kind
		if slices.ContainsFunc(trace.Grads[last].Data, func(g float32) bool { return g != 0 }) {
			t.Errorf("the gradient of %s is not exactly zero, though the answer does not see it", last)
		}
	}
}

// Inner compares scores before softmax and both halves of feed-forward blocks with an analysis golden folder, whose inputs
// are b.
func Inner(t *testing.T, eng, plain lxmert.Engine, b *lxmert.Batch, folder string) {
	t.Helper()
	golden := goldentest.Open(t, filepath.Join(folder, "inner.safetensors"))
	all := lxmert.Request{Want: lxmert.All("*")}
	reach := roundingtest.Reach(t, plain, roundingtest.Float32, func(eng lxmert.Engine) map[string][]float64 {
		out := map[string][]float64{}
		for name, x := range Run(t, eng, b, all).Values {
			if golden.Has("inner." + name) {
				out[name] = masking(x.Float64s(), false)
			}
		}
		return out
	})
	values := Run(t, eng, b, all).Values
	for _, a := range eng.Config().Names() {
		if !a.IsScore() && !strings.Contains(a.Name, ".ffn") {
			continue
		}
		got, want := values[a.Name].Float64s(), golden.Floats("inner."+a.Name)
		for out, tolerance := range map[bool]goldentest.Tolerance{false: inner.WithReach(reach[a.Name]), true: masked} {
			if err := goldentest.Difference(masking(got, out), masking(want, out), tolerance); err != nil {
				t.Errorf("%s, masked out %t: %v", a.Name, out, err)
			}
		}
	}
}

// masking picks, of scores, those of keys that are masked out, or the others.
func masking(scores []float64, out bool) (picked []float64) {
	for _, s := range scores {
		if s < -5000 == out {
			picked = append(picked, s)
		}
	}
	return picked
}

// Same compares all that a request returns with what the model gives on plain, an engine that compiles nothing, up to what
// rounding of both explains.
func Same(t *testing.T, eng, plain lxmert.Engine, b *lxmert.Batch, r lxmert.Request) {
	t.Helper()
	var index map[string][]int32
	results := func(eng lxmert.Engine) map[string][]float64 {
		trace, out := Run(t, eng, b, r), map[string][]float64{}
		index = map[string][]int32{}
		for name, x := range trace.Values {
			out[name] = x.Float64s()
		}
		for name, x := range trace.Grads {
			out["grad."+name] = x.Float64s()
		}
		for name, x := range trace.Top {
			out["top."+name], index[name] = x.Values.Float64s(), x.Index
		}
		if trace.Score != nil {
			out["score"] = lxmert.Tensor{Data: trace.Score}.Float64s()
		}
		return out
	}
	reach := roundingtest.Reach(t, plain, roundingtest.Float32, results)
	want := results(plain)
	wantIndex := index
	got := results(eng)
	if len(got) != len(want) {
		t.Errorf("%d results, expected %d", len(got), len(want))
	}
	for name := range want {
		if err := goldentest.Difference(got[name], want[name], goldentest.Tolerance{Relative: 1e-6, Reach: 2 * reach[name]}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, want := range wantIndex {
		if !slices.Equal(index[name], want) {
			t.Errorf("the largest entries of %s are %v, expected %v", name, index[name], want)
		}
	}
}
