package task

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/internal/testwait"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
)

// strictly loads a snapshot as the original does into a module that has exactly the parameters of a snapshot of the original's,
// and says whether the decoder of masked words is the word embeddings.
const strictly = `
import sys
import torch

ours, theirs = (torch.load(path, map_location="cpu") for path in sys.argv[1:])
model = torch.nn.Module()
for name, value in theirs.items():
    at, parts = model, name.split(".")
    for part in parts[:-1]:
        if part not in at._modules:
            at.add_module(part, torch.nn.Module())
        at = at._modules[part]
    at.register_parameter(parts[-1], torch.nn.Parameter(torch.zeros_like(value)))
print(model.load_state_dict(ours, strict=True))
assert all(ours[name].dtype == theirs[name].dtype for name in theirs), "other types"
words, decoder = ours["bert.embeddings.word_embeddings.weight"], ours["cls.predictions.decoder.weight"]
assert words.data_ptr() == decoder.data_ptr(), "the decoder is not tied"
assert any((ours[name] != theirs[name]).any() for name in theirs), "nothing was learnt"
`

// TestPyTorchLoadsPretrainingStrictly: what pre-training leaves has the names, shapes and types of the original's own snapshots.
func TestPyTorchLoadsPretrainingStrictly(t *testing.T) {
	python := goldentest.Python(t)
	b := backendtest.Open(t, "go")
	for _, golden := range goldentest.Folders(t, "model") {
		t.Run(filepath.Base(golden), func(t *testing.T) {
			o := DefaultOptions()
			o.Root = t.TempDir() // features are packed beside their files
			if err := os.CopyFS(o.Root, os.DirFS(filepath.Join(golden, "toy", "data"))); err != nil {
				t.Fatal(err)
			}
			theirs := filepath.Join(golden, "checkpoints", "zip_plain_LXRT.pth")
			o.Load, o.Config, o.Vocab, o.Output = theirs, filepath.Join(golden, "config.json"), filepath.Join(golden, "tokenizer"), t.TempDir()
			o.Train, o.Valid, o.BatchSize, o.Epochs, o.MaxSteps = []string{"mscoco_train"}, []string{"mscoco_minival"}, 2, 2, 3
			if _, err := Train(t.Context(), b, dataset.Pretraining, o); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{epochSnapshot(0), bestSnapshot} {
				out, err := exec.CommandContext(testwait.Context(t), python, "-c", strictly, filepath.Join(o.Output, name), theirs).CombinedOutput()
				if err != nil {
					t.Errorf("%s: %v\n%s", name, err, out)
				}
			}
		})
	}
}
