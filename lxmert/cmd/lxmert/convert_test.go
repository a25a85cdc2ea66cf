package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/lxmert/internal/goldentest"
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
		{"no LXMERT model", []string{filepath.Join(dir, "tiny", "heads.safetensors"), filepath.Join(out, "x.pth")}},
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
