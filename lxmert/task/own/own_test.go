package own_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/spf13/pflag"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/task"
	"github.com/seed-516990b0/golxmert/lxmert/task/cli"
	"github.com/seed-516990b0/golxmert/lxmert/task/own"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
)

// half is an objective of one's own.
var half = task.Own{Name: "half", Loss: func(s *task.Step) *Node { return MulScalar(s.TaskLoss(), 0.5) }}

func TestAPlanOfAProgramTrainsNothing(t *testing.T) {
	dir := t.TempDir()
	w, err := toy.Make(t.Context(), filepath.Join(dir, "toy"), toy.Options{Seed: 1, Scale: 0.002})
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "run")
	var out bytes.Buffer
	_, err = own.Run(t.Context(), dataset.VQA, half, []string{"--plan", "--data", w.Data(), "--config", w.Config(), "--fromScratch", "--train", "train", "--valid=",
		"--batchSize", "4", "--epochs", "1", "--backend", "go", "--output", folder}, &out, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "\nsteps: ") || strings.Contains(out.String(), "Epoch") {
		t.Errorf("it prints %s", &out)
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the output folder is there: %v", err)
	}
}

func TestAProgramPretrains(t *testing.T) {
	dir := t.TempDir()
	w, err := toy.Make(t.Context(), filepath.Join(dir, "toy"), toy.Options{Seed: 1, Scale: 0.002})
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "run")
	out, err := own.Run(t.Context(), dataset.Pretraining, half, []string{"--data", w.Data(), "--config", w.Config(), "--fromScratch", "--train", "mscoco_minival",
		"--valid=", "--batchSize", "4", "--epochs", "1", "--maxSteps", "2", "--backend", "go", "--output", folder}, io.Discard, io.Discard)
	if err != nil || out.Steps != 2 {
		t.Fatalf("%+v, %v", out, err)
	}
	about, err := os.ReadFile(filepath.Join(folder, "run.json"))
	if err != nil || !strings.Contains(string(about), `"own": "half"`) {
		t.Errorf("run.json is %s: %v", about, err)
	}
	if _, err := os.Stat(filepath.Join(folder, "Epoch01_LXRT.pth")); err != nil {
		t.Error(err)
	}
	if _, err := own.Run(t.Context(), dataset.Pretraining, half, []string{"--test", "minival"}, io.Discard, io.Discard); !errors.Is(err, cli.ErrUsage) {
		t.Errorf("--test: %v", err)
	}
}

func TestMistakesInFlagsOfAProgramAreUsage(t *testing.T) {
	for _, args := range [][]string{{"--eposch", "1"}, {"more"}, {"--resume", "--overwrite"}} {
		if _, err := own.Run(t.Context(), dataset.VQA, half, args, io.Discard, io.Discard); !errors.Is(err, cli.ErrUsage) {
			t.Errorf("%q: %v", args, err)
		}
	}
	var out bytes.Buffer
	if _, err := own.Run(t.Context(), dataset.VQA, half, []string{"--help"}, &out, io.Discard); !errors.Is(err, pflag.ErrHelp) || !strings.Contains(out.String(), "--backend") {
		t.Errorf("--help prints %q and gives %v", &out, err)
	}
}
