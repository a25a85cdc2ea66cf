package weights_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// tuned are adapters of two layers of a fine-tuned model, with its head, and what they say of themselves.
func tuned(t *testing.T, base *weights.Model) (about weights.LoRA, items map[string]weights.Item) {
	t.Helper()
	about = weights.LoRA{Rank: 2, Alpha: 5}
	items = map[string]weights.Item{}
	var body []weights.Item
	for _, p := range base.Config.Params() {
		x, ok := base.Tensor(p.Name)
		if !ok {
			t.Fatalf("%s has no %s", base.File.Path, p.Name)
		}
		it := weights.FromTensor(p.Name, x, weights.F32)
		if strings.HasPrefix(p.Name, "bert.") {
			body = append(body, it)
		} else {
			items[p.Name] = it
		}
	}
	for _, layer := range []string{"bert.pooler.dense", "bert.encoder.layer.0.intermediate.dense"} {
		shape := base.Shape(layer + ".weight")
		nameA, nameB := weights.AdapterNames(layer)
		items[nameA] = weights.FromFloats(nameA, []int{2, shape[1]}, wave(2*shape[1], 0.3), weights.F32)
		items[nameB] = weights.FromFloats(nameB, []int{shape[0], 2}, wave(2*shape[0], 0.2), weights.F32)
	}
	var err error
	if about.Base, err = weights.Fingerprint(body); err != nil {
		t.Fatal(err)
	}
	return about, items
}

// wave are n numbers up to size, none like the next.
func wave(n int, size float32) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = size * (float32((i*7919)%1009)/504.5 - 1)
	}
	return x
}

func inOrder(items map[string]weights.Item) (list []weights.Item) {
	for _, name := range slices.Sorted(maps.Keys(items)) {
		list = append(list, items[name])
	}
	return list
}

// TestPyTorchLoadsMergedAdapters with the original's names, strictly, and adds them up the same way. In float32 a sum of two products
// and a number differs by a few roundings.
func TestPyTorchLoadsMergedAdapters(t *testing.T) {
	goldentest.Each(t, "model", func(t *testing.T, dir string) {
		original := filepath.Join(dir, "checkpoints", "vqa_toy_LAST.pth")
		base := openModel(t, original)
		about, items := tuned(t, base)
		path := filepath.Join(t.TempDir(), "LAST.lora.safetensors")
		if err := weights.SaveAdapters(path, base.Config, about, inOrder(items)); err != nil {
			t.Fatal(err)
		}
		a, err := weights.OpenAdapters(path)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		if a.Rank != 2 || a.Alpha != 5 || a.Config != base.Config || len(a.Layers) != 2 {
			t.Errorf("%+v", a)
		}
		if _, err := weights.NewModel(a.File, ""); err == nil || !strings.Contains(err.Error(), "lxmert convert BASE NEW --lora THIS") {
			t.Errorf("adapters as a model: %v", err)
		}
		merged, err := a.Merge(base, "")
		if err != nil {
			t.Fatal(err)
		}
		plain, adapters := filepath.Join(t.TempDir(), "merged.pth"), filepath.Join(t.TempDir(), "adapters.pth")
		if err := weights.Save(plain, a.Config, merged, nil); err != nil {
			t.Fatal(err)
		}
		if err := weights.Write(adapters, inOrder(items), nil); err != nil {
			t.Fatal(err)
		}
		out := runPython(t, `
import sys, torch
base, merged, adapters = (torch.load(p, map_location="cpu") for p in sys.argv[1:4])
class Tree(torch.nn.Module): pass
model = Tree()
for name, x in base.items():
    at, parts = model, name.split(".")
    for part in parts[:-1]:
        if not hasattr(at, part): at.add_module(part, Tree())
        at = getattr(at, part)
    at.register_parameter(parts[-1], torch.nn.Parameter(torch.zeros_like(x)))
print(model.load_state_dict(merged, strict=True))
changed = []
for name, w in model.state_dict().items():
    layer = name[len("lxrt_encoder.model."):-len(".weight")]
    want = base[name]
    if layer + ".lora_A.weight" in adapters:
        changed.append(layer)
        want = want.double() + 5 / 2 * (adapters[layer + ".lora_B.weight"].double() @ adapters[layer + ".lora_A.weight"].double())
        assert (w - base[name]).abs().max() > 0.01, name
        assert (w.double() - want).abs().max() <= 1e-6 * want.abs().max(), name
    else:
        assert torch.equal(w, want), name
print(len(changed))
`, original, plain, adapters)
		if out != "<All keys matched successfully>\n2" {
			t.Errorf("PyTorch says %q", out)
		}
		m := openModel(t, plain)
		if err := m.Report(base.Config).Err(); err != nil {
			t.Error(err)
		}
	})
}

