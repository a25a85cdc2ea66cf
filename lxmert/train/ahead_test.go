package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
)

// This file is about steps that begin before the ones before them are finished.

// TestStepsThatBeginAheadEndInTheSameWay has steps among them that do not move the parameters, which the next step learns of on
// the device alone: its dropout, learning rate and moments' corrections are those of the step before.
func TestStepsThatBeginAheadEndInTheSameWay(t *testing.T) {
	b := backendtest.Open(t, "go")
	told := map[bool]string{}
	ends := map[bool]map[string]string{}
	for _, onGPU := range []bool{false, true} {
		dir := t.TempDir()
		var text strings.Builder
		say := func(p Progress) {
			fmt.Fprintln(&text, p.Epoch, p.Epochs, p.Step, p.Steps, p.Loss, p.Accuracy)
		}
		opt := RunOptions{Dir: dir, LogSteps: 1, SaveSteps: 3, Out: &text, Log: &text, Progress: say}
		if _, err := smallRunAs(t.Context(), b, onGPU, badFrom(smallJob(small(), 7, 8), 2, 4), opt); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(text.String()) {
			if !strings.HasPrefix(line, "data wait") {
				told[onGPU] += line
			}
		}
		ends[onGPU] = ended(t, dir)
	}
	if told[true] != told[false] {
		t.Errorf("with steps ahead a run says\n%s\nand without\n%s", told[true], told[false])
	}
	compareEnds(t, ends[true], ends[false])
}

func TestARunWithStepsAheadGoesOnToTheSameEnd(t *testing.T) {
	b := backendtest.Open(t, "go")
	job := badFrom(smallJob(small(), 6, 6), 1, 2)
	whole, parts := t.TempDir(), t.TempDir()
	if _, err := smallRunAs(t.Context(), b, true, job, RunOptions{Dir: whole, LogSteps: 1}); err != nil {
		t.Fatal(err)
	}
	for part, stop := range []int{1, 2, 4, 0} {
		ctx, cancel := context.WithCancel(t.Context())
		steps := 0
		_, err := smallRunAs(ctx, b, true, job, RunOptions{Dir: parts, LogSteps: 1, Resume: true, Progress: func(Progress) {
			if steps++; steps == stop {
				cancel()
			}
		}})
		cancel()
		if interrupted := errors.Is(err, ErrInterrupted); interrupted != (stop > 0) || !interrupted && err != nil {
			t.Fatalf("part %d: %v", part, err)
		}
	}
	compareEnds(t, ended(t, parts), ended(t, whole))
}

// TestASavedStateIsThatOfItsStep kills a run, as far as its files go, right after each step.
func TestASavedStateIsThatOfItsStep(t *testing.T) {
	b := backendtest.Open(t, "go")
	whole := t.TempDir()
	job := smallJob(small(), 5)
	if _, err := smallRunAs(t.Context(), b, true, job, RunOptions{Dir: whole, LogSteps: 1}); err != nil {
		t.Fatal(err)
	}
	// The run that ends with an error saves nothing but what it saved after its steps.
	for last := 2; last < 5; last++ {
		dir := t.TempDir()
		if _, err := smallRunAs(t.Context(), b, true, badFrom(job, last, 5), RunOptions{Dir: dir, LogSteps: 1, SaveSteps: 2, MaxBad: 1}); err == nil {
			t.Fatal("a run of bad steps has no error")
		}
		if _, err := smallRunAs(t.Context(), b, true, job, RunOptions{Dir: dir, LogSteps: 1, Resume: true}); err != nil {
			t.Fatal(err)
		}
		compareEnds(t, ended(t, dir), ended(t, whole))
	}
}

func TestAnErrorWithStepsAheadNamesItsStep(t *testing.T) {
	b := backendtest.Open(t, "go")
	var notes bytes.Buffer
	_, err := smallRunAs(t.Context(), b, true, badFrom(smallJob(small(), 20), 5, 20), RunOptions{Dir: t.TempDir(), MaxBad: 3, Log: &notes})
	if err == nil || !strings.Contains(err.Error(), "in 3 steps in a row") || !strings.Contains(err.Error(), "question 7") {
		t.Errorf("bad data: %v", err)
	}
	if text := notes.String(); strings.Count(text, "skipped") != 3 || !strings.Contains(text, "step 5 of epoch 0 skipped") {
		t.Errorf("the run says %q", text)
	}
	// A batch that fits no model fails before the step before it is finished.
	job, broken := smallJob(small(), 6), smallJob(small(), 6).Batches
	job.Batches = func(ctx context.Context, epoch, from int) (Batches, error) {
		l, err := broken(ctx, epoch, from)
		l.(*list).steps[3][0].Batch.IDs[0][0] = -1
		return l, err
	}
	steps := 0
	_, err = smallRunAs(t.Context(), b, true, job, RunOptions{Dir: t.TempDir(), Progress: func(Progress) { steps++ }})
	if err == nil || !strings.Contains(err.Error(), "epoch 0, step 3: ") || steps != 3 {
		t.Errorf("a bad batch after %d steps: %v", steps, err)
	}
}

func TestNoStepBeginsTooFarAhead(t *testing.T) {
	b := backendtest.Open(t, "go")
	for _, onGPU := range []bool{false, true} {
		tr := newTrainer(t, b, &Initial{Config: small(), Seed: 3, Range: 0.1}, answers, plain)
		tr.onGPU = onGPU
		part := rows(small(), 1, 4)
		var all []*Begun
		for range tr.Ahead() + 1 {
			s, err := tr.Begin(t.Context(), part)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, s)
		}
		if _, err := tr.Begin(t.Context(), part); err == nil || !strings.Contains(err.Error(), "not finished") {
			t.Errorf("%d steps are under way: %v", len(all)+1, err)
		}
		for i, s := range slices.Backward(all) {
			if err := s.Close(); err != nil {
				t.Errorf("giving up step %d: %v", i, err)
			}
		}
		if s, err := tr.Begin(t.Context(), part); err != nil {
			t.Error(err)
		} else if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
