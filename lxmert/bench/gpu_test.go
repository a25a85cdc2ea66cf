package bench

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// tinyGPU measures the rows of a GPU on the processor, with a small model.
func tinyGPU(t *testing.T) GPUOptions {
	t.Helper()
	o := GPUOptions{Options: tiny(t), Dir: t.TempDir(), MaxBatch: 2, Limit: 10 * time.Minute}
	o.Batches, o.Repeat, o.Threads = nil, 1, 1
	return o
}

// TestEveryRowOfAGPUIsMeasuredOnTheProcessor, beside PyTorch, so that the first who has a GPU meets no error.
func TestEveryRowOfAGPUIsMeasuredOnTheProcessor(t *testing.T) {
	goldentest.Each(t, "model", func(t *testing.T, folder string) {
		o := tinyGPU(t)
		o.Peer, o.Golden = goldentest.Python(t), folder
		r, err := GPU(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, row := range r.Rows {
			names = append(names, row.Name)
			switch measured := row.BestMS > 0 && row.Examples > 0; {
			case row.Error != "":
				t.Errorf("%s: %s", row.Name, row.Error)
			case row.Difference == nil || measured != (row.Name != "golden"):
				t.Errorf("%+v", row)
			case measured && (!(row.TorchMS > 0) || row.Torch == ""):
				t.Errorf("%s has no time of PyTorch", row.Name)
			case strings.HasPrefix(row.Name, "start") != (row.WarmS > 0): // in Go nothing is compiled, so that no start is a cold one
				t.Errorf("%s starts in %g s", row.Name, row.WarmS)
			}
		}
		want := []string{"golden", "train-2-bf16", "train-2-tf32", "explain-2-bf16", "forward-2-bf16", "start-1-bf16", "train-2-float32", "forward-2-tf32", "explain-2-tf32", "forward-2-float32"}
		if !slices.Equal(names, want) {
			t.Errorf("rows %q", names)
		}
		var out strings.Builder
		if err := r.Print(&out); err != nil || strings.Count(out.String(), "\n  ") < len(want) {
			t.Errorf("printed %s, %v", out.String(), err)
		}
	})
}

// TestRowsThatAreThereAreNotMeasuredAgain, and those that failed are.
func TestRowsThatAreThereAreNotMeasuredAgain(t *testing.T) {
	o := tinyGPU(t)
	o.MaxBatch = 1
	whole, failing := filepath.Join(o.Dir, "train-1-bf16.json"), filepath.Join(o.Dir, "train-1-tf32.json")
	text := map[string]string{
		whole:   `{"name": "train-1-bf16", "best_ms": 12345, "examples_per_s": 1}`,
		failing: `{"name": "train-1-tf32", "error": "no memory"}`,
	}
	for path, s := range text {
		if err := os.WriteFile(path, []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o.Limit = time.Nanosecond // every row that is measured fails
	r, err := GPU(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range r.Rows {
		switch {
		case row.Name == "train-1-bf16":
			if row.BestMS != 12345 || row.Error != "" {
				t.Errorf("it was measured again: %+v", row)
			}
		case !strings.Contains(row.Error, "--limit"):
			t.Errorf("%+v", row)
		}
	}
	if r.Failed() != len(r.Rows)-1 {
		t.Errorf("%d of %d rows failed", r.Failed(), len(r.Rows))
	}
	if now, err := os.ReadFile(whole); err != nil || string(now) != text[whole] {
		t.Errorf("the result is now %s, %v", now, err)
	}
	if now, err := os.ReadFile(failing); err != nil || string(now) == text[failing] {
		t.Errorf("what had failed was left as it was: %v", err)
	}
}

func TestAResultThatIsCutShortIsAnError(t *testing.T) {
	o := tinyGPU(t)
	path := filepath.Join(o.Dir, "train-2-bf16.json")
	if err := os.WriteFile(path, []byte(`{"name": `), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := GPU(context.Background(), o); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "remove it") {
		t.Error(err)
	}
}