func TestAdaptersThatDoNotFitAreNamedErrors(t *testing.T) {
	dir := goldentest.Folders(t, "model")[0]
	base := openModel(t, filepath.Join(dir, "checkpoints", "vqa_toy_LAST.pth"))
	nameA, nameB := weights.AdapterNames("bert.pooler.dense")
	for _, c := range []struct {
		change func(about *weights.LoRA, cfg *lxmert.Config, items map[string]weights.Item)
		want   string
	}{
		{func(about *weights.LoRA, _ *lxmert.Config, _ map[string]weights.Item) { about.Rank = 3 }, "must be of floating-point numbers [3 "},
		{func(about *weights.LoRA, _ *lxmert.Config, _ map[string]weights.Item) { about.Rank = 0 }, "the adapters have rank 0"},
		{func(_ *weights.LoRA, _ *lxmert.Config, items map[string]weights.Item) { delete(items, nameB) }, "lacks one of its matrices"},
		{func(_ *weights.LoRA, _ *lxmert.Config, items map[string]weights.Item) { delete(items, nameA) }, "lacks one of its matrices"},
		{func(_ *weights.LoRA, _ *lxmert.Config, items map[string]weights.Item) {
			items["x"] = weights.FromFloats("x", []int{1}, []float32{1}, weights.F32)
		}, "belong to the model"},
		{func(_ *weights.LoRA, _ *lxmert.Config, items map[string]weights.Item) {
			maps.DeleteFunc(items, func(name string, _ weights.Item) bool { return strings.Contains(name, ".lora_") })
		}, "adapters of 0 of its layers"},
		{func(_ *weights.LoRA, cfg *lxmert.Config, _ map[string]weights.Item) { cfg.LangLayers = 1 << 30 }, "l_layers is"},
		{func(_ *weights.LoRA, cfg *lxmert.Config, _ map[string]weights.Item) { cfg.TaskClasses++ }, "logit_fc.3.weight is F32"},
		{func(about *weights.LoRA, _ *lxmert.Config, _ map[string]weights.Item) { about.Base = "other" }, "were trained on other weights than " + base.File.Path},
		{func(_ *weights.LoRA, cfg *lxmert.Config, _ map[string]weights.Item) { cfg.LangLayers++ }, "has no bert.encoder.layer."},
	} {
		about, items := tuned(t, base)
		cfg := base.Config
		c.change(&about, &cfg, items)
		path := filepath.Join(t.TempDir(), "a.safetensors")
		if err := weights.SaveAdapters(path, cfg, about, inOrder(items)); err != nil {
			t.Fatal(err)
		}
		a, err := weights.OpenAdapters(path)
		if err == nil {
			_, err = a.Merge(base, "")
			a.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	if _, err := weights.OpenAdapters(base.File.Path); err == nil || !strings.Contains(err.Error(), "holds no LoRA adapters") {
		t.Errorf("a model as adapters: %v", err)
	}
}

func TestLowRankProductsAreAdded(t *testing.T) {
	w := []float32{1, 2, 3, 4, 5, 6}
	// [2,2] x [2,3] / 2
	weights.AddLowRank(w, 2, 3, []float32{1, 2, 3, 4}, []float32{1, 0, 2, 0, 1, 4}, 0.5)
	if want := []float32{1.5, 3, 8, 5.5, 7, 17}; !slices.Equal(w, want) {
		t.Errorf("%v, expected %v", w, want)
	}
	if got := fmt.Sprint(weights.LoRA{Rank: 4, Alpha: 2}.Scale()); got != "0.5" {
		t.Errorf("the scale is %s", got)
	}
}
