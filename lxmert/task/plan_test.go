package task

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
)

// planLine is a line of a plan, by the name that it begins with.
func planLine(t *testing.T, text, name string) string {
	t.Helper()
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, name+":") {
			return line
		}
	}
	t.Fatalf("there is no line %s:\n%s", name, text)
	return ""
}

// files are those in a folder.
func files(t *testing.T, dir string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		paths = append(paths, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestAPlanIsWhatTheRunThenDoes(t *testing.T) {
	b := backendtest.Open(t, "cpu")
	tuning := toyOptions(t)
	tuning.Valid, tuning.Epochs, tuning.BatchSize = []string{"minival"}, 1, 32
	for task, o := range map[*dataset.Task]Options{dataset.Pretraining: pretrainOptions(t), dataset.VQA: tuning} {
		o.Output = filepath.Join(t.TempDir(), "run")
		r, err := Train(t.Context(), b, task, o) // packs the features, too
		if err != nil {
			t.Fatal(err)
		}
		before := files(t, o.Root)
		var out bytes.Buffer
		o.Out, o.Output = &out, filepath.Join(t.TempDir(), "planned")
		if err := Plan(t.Context(), b, task, o); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		if want := fmt.Sprintf("steps:     %d in %d epochs, of 32 ", r.Steps, o.Epochs); !strings.HasPrefix(planLine(t, text, "steps"), want) {
			t.Errorf("%s: the run has %d steps, the plan says %s", task, r.Steps, planLine(t, text, "steps"))
		}
		for _, name := range []string{"data", "examples", "model", "memory", "disk", "time"} {
			planLine(t, text, name)
		}
		if strings.Contains(text, "not measured") {
			t.Errorf("%s: %s", task, text)
		}
		if _, err := os.Stat(o.Output); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: a plan leaves something in the output folder: %v", task, err)
		}
		if after := files(t, o.Root); !slices.Equal(before, after) {
			t.Errorf("%s: a plan changes the data: %v, before %v", task, after, before)
		}
	}
}

func TestAPlanDoesNotPackFeatures(t *testing.T) {
	b := backendtest.Open(t, "cpu")
	o := pretrainOptions(t)
	o.Root = unpacked(t, o.Root)
	before := files(t, o.Root)
	var out bytes.Buffer
	o.Out = &out
	if err := Plan(t.Context(), b, dataset.Pretraining, o); err != nil {
		t.Fatal(err)
	}
	if after := files(t, o.Root); !slices.Equal(before, after) {
		t.Errorf("a plan leaves %v, there were %v", after, before)
	}
	for _, want := range []string{"to be packed once, into about ", "examples:  at most ", "steps:     at most ", "more for packed features", "s for each step by the mean of 10"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, out.String())
		}
	}
}

// unpacked is a copy of a data folder without packed stores.
func unpacked(t *testing.T, root string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(root)); err != nil {
		t.Fatal(err)
	}
	stores, err := filepath.Glob(filepath.Join(dir, "*", "*.store"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stores {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestAPlanNamesEveryFileThatIsMissing(t *testing.T) {
	b := backendtest.Open(t, "go")
	o := pretrainOptions(t)
	o.Root = t.TempDir()
	err := Plan(t.Context(), b, dataset.Pretraining, o)
	if !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), "\n") {
		t.Fatalf("%v", err)
	}
	for _, want := range []string{"8 of 8 files are missing", "mscoco_train.json", "mscoco_nominival.json", "vgnococo.json", "mscoco_minival.json", "all_ans.json", "train2014_obj36", "val2014_obj36", "vg_gqa_obj36"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

func TestAPlanSaysHowABatchIsShared(t *testing.T) {
	for want, o := range map[string]Options{
		"":                                   {BatchSize: 32},
		", 8 at a time":                      {BatchSize: 32, Accumulate: 4},
		", 8 at a time on each of 4 devices": {BatchSize: 32, Devices: 4},
		", 4 at a time on each of 2 devices": {BatchSize: 32, Accumulate: 4, Devices: 2},
	} {
		if got := o.inShares(); got != want {
			t.Errorf("%d parts on %d devices: %q, want %q", o.Accumulate, o.Devices, got, want)
		}
	}
}
