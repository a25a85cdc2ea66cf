package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func TestInspectSaysWhatFilesAre(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			checkpoints := filepath.Join(dir, "checkpoints")
			var index map[string]struct{ Keys int }
			text, err := os.ReadFile(filepath.Join(checkpoints, "index.json"))
			if err == nil {
				err = json.Unmarshal(text, &index)
			}
			if err != nil {
				t.Fatal(err)
			}
			tensors, task := index["legacy_module_LXRT.pth"].Keys, configOf(t, filepath.Join(checkpoints, "vqa_toy_LAST"))
			edge := goldentest.Open(t, filepath.Join(checkpoints, "edge_expected.safetensors"))
			edge.Use("")
			for name, wants := range map[string][]string{
				"checkpoints/legacy_module": {
					"module.bert.pooler.dense.bias", "pth (legacy)", fmt.Sprintf("%d tensors", tensors), "is      pre-training snapshot\n",
					"shares the values of module.bert.embeddings.word_embeddings.weight", "lxmert ask --load " + filepath.Join(checkpoints, "legacy_module") + " --regions",
				},
				"checkpoints/vqa_toy_LAST": {fmt.Sprintf("fine-tuned snapshot of VQA or GQA (%d answers)", task.TaskClasses), "lxmert ask --load " + filepath.Join(checkpoints, "vqa_toy_LAST") + " --regions"},
				"tiny/heads.safetensors":   {"something other than an LXMERT model", "there is no bert.embeddings.word_embeddings.weight"},
				"checkpoints/edge_zip.pth": {"something other", fmt.Sprintf("transposed    F32   [%d, %d]", edge.Shape("transposed")[0], edge.Shape("transposed")[1])},
			} {
				out, _, err := execute(inspectCommand(), filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				for _, want := range wants {
					if !strings.Contains(out, want) {
						t.Errorf("%s: does not say %q:\n%s", name, want, out[max(0, len(out)-1000):])
					}
				}
			}
		})
	}
	for _, dir := range goldentest.Folders(t, "hf") {
		out, _, err := execute(inspectCommand(), filepath.Join(dir, "model"))
		if err != nil || !strings.Contains(out, "pre-training snapshot, in Hugging Face's names") {
			t.Errorf("%s: %v\n%s", dir, err, out)
		}
	}
}

// TestInspectListsWhatIsBesideTensors, by what it is called in Python.
func TestInspectListsWhatIsBesideTensors(t *testing.T) {
	file := filepath.Join("..", "..", "weights", "testdata", "extras_zip.pth")
	out, _, err := execute(inspectCommand(), file)
	for _, want := range []string{"model.fc.weight  F32  [2, 2]", "beside  args ", "argparse.Namespace\n", "numpy.ndarray f8 [3]\n", "__main__.Colour.RED\n"} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%v: does not say %q:\n%s", err, want, out)
		}
	}
	out, _, err = execute(inspectCommand(), file, "--json")
	var in inspection
	if err := json.Unmarshal([]byte(out), &in); err != nil {
		t.Fatal(err)
	}
	if err != nil || in.Extras[0] != (inspectedExtra{"args", "argparse.Namespace"}) {
		t.Errorf("%v %v", err, in.Extras)
	}
}

// TestInspectCountsParameters: the sum of all shapes, shared values once, is what the configuration says.
func TestInspectCountsParameters(t *testing.T) {
	for _, dir := range goldentest.Folders(t, "model") {
		out, _, err := execute(inspectCommand(), filepath.Join(dir, "checkpoints", "zip_plain_LXRT.pth"), "--json")
		if err != nil {
			t.Fatal(err)
		}
		var in inspection
		if err := json.Unmarshal([]byte(out), &in); err != nil {
			t.Fatal(err)
		}
		file := goldentest.Open(t, filepath.Join(dir, "tiny", "weights.safetensors"))
		file.Use("")
		words, tensors := file.Shape(lxmert.WordEmbeddings), len(file.Names())
		if int(in.Parameters) != in.Config.NumParams() || len(in.Tensors) != tensors || in.Config.Vocab != words[0] || in.Config.Hidden != words[1] {
			t.Errorf("%s: %d parameters, %d in the configuration; %d tensors, expected %d", dir, in.Parameters, in.Config.NumParams(), len(in.Tensors), tensors)
		}
	}
}

// TestInspectPrintsHostileNamesHarmlessly: escape sequences in names do not reach the terminal.
func TestInspectPrintsHostileNamesHarmlessly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	header := `{"\u001b[31mred":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`
	data := append([]byte{byte(len(header)), 0, 0, 0, 0, 0, 0, 0}, header+"a"...)
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	out, _, err := execute(inspectCommand(), path)
	if err != nil || strings.Contains(out, "\x1b") || !strings.Contains(out, `"\x1b[31mred"`) {
		t.Errorf("%v %q", err, out)
	}
	os.WriteFile(path, data[:20], 0o666)
	if _, _, err := execute(inspectCommand(), path); err == nil || !strings.Contains(err.Error(), "cut short") {
		t.Errorf("error %v", err)
	}
}
