package lxrt

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// copyWeights writes a model's parameters but those that without names, and what is added, to a file.
func copyWeights(t *testing.T, path, without string, more ...weights.Item) string {
	t.Helper()
	m := openWeights(t, path, "")
	items := more
	for _, name := range m.Names() {
		if x, _ := m.Tensor(name); name != without {
			items = append(items, weights.FromTensor(name, x, ""))
		}
	}
	out := filepath.Join(t.TempDir(), "copy.pth")
	if err := weights.Write(out, items, nil); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestStrictUnlessToldOtherwise: tensors beside the model are an error that says what to do about them, or a line with
// their number; parameters that are missing are an error always.
func TestStrictUnlessToldOtherwise(t *testing.T) {
	b := backendtest.Open(t, "go")
	goldentest.Each(t, "model", func(t *testing.T, folder string) {
		path, config := filepath.Join(folder, "tiny", "weights.safetensors"), filepath.Join(folder, "config.json")
		more := []weights.Item{
			weights.FromFloats("optimizer.step", nil, []float32{7}, weights.F32), weights.FromFloats("optimizer.m", []int{2}, []float32{1, 2}, weights.F32),
		}
		checkpoint := copyWeights(t, path, "", more...)
		_, err := Open(b, checkpoint, config, Options{})
		if err == nil || strings.Count(err.Error(), checkpoint) != 1 || strings.Contains(err.Error(), "\n") {
			t.Fatalf("error %v, expected one line that names the file once", err)
		}
		for _, part := range []string{"2 not in the model", "optimizer.step", "--allow-unused"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("error %v does not say %q", err, part)
			}
		}

		var log strings.Builder
		m, err := Open(b, checkpoint, config, Options{AllowUnused: true, Log: &log})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if want := checkpoint + ": 2 tensors are not part of the model and left alone: optimizer.step, optimizer.m\n"; log.String() != want {
			t.Errorf("the log says %q, expected %q", log.String(), want)
		}
		inputs := filepath.Join(folder, "tiny", "forward.safetensors")
		golden := goldentest.Open(t, inputs)
		golden.Use("")
		golden.Compare("out.qa_logits", run(t, m, readBatch(t, inputs), lxmert.Request{Want: lxmert.All("out.qa")}).Values["out.qa"].Data, forwardTolerance)

		_, err = Open(b, copyWeights(t, path, "bert.pooler.dense.bias", more...), config, Options{AllowUnused: true})
		if err == nil || !strings.Contains(err.Error(), "1 missing in the file: bert.pooler.dense.bias") {
			t.Errorf("error %v, expected the missing bias", err)
		}
	})
}

// TestGuessedHeadsAreSaid where nothing states their number, and only there.
func TestGuessedHeadsAreSaid(t *testing.T) {
	b := backendtest.Open(t, "go")
	c := lxmert.Config{
		Vocab: 9, Hidden: 128, Heads: 2, Intermediate: 8, MaxPositions: 6, TokenTypes: 2, Activation: "gelu",
		LangLayers: 1, RegionLayers: 1, CrossLayers: 1, FeatDim: 5, BoxDim: 4,
	}
	var items []weights.Item
	for _, p := range c.Params() {
		items = append(items, weights.FromFloats(p.Name, p.Shape, make([]float32, lxmert.Size(p.Shape)), weights.F32))
	}
	dir := t.TempDir()
	bare, stated := filepath.Join(dir, "bare.pth"), filepath.Join(dir, "stated.pth")
	if err := weights.Write(bare, items, nil); err != nil {
		t.Fatal(err)
	}
	if err := weights.Save(stated, c, items, nil); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		stated: "", bare: bare + ": nothing says how many attention heads it has; 2, of the usual 64 units per head, are assumed (--config FILE names a JSON file with num_attention_heads)\n",
	} {
		var log strings.Builder
		m, err := Open(b, path, "", Options{Log: &log})
		if err != nil {
			t.Fatal(err)
		}
		m.Close()
		if log.String() != want {
			t.Errorf("the log says %q, expected %q", log.String(), want)
		}
	}
}
