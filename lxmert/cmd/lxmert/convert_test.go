package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/internal/progress"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// execute runs a command with arguments and returns what it printed.
func execute(cmd *cobra.Command, args ...string) (out, errOut string, err error) {
	var o, e bytes.Buffer
	cmd.SetOut(&o)
	cmd.SetErr(&e)
	cmd.SetArgs(args)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err = cmd.Execute()
	return o.String(), e.String(), err
}

func hash(t *testing.T, name string) string {
	t.Helper()
	m, err := weights.OpenModel(name, "")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	h, err := m.Hash()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestConvertThereAndBack goes from the oldest format through all others and ends with the same parameters.
func TestConvertThereAndBack(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			out := t.TempDir()
			at := filepath.Join(dir, "checkpoints", "legacy_module")
			want := hash(t, at)
			for _, step := range [][]string{
				{"a.safetensors"}, {"b", "--to", "hf"}, {"c_LXRT.pth"}, {"d.safetensors", "--to", "lxmert"},
			} {
				to := filepath.Join(out, step[0])
				text, _, err := execute(convertCommand(), append([]string{at, to}, step[1:]...)...)
				if err != nil {
					t.Fatal(err)
				}
				if !strings.HasPrefix(text, to+": ") {
					t.Errorf("printed %q", text)
				}
				if got := hash(t, to); got != want {
					t.Errorf("%s: another hash", to)
				}
				at = to
			}
			half, fromPublished := filepath.Join(out, "half.pth"), filepath.Join(dir, "checkpoints", "fp16_legacy_module")
			if _, _, err := execute(convertCommand(), at, half, "--dtype", "f16"); err != nil {
				t.Fatal(err)
			}
			if hash(t, half) != hash(t, fromPublished) {
				t.Error("rounding to f16 differs from PyTorch's")
			}
		})
	}
}

func TestConvertSaysWhatIsWrong(t *testing.T) {
	dir := goldentest.Folders(t, "model")[0]
	source := filepath.Join(dir, "tiny", "weights.safetensors")
	out := t.TempDir()
	for _, c := range []struct {
		want string
		args []string
	}{
		{"must be f32 or f16 or bf16", []string{source, filepath.Join(out, "x.pth"), "--dtype", "f8"}},
		{"must be lxmert or hf", []string{source, filepath.Join(out, "x.pth"), "--to", "onnx"}},
		{"the suffix must be .pth or .safetensors", []string{source, filepath.Join(out, "x.npz")}},
		{"no such weights", []string{source + "x", filepath.Join(out, "x.pth")}},
		{"not an LXMERT model", []string{filepath.Join(dir, "tiny", "heads.safetensors"), filepath.Join(out, "x.pth")}},
		{"accepts 2 arg(s)", []string{source}},
	} {
		_, _, err := execute(convertCommand(), c.args...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v does not say %q", c.args, err, c.want)
		}
	}
	if left, _ := os.ReadDir(out); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestConvertCountsWhatF16CannotHold, and says nothing where all values fit.
func TestConvertCountsWhatF16CannotHold(t *testing.T) {
	dir := goldentest.Folders(t, "model")[0]
	c := configOf(t, filepath.Join(dir, "tiny", "weights"))
	source := spoiled(t, dir, map[string][]float32{"bert.pooler.dense.bias": {65519, 65520, -1e30, float32(math.Inf(1))}, "cls.predictions.bias": {7e4}})
	for _, dtype := range []string{"f16", "bf16", "f32"} {
		out := filepath.Join(t.TempDir(), dtype+".safetensors")
		text, log, err := execute(convertCommand(), source, out, "--dtype", dtype)
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		if dtype == "f16" {
			want = "warning: 3 values are too large for f16 and became infinite, in bert.pooler.dense.bias, cls.predictions.bias; bf16 and f32 reach further\n"
		}
		if log != want || !strings.Contains(text, progress.Count(int64(c.NumParams()))+" values") {
			t.Errorf("%s: printed %q, %q; expected %q", dtype, text, log, want)
		}
	}
}

// TestConvertSaysWhichAnswerHeadIsLeftOut: Hugging Face's classes have one.
func TestConvertSaysWhichAnswerHeadIsLeftOut(t *testing.T) {
	dir := goldentest.Folders(t, "model")[0]
	both := fineTuned(t, dir, map[string]map[string]string{
		"tiny/weights.safetensors": {"bert.": "bert.", "answer_head.": "answer_head."}, "tiny/heads.safetensors": {"vqa.": ""},
	})
	config := filepath.Join(dir, "config.json")
	_, log, err := execute(convertCommand(), both, filepath.Join(t.TempDir(), "hf"), "--to", "hf", "--config", config)
	if err != nil || !strings.Contains(log, "left out 6 parameters of pre-training's answer head, whose place the fine-tuned one takes: answer_head.logit_fc.0.weight, ") {
		t.Errorf("%v, %q", err, log)
	}
	if _, log, err = execute(convertCommand(), both, filepath.Join(t.TempDir(), "x.pth"), "--config", config); err != nil || log != "" {
		t.Errorf("with both heads in the file: %v, %q", err, log)
	}
}

// spoiled writes the tiny model with some parameters' first values replaced.
func spoiled(t *testing.T, dir string, values map[string][]float32) string {
	t.Helper()
	m, err := weights.OpenModel(filepath.Join(dir, "tiny", "weights"), "")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var items []weights.Item
	for _, name := range m.Names() {
		x, _ := m.Tensor(name)
		data, err := x.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		data = append([]float32(nil), data...)
		copy(data, values[name])
		items = append(items, weights.FromFloats(name, x.Shape, data, weights.F32))
	}
	path := filepath.Join(t.TempDir(), "spoiled.safetensors")
	if err := weights.Save(path, m.Config, items, nil); err != nil {
		t.Fatal(err)
	}
	return path
}
