package check

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/internal/testneed"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/torch"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// tracedNames are activations of the towers, of the cross layers and of heads.
var tracedNames = []string{"out.qa", "x.0.ti", "hid.t.1", "l.0.tt", "r.0.ii", "out.match"}

// traced has PyTorch make a TorchScript module of weights, and returns its path.
func traced(t *testing.T, python string, o Options) string {
	t.Helper()
	dir := t.TempDir()
	script, inputs := filepath.Join(dir, "lxmert_activations.py"), filepath.Join(dir, "inputs.safetensors")
	m := open(t, o.Load)
	if err := os.WriteFile(script, Script, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := (&lxmert.Trace{Batch: o.Batch}).Save(inputs); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "traced.pt")
	args := append([]string{"-W", "ignore", filepath.Join("testdata", "trace.py"), dir, original(), m.File.Path, strconv.Itoa(m.Config.Heads), inputs, out}, tracedNames...)
	if text, err := exec.Command(python, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return out
}

// copied is a copy of a module and its signature.
func copied(t *testing.T, script string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(filepath.Dir(script))); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(to, filepath.Base(script))
}

// changeSignature replaces a part of what stands beside a module.
func changeSignature(t *testing.T, script, old, with string) {
	t.Helper()
	path := strings.TrimSuffix(script, ".pt") + ".json"
	text, err := os.ReadFile(path)
	if err == nil && !strings.Contains(string(text), old) {
		t.Fatalf("%s has no %s", text, old)
	}
	if err == nil {
		err = os.WriteFile(path, []byte(strings.Replace(string(text), old, with, 1)), 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestATracedModuleIsCompared: it agrees where it has the same weights, and not where it has others.
func TestATracedModuleIsCompared(t *testing.T) {
	testneed.Require(t, "libtorch", torch.Built, "this test was built without the tag gotch (`lxmert backend install libtorch` says how)")
	python := goldentest.Python(t)
	goldentest.Each(t, "model", func(t *testing.T, folder string) {
		o := tiny(folder)
		var err error
		if o.Batch, err = lxrt.ReadBatch(filepath.Join(folder, "tiny", "forward.safetensors")); err != nil {
			t.Fatal(err)
		}
		o.Script = traced(t, python, o)
		r := run(t, o)
		if e := r.engine(t, "torchscript"); r.Err() != nil || !e.Agrees || e.Compared != len(tracedNames) {
			t.Errorf("%v: %+v", r.Err(), e)
		}
		if e := r.engine(t, "libtorch"); !e.Agrees || e.Compared != len(r.Activations) {
			t.Errorf("%+v", e)
		}

		other := tiny(folder)
		other.Load, other.Batch, other.Script = changed(t, o.Load, "bert.encoder.r_layers.0.attention.self.query.weight"), o.Batch, o.Script
		r = run(t, other)
		if e := r.engine(t, "torchscript"); r.Agree || e.Agrees || e.Parts != "r.0.ii" {
			t.Errorf("a module of other weights: agree %v, %+v", r.Agree, e)
		}

		for _, c := range []struct{ old, with, want string }{
			{`"out.qa", "x.0.ti"`, `"x.0.ti", "out.qa"`, "does its signature name outputs in their order?"},
			{`, "boxes"`, "", "the module does not run on these inputs"},
			{`, ""`, "", "the module returns 7 tensors, its signature names 6 outputs"},
		} {
			wrong := tiny(folder)
			wrong.Batch, wrong.Script = o.Batch, copied(t, o.Script)
			changeSignature(t, wrong.Script, c.old, c.with)
			if _, err := Run(t.Context(), wrong); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want %s", err, c.want)
			}
		}
		o = tiny(folder)
		if o.Script = filepath.Join(t.TempDir(), "prose.pt"); os.WriteFile(o.Script, []byte("prose"), 0o666) != nil {
			t.Fatal("cannot write")
		}
		writeSignature(t, o.Script, `{"inputs": ["input_ids"], "outputs": ["out.qa"]}`)
		if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "prose.pt is no TorchScript module") || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v", err)
		}
	})
}

// changed writes weights of which one tensor is the other way round.
func changed(t *testing.T, path, name string) string {
	t.Helper()
	m := open(t, path)
	items, err := m.Items(weights.F32)
	if err != nil {
		t.Fatal(err)
	}
	x, ok := m.Tensor(name)
	if !ok {
		t.Fatalf("no %s", name)
	}
	data, err := x.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(data)
	for i := range items {
		if items[i].Name == name {
			items[i] = weights.FromFloats(name, x.Shape, data, weights.F32)
		}
	}
	return write(t, items)
}

func writeSignature(t *testing.T, script, text string) {
	t.Helper()
	if err := os.WriteFile(strings.TrimSuffix(script, ".pt")+".json", []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestAModuleNeedsASignature that names what there is.
func TestAModuleNeedsASignature(t *testing.T) {
	cfg := open(t, tiny(goldentest.Folders(t, "model")[0]).Load).Config
	script := filepath.Join(t.TempDir(), "m.pt")
	if _, err := torch.ReadSignature(script, cfg); err == nil || !strings.Contains(err.Error(), `m.json, such as {"inputs"`) {
		t.Errorf("error %v", err)
	}
	for _, c := range []struct{ text, want string }{
		{`{`, "unexpected EOF"},
		{`{"input": []}`, `unknown field "input"`},
		{`{"inputs": ["ids"], "outputs": ["out.qa"]}`, `there is no "ids", there are input_ids`},
		{`{"inputs": ["feats"], "outputs": ["l.99.tt"]}`, `no activation of this model is called "l.99.tt"`},
		{`{"inputs": ["feats"], "outputs": ["out.qa", "out.qa"]}`, "stands there twice"},
		{`{"inputs": [], "outputs": ["out.qa"]}`, "must each name something"},
		{`{"inputs": ["feats"], "outputs": [""]}`, "must each name something"},
		{`{"inputs": ["feats"], "outputs": ["out.qa"], "mask_type": "bool"}`, `mask_type is "bool"`},
		{`{"inputs": ["feats"], "outputs": ["out.qa", ""], "mask_type": "float32"}`, ""},
	} {
		writeSignature(t, script, c.text)
		s, err := torch.ReadSignature(script, cfg)
		if c.want == "" {
			if want := (&torch.Signature{Inputs: []string{"feats"}, Outputs: []string{"out.qa", ""}, MaskType: "float32"}); err != nil || mustJSON(t, s) != mustJSON(t, want) {
				t.Errorf("%+v, %v", s, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v", c.text, err)
		}
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestAModuleNeedsLibtorch: without, --script says what brings it.
func TestAModuleNeedsLibtorch(t *testing.T) {
	if torch.Built {
		t.Skip("this test was built with it")
	}
	o := tiny(goldentest.Folders(t, "model")[0])
	o.Script = "m.pt"
	if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "--script m.pt: this program was built without libtorch; `lxmert backend install libtorch`") {
		t.Errorf("error %v", err)
	}
}
