package lxrt

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/internal/roundingtest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
)

// analysisCase is the model of an analysis golden folder and its inputs.
func analysisCase(t *testing.T, b *backend.Backend, folder string) (*Model, *lxmert.Batch) {
	m := openModel(t, b, filepath.Join(folder, "weights.safetensors"), Options{})
	return m, readBatch(t, filepath.Join(folder, "inputs.safetensors"))
}

// withinReach compares results of an analysis golden folder's model, by the file's names, with the tolerance of each, or with
// how far rounding may move it, if that is more, which the engine that compiles nothing tells for all.
func withinReach(t *testing.T, folder string, golden *goldentest.File, tolerance func(name string) goldentest.Tolerance, m *Model, results func(eng lxmert.Engine) map[string][]float64) {
	t.Helper()
	plain, _ := analysisCase(t, backendtest.Open(t, "go"), folder)
	reach := roundingtest.Reach(t, plain, roundingtest.Float32, results)
	for name, got := range results(m) {
		golden.CompareWide(name, got, tolerance(name).WithReach(reach[name]))
	}
}

// always is a tolerance for every name.
func always(tol goldentest.Tolerance) func(string) goldentest.Tolerance {
	return func(string) goldentest.Tolerance { return tol }
}

func TestAnalysisForwardEqualsReference(t *testing.T) {
	eachGolden(t, "analysis", func(t *testing.T, b *backend.Backend, folder string) {
		m, batch := analysisCase(t, b, folder)
		golden := goldentest.Open(t, filepath.Join(folder, "forward.safetensors"))
		answers := run(t, m, batch, lxmert.Request{Want: lxmert.All("out.qa")}).Values["out.qa"]
		for n, want := range golden.Int32s("qa_target") {
			if got := topK(answers.Row(n), 1).Index[0]; got != want {
				t.Errorf("row %d answers %d, expected %d", n, got, want)
			}
		}
		withinReach(t, folder, golden, always(analysisTolerance), m, func(eng lxmert.Engine) map[string][]float64 {
			trace, out := run(t, eng, batch, lxmert.Request{Want: lxmert.All("*")}), map[string][]float64{}
			for _, name := range golden.Names() {
				ours := map[string]string{
					"pooled": "out.pooled", "itm_logits": "out.match", "qa_logits": "out.qa", "mlm_logits": "out.mlm",
					"visual_obj_logits": "out.obj", "visual_attr_logits": "out.attr", "visual_feat_logits": "out.feat",
				}[name]
				switch {
				case name == "qa_target":
				case name == "mlm_masked_logits":
					out[name] = wide(maskedWord(t, eng, batch, folder))
				case name == "obj_masked_logits":
					out[name] = wide(maskedRegion(t, eng, batch))
				case ours != "":
					out[name] = wide(trace.Values[ours])
				default:
					out[name] = wide(trace.Values[strings.TrimPrefix(name, "att.")])
				}
			}
			return out
		})
	})
}

// maskedWord reads the masked-word head at word 2, which is replaced by [MASK].
func maskedWord(t *testing.T, m lxmert.Engine, batch *lxmert.Batch, folder string) lxmert.Tensor {
	special := goldentest.Open(t, filepath.Join(folder, "inputs.safetensors"))
	special.Use("")
	id, err := strconv.Atoi(special.Metadata["MASK"])
	if err != nil {
		t.Fatal(err)
	}
	masked := *batch
	masked.IDs = nil
	positions := make([][]int, len(batch.IDs))
	for n, ids := range batch.IDs {
		ids = append([]int32(nil), ids...)
		ids[2] = int32(id)
		masked.IDs = append(masked.IDs, ids)
		positions[n] = []int{2}
	}
	trace := run(t, m, &masked, lxmert.Request{Want: []lxmert.Read{{Name: "out.mlm", Positions: positions}}})
	return trace.Values["out.mlm"]
}

// maskedRegion reads the object head at region 1, whose features are set to zero by an edit.
func maskedRegion(t *testing.T, m lxmert.Engine, batch *lxmert.Batch) lxmert.Tensor {
	gate := lxmert.NewTensor(1, batch.V(), 1)
	positions := make([][]int, len(batch.IDs))
	for v := range gate.Data {
		gate.Data[v] = 1
	}
	gate.Data[1] = 0
	for n := range positions {
		positions[n] = []int{1}
	}
	trace := run(t, m, batch, lxmert.Request{
		Want:  []lxmert.Read{{Name: "out.obj", Positions: positions}},
		Edits: []lxmert.Edit{{Name: "in.feat", Op: lxmert.Multiply, Value: gate}},
	})
	return trace.Values["out.obj"]
}

func TestMapGradientsEqualReference(t *testing.T) {
	eachGolden(t, "analysis", func(t *testing.T, b *backend.Backend, folder string) {
		m, batch := analysisCase(t, b, folder)
		golden := goldentest.Open(t, filepath.Join(folder, "qa_grad.safetensors"))
		forward := goldentest.Open(t, filepath.Join(folder, "forward.safetensors"))
		forward.Use("")
		class := make([]int, len(batch.IDs))
		for n, c := range forward.Int32s("qa_target") {
			class[n] = int(c)
		}
		r := lxmert.Request{
			Want: lxmert.All("out.qa"),
			Grad: &lxmert.Grad{Of: []lxmert.Term{{Output: "out.qa", Class: class}}, Names: m.cfg.Maps()},
		}
		trace := run(t, m, batch, r)
		for n, s := range trace.Score {
			if want := trace.Values["out.qa"].At(n, class[n]); s != want {
				t.Errorf("row %d has score %g, its logit is %g", n, s, want)
			}
		}
		withinReach(t, folder, golden, always(analysisTolerance), m, func(eng lxmert.Engine) map[string][]float64 {
			out := map[string][]float64{}
			for name, g := range run(t, eng, batch, r).Grads {
				out["qa_grad."+name] = wide(g)
			}
			return out
		})
		for _, name := range []string{"it", "ii"} {
			last := place("x", m.cfg.CrossLayers-1, name)
			if !isZero(trace.Grads[last].Data) {
				t.Errorf("the gradient of %s is not exactly zero, though the answer does not see it", last)
			}
		}
	})
}
