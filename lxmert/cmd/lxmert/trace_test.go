package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// command runs a command line as the program would, and returns its standard output and standard error.
func command(t *testing.T, args ...string) (out, log string, code int) {
	t.Helper()
	root := rootCommand()
	var stdout, stderr strings.Builder
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	code = run(context.Background(), root, args)
	return stdout.String(), stderr.String(), code
}

func TestTraceCommandEqualsReference(t *testing.T) {
	for _, spec := range []string{"go", "cpu"} {
		t.Run(spec, func(t *testing.T) {
			b, err := backend.Open(context.Background(), spec, nil)
			goldentest.Require(t, map[string]string{"go": "go", "cpu": "xla"}[spec], err == nil, "no such backend")
			b.Finalize()
			goldentest.Each(t, "model", func(t *testing.T, folder string) { traceEqualsReference(t, spec, folder) })
		})
	}
}

func traceEqualsReference(t *testing.T, spec, folder string) {
	inputs := filepath.Join(folder, "tiny", "forward.safetensors")
	model := filepath.Join(folder, "tiny", "weights")
	path := filepath.Join(t.TempDir(), "out.safetensors")
	_, log, code := command(t, "trace", "--backend", spec, "--load", model,
		"--config", filepath.Join(folder, "config.json"), "--inputs", inputs, "--want", "*", "--out", path)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, log)
	}
	trace := loadTrace(t, path)
	c := configOf(t, model)
	golden := goldentest.Open(t, inputs)
	golden.Use("input.")
	for _, name := range golden.Names() {
		if !strings.HasPrefix(name, "input.") {
			ours := goldentest.Activation(name, c.LangLayers, c.RegionLayers, c.CrossLayers)
			golden.Compare(name, trace.Values[ours].Data, goldentest.Tolerance{Relative: 2e-5, Absolute: 1e-6})
		}
	}
}

func loadTrace(t *testing.T, path string) *lxmert.Trace {
	t.Helper()
	trace, err := lxmert.LoadTrace(path)
	if err != nil {
		t.Fatal(err)
	}
	return trace
}

// configOf reads the sizes of a model from its weights.
func configOf(t *testing.T, name string) lxmert.Config {
	t.Helper()
	m, err := weights.OpenModel(name, "")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	return m.Config
}

func TestTraceListsEveryName(t *testing.T) {
	out, _, code := command(t, "trace", "--list")
	for _, name := range []string{"x.4.it", "hid.t.14", "hid.i.10", "out.match", "l.8.tt.ctx", "x.4.ti.score", "r.0.ffn", "x.0.t.ffn.out"} {
		if code != 0 || !strings.Contains(out, "\n"+name+" ") {
			t.Errorf("exit code %d, no %s in the list", code, name)
		}
	}
}

func TestCommandLineMistakesExitWithTwo(t *testing.T) {
	for _, c := range []struct {
		args string
		want string
	}{
		{"nonsense", "unknown command"},
		{"trace --nonsense", "unknown flag: --nonsense"},
		{"trace", "--inputs (or --question), --want and --out are needed"},
		{"trace --inputs a --want b --out c extra", "unknown command"},
		{"trace --list --backend", "flag needs an argument"},
	} {
		_, log, code := command(t, strings.Fields(c.args)...)
		if code != 2 || !strings.Contains(log, c.want) || !strings.Contains(log, "--help") {
			t.Errorf("lxmert %s: exit code %d, %q", c.args, code, log)
		}
	}
}

func TestFailuresExitWithOneAndOneLine(t *testing.T) {
	inputs := filepath.Join(goldentest.Folders(t, "model")[0], "tiny", "forward.safetensors")
	model := filepath.Join(goldentest.Folders(t, "model")[0], "tiny", "weights.safetensors")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"trace", "--load", "nowhere", "--inputs", inputs, "--want", "*", "--out", "x"}, "nowhere"},
		{[]string{"trace", "--load", model, "--inputs", "nowhere", "--want", "*", "--out", "x"}, "nowhere"},
		{[]string{"trace", "--backend", "go", "--load", model, "--inputs", model, "--want", "*", "--out", "x"}, "input_ids"},
		{[]string{"trace", "--backend", "go", "--load", model, "--inputs", inputs, "--want", "x.99.ti", "--out", "x"}, "x.99.ti"},
		{[]string{"trace", "--backend", "go", "--load", model, "--inputs", inputs, "--want", "*", "--out", "/nowhere/x"}, "/nowhere"},
	} {
		_, log, code := command(t, c.args...)
		last := strings.Split(strings.TrimSpace(log), "\n")
		if code != 1 || !strings.Contains(last[len(last)-1], c.want) || !strings.HasPrefix(last[len(last)-1], "lxmert: ") {
			t.Errorf("%v: exit code %d, %q", c.args, code, log)
		}
	}
}

