package train

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/dynamics"
)

func TestARunKeepsWhatItSawOfEachExample(t *testing.T) {
	b := backendtest.Open(t, "go")
	dir := t.TempDir()
	if _, err := smallRun(t.Context(), b, smallJob(small(), 3, 2), RunOptions{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	f, err := dynamics.Read(filepath.Join(dir, dynamics.FileName))
	if err != nil {
		t.Fatal(err)
	}
	for epoch, seen := range []int{12, 8} {
		for i, p := range f.Probabilities[epoch] {
			score := f.Scores[epoch][i]
			switch {
			case i < seen && !(p > 0 && p < 1 && score == float32(i%4)/4):
				t.Errorf("epoch %d, example %d: %g, %g", epoch, i, p, score)
			case i >= seen && !(math.IsNaN(float64(p)) && math.IsNaN(float64(score))):
				t.Errorf("epoch %d has not seen example %d: %g, %g", epoch, i, p, score)
			}
		}
	}
}

func TestARunThatBeganWithoutDynamicsKeepsThemFromThereOn(t *testing.T) {
	b := backendtest.Open(t, "go")
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	job := smallJob(small(), 2, 2)
	job.Dynamics = nil
	_, err := smallRun(ctx, b, job, RunOptions{Dir: dir, Progress: func(p Progress) {
		if p.Epoch == 0 && p.Step == 2 {
			cancel()
		}
	}})
	if !errors.Is(err, ErrInterrupted) && err == nil {
		t.Fatal("it was not interrupted")
	}
	if _, err := os.Stat(filepath.Join(dir, dynamics.FileName)); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("a run that keeps nothing left a file: %v", err)
	}
	var notes bytes.Buffer
	if _, err := smallRun(t.Context(), b, smallJob(small(), 2, 2), RunOptions{Dir: dir, Resume: true, Log: &notes}); err != nil {
		t.Fatal(err)
	}
	f, err := dynamics.Read(filepath.Join(dir, dynamics.FileName))
	if err != nil {
		t.Fatal(err)
	}
	if before, after := float64(f.Probabilities[0][0]), float64(f.Probabilities[1][0]); !math.IsNaN(before) || math.IsNaN(after) {
		t.Errorf("before %g, after %g", before, after)
	}
	if !strings.Contains(notes.String(), "from here on") {
		t.Errorf("nobody is told: %s", &notes)
	}
}

// TestARunDoesNotGoOnWithTheDynamicsOfAnother, whose numbers would be lost, and its own taken for those of other examples.
func TestARunDoesNotGoOnWithTheDynamicsOfAnother(t *testing.T) {
	b := backendtest.Open(t, "go")
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if _, err := smallRun(ctx, b, smallJob(small(), 4), RunOptions{Dir: dir, Progress: func(Progress) { cancel() }}); !errors.Is(err, ErrInterrupted) {
		t.Fatal(err)
	}
	job := smallJob(small(), 4)
	job.Dynamics.IDs[2] = "another question"
	if _, err := smallRun(t.Context(), b, job, RunOptions{Dir: dir, Resume: true}); err == nil || !strings.Contains(err.Error(), dynamics.FileName+" is of another run") {
		t.Errorf("%v", err)
	}
}
