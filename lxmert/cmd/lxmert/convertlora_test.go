package main

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/commandline"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// TestConvertAddsAdapters to the weights that they belong to, and to no others.
func TestConvertAddsAdapters(t *testing.T) {
	checkpoints := filepath.Join(goldentest.Folders(t, "model")[0], "checkpoints")
	base := filepath.Join(checkpoints, "vqa_toy_LAST.pth")
	m, err := weights.OpenModel(base, "")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	const layer, adapted = "bert.pooler.dense", "bert.pooler.dense.weight"
	shape := m.Shape(adapted)
	var body, trained []weights.Item
	for _, p := range m.Config.Params() {
		x, _ := m.Tensor(p.Name)
		it := weights.FromTensor(p.Name, x, weights.F32)
		if strings.HasPrefix(p.Name, "bert.") {
			body = append(body, it)
		} else {
			trained = append(trained, it)
		}
	}
	nameA, nameB := weights.AdapterNames(layer)
	a, b := make([]float32, shape[1]), make([]float32, shape[0])
	a[0], b[1] = 2, 3
	trained = append(trained, weights.FromFloats(nameA, []int{1, shape[1]}, a, weights.F32), weights.FromFloats(nameB, []int{shape[0], 1}, b, weights.F32))
	about := weights.LoRA{Rank: 1, Alpha: 1}
	if about.Base, err = weights.Fingerprint(body); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	lora, merged := filepath.Join(dir, "BEST.lora.safetensors"), filepath.Join(dir, "merged.pth")
	if err := weights.SaveAdapters(lora, m.Config, about, trained); err != nil {
		t.Fatal(err)
	}

	out, _, err := execute(convertCommand(), base, merged, "--lora", lora)
	if err != nil || !strings.Contains(out, "with adapters of rank 1 added to 1 layers") {
		t.Fatalf("%q, %v", out, err)
	}
	n, err := weights.OpenModel(merged, "")
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	for _, p := range m.Config.Params() {
		was, is := values(t, m, p), values(t, n, p)
		if p.Name == adapted {
			was[shape[1]] += 6 // the first number of the second row
		}
		if !slices.Equal(was, is) {
			t.Errorf("%s is not what it was with its adapter", p.Name)
		}
	}

	if out, _, err := execute(inspectCommand(), lora); err != nil || !strings.Contains(out, "is      LoRA adapters") || !strings.Contains(out, "--lora") {
		t.Errorf("inspect says %q, %v", out, err)
	}
	if _, _, err := execute(convertCommand(), merged, filepath.Join(dir, "twice.pth"), "--lora", lora); err == nil || !strings.Contains(err.Error(), "were trained on other weights") {
		t.Errorf("added twice: %v", err)
	}
	if _, _, err := execute(convertCommand(), base, filepath.Join(dir, "x.pth"), "--lora", base); err == nil || !strings.Contains(err.Error(), "holds no LoRA adapters") {
		t.Errorf("a model as adapters: %v", err)
	}
	if _, _, err := execute(convertCommand(), base, filepath.Join(dir, "hf"), "--lora", lora, "--to", "hf"); !errors.Is(err, commandline.ErrUsage) {
		t.Errorf("in Hugging Face's layout: %v", err)
	}
}

func values(t *testing.T, m *weights.Model, p lxmert.Param) []float32 {
	t.Helper()
	x, ok := m.Tensor(p.Name)
	if !ok {
		t.Fatalf("%s has no %s", m.File.Path, p.Name)
	}
	v, err := x.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(v)
}
