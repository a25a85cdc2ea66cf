package lxrt

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/goldentest"
)

// analysisCase is the model of an analysis golden folder and its inputs.
func analysisCase(t *testing.T, b *backend.Backend, folder string) (*Model, *lxmert.Batch) {
	m := openModel(t, b, filepath.Join(folder, "weights.safetensors"), Options{})
	return m, readBatch(t, filepath.Join(folder, "inputs.safetensors"))
}

func TestAnalysisForwardEqualsReference(t *testing.T) {
	eachGolden(t, "analysis", func(t *testing.T, b *backend.Backend, folder string) {
		m, batch := analysisCase(t, b, folder)
		golden := goldentest.Open(t, filepath.Join(folder, "forward.safetensors"))
		trace := run(t, m, batch, lxmert.Request{Want: lxmert.All("*")})
		for _, name := range golden.Names() {
			ours := map[string]string{
				"pooled": "out.pooled", "itm_logits": "out.match", "qa_logits": "out.qa", "mlm_logits": "out.mlm",
				"visual_obj_logits": "out.obj", "visual_attr_logits": "out.attr", "visual_feat_logits": "out.feat",
			}[name]
			switch {
			case name == "qa_target":
				for n, want := range golden.Int32s(name) {
					if got := topK(trace.Values["out.qa"].Row(n), 1).Index[0]; got != want {
						t.Errorf("row %d answers %d, expected %d", n, got, want)
					}
				}
			case name == "mlm_masked_logits":
				golden.Compare(name, maskedWord(t, m, batch, folder), analysisTolerance)
			case name == "obj_masked_logits":
				golden.Compare(name, maskedRegion(t, m, batch), analysisTolerance)
			case ours != "":
				golden.Compare(name, trace.Values[ours].Data, analysisTolerance)
			default:
				golden.Compare(name, trace.Values[strings.TrimPrefix(name, "att.")].Data, analysisTolerance)
			}
		}
	})
}

// maskedWord reads the masked-word head at word 2, which is replaced by [MASK].
func maskedWord(t *testing.T, m *Model, batch *lxmert.Batch, folder string) []float32 {
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
	return trace.Values["out.mlm"].Data
}

// maskedRegion reads the object head at region 1, whose features are set to zero by an edit.
func maskedRegion(t *testing.T, m *Model, batch *lxmert.Batch) []float32 {
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
	return trace.Values["out.obj"].Data
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
		trace := run(t, m, batch, lxmert.Request{
			Want: lxmert.All("out.qa"),
			Grad: &lxmert.Grad{Of: []lxmert.Term{{Output: "out.qa", Class: class}}, Names: m.cfg.Maps()},
		})
		for n, s := range trace.Score {
			if want := trace.Values["out.qa"].At(n, class[n]); s != want {
				t.Errorf("row %d has score %g, its logit is %g", n, s, want)
			}
		}
		for _, name := range golden.Names() {
			golden.Compare(name, trace.Grads[strings.TrimPrefix(name, "qa_grad.")].Data, analysisTolerance)
		}
		for _, name := range []string{"it", "ii"} {
			last := place("x", m.cfg.CrossLayers-1, name)
			if !isZero(trace.Grads[last].Data) {
				t.Errorf("the gradient of %s is not exactly zero, though the answer does not see it", last)
			}
		}
	})
}