// TestTraceTakesAQuestion: the logits of the golden validation questions, from text and picture.
func TestTraceTakesAQuestion(t *testing.T) {
	for _, folder := range goldentest.Folders(t, "model") {
		want := goldentest.Open(t, filepath.Join(folder, "toy_expected", "tasks.safetensors"))
		want.Use("")
		data := filepath.Join(folder, "toy", "data")
		args := []string{
			"trace", "--backend", "go", "--load", filepath.Join(folder, "checkpoints", "vqa_toy_LAST"), "--config", filepath.Join(folder, "config.json"),
			"--vocab", filepath.Join(folder, "tokenizer"), "--regions", filepath.Join(data, "mscoco_imgfeat", "val2014_obj36.tsv"), "--want", "out.task,x.*.ti",
		}
		var logits []float32
		for _, q := range readAsked(t, filepath.Join(data, "vqa", "minival.json")) {
			path := filepath.Join(t.TempDir(), "out.safetensors")
			if _, log, code := command(t, append(args, "--question", q.Sentence, "--image", q.Image, "--out", path)...); code != 0 {
				t.Fatalf("exit code %d: %s", code, log)
			}
			trace := loadTrace(t, path)
			logits = append(logits, trace.Values["out.task"].Data...)
			if words := trace.Batch.Words[0].Pieces; len(words) != trace.Values["x.0.ti"].Shape[2] || trace.Batch.Images[0].ID != q.Image {
				t.Errorf("it was run on %q and %+v", words, trace.Batch.Images)
			}
		}
		want.Compare("vqa.valid_logits_after", logits, goldentest.Tolerance{Relative: 2e-5, Absolute: 1e-6})
		for _, c := range []struct {
			args []string
			want string
		}{
			{[]string{"--inputs", "x", "--question", "q", "--out", "o"}, "--inputs has all"},
			{[]string{"--question", "q", "--out", "o"}, "--image is given 0 times"},
			{[]string{"--question", "", "--out", "o"}, "--inputs (or --question)"},
			{[]string{"--regions", "", "--question", "q", "--out", "o"}, "--regions is needed"},
		} {
			if _, log, code := command(t, append(args, c.args...)...); code != 2 || !strings.Contains(log, c.want) {
				t.Errorf("%q: exit code %d, %s", c.args, code, log)
			}
		}
	}
}

// TestTraceWarnsOfPaddingWithoutAMask takes the golden inputs, which are padded, without their masks.
func TestTraceWarnsOfPaddingWithoutAMask(t *testing.T) {
	folder := goldentest.Folders(t, "model")[0]
	for _, masks := range []bool{true, false} {
		source, err := weights.Open(filepath.Join(folder, "tiny", "forward.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		var items []weights.Item
		for _, name := range source.Names() {
			if strings.HasPrefix(name, "input.") && (masks || !strings.Contains(name, "mask")) {
				x, _ := source.Tensor(name)
				items = append(items, weights.FromTensor(name, x, x.DType))
			}
		}
		inputs := filepath.Join(t.TempDir(), "inputs.safetensors")
		if err := weights.Write(inputs, items, nil); err != nil {
			t.Fatal(err)
		}
		if err := source.Close(); err != nil {
			t.Fatal(err)
		}
		_, log, code := command(t, "trace", "--backend", "go", "--load", filepath.Join(folder, "tiny", "weights"), "--inputs", inputs,
			"--want", "out.pooled", "--out", filepath.Join(t.TempDir(), "out.safetensors"))
		if code != 0 || strings.Contains(log, "[PAD], and there is no mask") == masks {
			t.Errorf("with masks %v: exit code %d, %s", masks, code, log)
		}
	}
}

// requireXLA skips a test that trains where there is no XLA plugin.
func requireXLA(t *testing.T) {
	t.Helper()
	b, err := backend.Open(t.Context(), "cpu", nil)
	goldentest.Require(t, "xla", err == nil, "no XLA CPU plugin")
	b.Finalize()
}
