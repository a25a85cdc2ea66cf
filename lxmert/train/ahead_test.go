package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

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

// TestABatchMayComeWithOtherLabelsInEachStep, though the next step is sent before the one at hand begins.
func TestABatchMayComeWithOtherLabelsInEachStep(t *testing.T) {
	b := backendtest.Open(t, "go")
	parts := func(i int) []Part {
		p := rows(small(), 1, 4)
		p.Labels = rows(small(), 2+i, 4).Labels
		return []Part{p}
	}
	batch := parts(0)[0].Batch
	losses := map[bool][]float64{}
	for _, onGPU := range []bool{false, true} {
		tr := newTrainer(t, b, &Initial{Config: small(), Seed: 3, Range: 0.1}, answers, plain)
		tr.onGPU = onGPU
		err := tr.MakeSteps(t.Context(), 4, func(i int) ([]Part, error) {
			p := parts(i)
			p[0].Batch = batch
			return p, nil
		}, func(_ int, r *Result, _ time.Duration) error {
			losses[onGPU] = append(losses[onGPU], r.Loss)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(losses[true], losses[false]) {
		t.Errorf("losses are %v where steps are sent ahead, and else %v", losses[true], losses[false])
	}
}

// TestNothingIsOnItsWayWhenARunIsOver, however it ends.
func TestNothingIsOnItsWayWhenARunIsOver(t *testing.T) {
	b := backendtest.Open(t, "go")
	failing := errors.New("no more")
	interrupt := func(ctx context.Context, tr *Trainer) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		_, err := Run(ctx, tr, smallJob(small(), 6), RunOptions{Dir: t.TempDir(), Progress: func(Progress) { cancel() }})
		return err
	}
	bad := func(ctx context.Context, tr *Trainer) error {
		_, err := Run(ctx, tr, badFrom(smallJob(small(), 6), 1, 3), RunOptions{Dir: t.TempDir(), MaxBad: 1})
		return err
	}
	broken := func(ctx context.Context, tr *Trainer) error {
		job := smallJob(small(), 6)
		job.Score = func(Part, []any) (float64, int, error) { return 0, 0, failing }
		_, err := Run(ctx, tr, job, RunOptions{Dir: t.TempDir()})
		return err
	}
	measured := func(ctx context.Context, tr *Trainer) error {
		return tr.MakeSteps(ctx, 6, func(i int) ([]Part, error) { return []Part{rows(small(), 1+i, 4)}, nil },
			func(int, *Result, time.Duration) error { return failing })
	}
	for name, end := range map[string]func(context.Context, *Trainer) error{"interrupted": interrupt, "bad steps": bad, "an error": broken, "measured": measured} {
		tr := newTrainer(t, b, &Initial{Config: small(), Seed: 3, Range: 0.1}, answers, plain)
		tr.onGPU = true
		if err := end(t.Context(), tr); err == nil || len(tr.sent) > 0 || tr.begun > 0 {
			t.Errorf("%s: %d parts are on their way and %d steps have begun after the error %v", name, len(tr.sent), tr.begun, err)
		}
	}
}

// TestPartsOfAllSizesArePutTogetherInOneArray, so that a run whose batches have many lengths holds the largest one only.
func TestPartsOfAllSizesArePutTogetherInOneArray(t *testing.T) {
	tr := newTrainer(t, backendtest.Open(t, "go"), &Initial{Config: small(), Seed: 3, Range: 0.1}, answers, plain)
	tr.onGPU = true
	var first *uint32
	for i, n := range []int{8, 4, 2, 8} {
		if _, err := tr.Step(t.Context(), rows(small(), 1+i, n)); err != nil {
			t.Fatal(err)
		}
		if len(tr.packing) != 1 {
			t.Fatalf("%d arrays are kept for one device", len(tr.packing))
		}
		if at := unsafe.SliceData(tr.packing[0]); first != nil && at != first {
			t.Errorf("step %d, of %d rows, is put together elsewhere than the first one, of 8", i, n)
		} else {
			first = at
		}
	}
}
