//go:build cgo

package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/internal/devicememory"
)

// This file trains on a device that counts its memory.

// plenty is more than any test here takes, in bytes.
const plenty = 1 << 40

// setMemory says how much memory the device has.
func setMemory(t *testing.T, bytes int64) { t.Setenv(backendtest.Memory, strconv.FormatInt(bytes, 10)) }

// ofMemory are a trainer on such a device, a part, and what a step of it takes.
func ofMemory(t *testing.T, opt Options, parts ...Part) (*Trainer, memory) {
	t.Helper()
	setMemory(t, plenty)
	tr := newTrainer(t, backendtest.AsCUDA(t), &Initial{Config: small(), Seed: 3, Range: 0.1}, answers, opt)
	m, ok, err := tr.memoryOf(parts)
	if err != nil || !ok {
		t.Fatalf("what a step takes is not known: %v", err)
	}
	return tr, m
}

func TestWhatFitsRunsAndWhatDoesNotIsRefusedBeforeTheFirstStep(t *testing.T) {
	for _, c := range []struct {
		parts int
		half  bool
	}{{1, false}, {3, false}, {1, true}} {
		n := c.parts
		t.Run(fmt.Sprintf("%d parts/bfloat16=%v", n, c.half), func(t *testing.T) {
			var parts []Part
			for i := range n {
				parts = append(parts, rows(small(), 1+i, 64))
			}
			opt := withDropout()
			opt.BFloat16 = c.half
			tr, m := ofMemory(t, opt, parts...)
			use, _ := tr.deviceMemory()
			enough := use.InUse + m.need() - (m.free - (plenty - use.InUse)) // what the trainer has counts as free
			setMemory(t, enough-1)
			err := tr.Fit(parts...)
			if err == nil || !strings.Contains(err.Error(), "--accumulate "+strconv.Itoa(2*n)+" ") || !strings.Contains(err.Error(), "--rematerialize") {
				t.Errorf("a byte too little: %v", err)
			}
			setMemory(t, enough)
			if err := tr.Fit(parts...); err != nil {
				t.Errorf("just enough: %v", err)
			}
			for range 2 {
				if _, err := tr.Step(t.Context(), parts...); err != nil {
					t.Fatalf("%v was said to be enough: %v", m, err)
				}
			}
			// What is said to be needed is not much more than what was.
			use, _ = tr.deviceMemory()
			if most := use.Peak + m.rows; enough > most {
				t.Errorf("%d bytes were asked for, the peak was %d: %+v", enough, use.Peak, m)
			}
		})
	}
}

// TestKeptFeaturesAreTheFirstToGo, and a batch is made smaller where that is not enough.
func TestKeptFeaturesAreTheFirstToGo(t *testing.T) {
	part := unmasked(small(), 1, 64)
	tr, _ := ofMemory(t, withDropout(), part)
	part = keep(t, tr, []Part{part})[0]
	m, ok, err := tr.memoryOf([]Part{part})
	if err != nil || !ok {
		t.Fatalf("what a step takes is not known: %v", err)
	}
	use, _ := tr.deviceMemory()
	enough, features := use.InUse-m.held+m.need(), tr.keptBytes()
	refused := func(memory int64) string {
		t.Helper()
		setMemory(t, memory)
		err := tr.Fit(part)
		if err == nil || strings.Contains(err.Error(), "\n") {
			t.Fatalf("%d bytes of memory: %v", memory, err)
		}
		return err.Error()
	}
	for _, memory := range []int64{enough - 1, enough - features} {
		if text := refused(memory); !strings.Contains(text, "--keepFeatures no") || strings.Contains(text, "--accumulate") {
			t.Errorf("%d bytes too little with features of %d: %s", enough-memory, features, text)
		}
	}
	less := enough - features - 1
	if text := refused(less); !strings.Contains(text, "--keepFeatures no") || !strings.Contains(text, "not enough") || !strings.Contains(text, "--accumulate") {
		t.Errorf("too little without features, too: %s", text)
	}
	if err := tr.kept.free(); err != nil {
		t.Fatal(err)
	}
	tr.kept = nil
	part = unmasked(small(), 1, 64)
	setMemory(t, less+1)
	if err := tr.Fit(part); err != nil {
		t.Errorf("without features, as was said: %v", err)
	}
	if text := refused(less); strings.Contains(text, "--keepFeatures") {
		t.Errorf("nothing is kept: %s", text)
	}
}

// TestNothingIsAdvisedThatDoesNotFit: one row alone is too large.
func TestNothingIsAdvisedThatDoesNotFit(t *testing.T) {
	opt := withDropout()
	opt.Rematerialize = true
	part := rows(small(), 1, 1)
	tr, m := ofMemory(t, opt, part)
	use, _ := tr.deviceMemory()
	setMemory(t, use.InUse-m.held+m.need()-1)
	err := tr.Fit(part)
	if err == nil || !strings.Contains(err.Error(), "nobody else uses") {
		t.Fatal(err)
	}
	for _, flag := range []string{"--accumulate", "--rematerialize", "--batchSize", "--keepFeatures"} {
		if strings.Contains(err.Error(), flag) {
			t.Errorf("%s is advised: %v", flag, err)
		}
	}
}

func TestWhatIsTooLargeWhateverTheBatchIsSaidSo(t *testing.T) {
	part := rows(small(), 1, 4)
	for rank, want := range map[int]string{0: "--lora", 2: "optimizer's state alone"} {
		opt := plain
		opt.LoRA.Rank = rank
		tr, m := ofMemory(t, opt, part)
		use, _ := tr.deviceMemory()
		setMemory(t, use.InUse+m.sums/2)
		err := tr.Fit(part)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "--accumulate") || strings.Contains(err.Error(), "\n") {
			t.Errorf("rank %d: %v", rank, err)
		}
	}
}

func TestTheProcessorIsNotAskedForItsMemory(t *testing.T) {
	part := rows(small(), 1, 4)
	for _, spec := range []string{"cpu", "go"} {
		tr := newTrainer(t, backendtest.Open(t, spec), &Initial{Config: small(), Seed: 3, Range: 0.1}, answers, plain)
		if err := tr.Fit(part); err != nil || len(tr.gradients) > 0 {
			t.Errorf("%s: %v, and %d programs were compiled", spec, err, len(tr.gradients))
		}
	}
}

func TestARunWhoseStepsAreTooLargeLeavesItsFolderFree(t *testing.T) {
	b := backendtest.AsCUDA(t)
	dir := t.TempDir()
	job := smallJob(small(), 3, 3)
	memory := int64(1)
	job.Largest = func(ctx context.Context) (Batches, error) {
		setMemory(t, memory) // with the parameters there
		return job.Batches(ctx, 0, 0)
	}
	setMemory(t, plenty)
	_, err := smallRun(t.Context(), b, job, RunOptions{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "are free") || devicememory.Exhausted(err) {
		t.Fatalf("too little memory: %v", err)
	}
	setMemory(t, 1)
	_, err = smallRun(t.Context(), b, job, RunOptions{Dir: dir})
	if !devicememory.Exhausted(err) || !strings.Contains(err.Error(), "for the model's parameters") || !strings.Contains(err.Error(), "visible_devices") || strings.Contains(err.Error(), "\n") {
		t.Errorf("too little for the parameters: %v", err)
	}
	memory = plenty
	setMemory(t, plenty)
	if _, err := smallRun(t.Context(), b, job, RunOptions{Dir: dir}); err != nil {
		t.Errorf("the same command with enough memory: %v", err)
	}
}

// TestNothingOfAnEarlierRunIsLostToOneThatCannotBegin, for want of memory or because of what it needs besides.
func TestNothingOfAnEarlierRunIsLostToOneThatCannotBegin(t *testing.T) {
	b := backendtest.AsCUDA(t)
	dir := t.TempDir()
	job := smallJob(small(), 3)
	memory := int64(plenty)
	job.Largest = func(ctx context.Context) (Batches, error) {
		setMemory(t, memory)
		return job.Batches(ctx, 0, 0)
	}
	setMemory(t, plenty)
	if _, err := smallRun(t.Context(), b, job, RunOptions{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	before := ended(t, dir)
	memory = 1
	if _, err := smallRun(t.Context(), b, job, RunOptions{Dir: dir, Overwrite: true}); err == nil || !strings.Contains(err.Error(), "are free") {
		t.Errorf("too little memory: %v", err)
	}
	memory = plenty
	setMemory(t, plenty)
	broken := errors.New("broken")
	job.Prepare = func(_ context.Context, largest []Part) error {
		if len(largest) != 1 {
			t.Errorf("the largest step has %d parts", len(largest))
		}
		return broken
	}
	if _, err := smallRun(t.Context(), b, job, RunOptions{Dir: dir, Overwrite: true}); !errors.Is(err, broken) {
		t.Errorf("what cannot be prepared: %v", err)
	}
	if after := ended(t, dir); !maps.Equal(before, after) {
		t.Error("the run before was changed")
	}
	if _, err := smallRun(t.Context(), b, job, RunOptions{Dir: dir}); err == nil || errors.Is(err, broken) {
		t.Errorf("a run in a folder that is not free: %v", err)
	}
}

// TestPartsThatAreSentAheadMakeTheSameStepsAndAreFreed: those whose turn comes, those whose turn does not, and those for which there
// is no memory yet.
func TestPartsThatAreSentAheadMakeTheSameStepsAndAreFreed(t *testing.T) {
	setMemory(t, plenty)
	b := backendtest.AsCUDA(t)
	cfg := small()
	steps := [][]Part{{rows(cfg, 1, 4)}, {rows(cfg, 2, 4), rows(cfg, 3, 4), rows(cfg, 4, 4)}, {rows(cfg, 5, 4)}, {rows(cfg, 6, 4), rows(cfg, 7, 4)}}
	told := map[bool]string{}
	for _, ahead := range []bool{false, true} {
		before, _ := devicememory.Of(b.Backend, 1)
		tr := newTrainer(t, b, &Initial{Config: cfg, Seed: 3, Range: 0.1}, answers, withDropout())
		for i, parts := range steps {
			if ahead {
				tr.Send(rows(cfg, 8, 4)) // of a step that does not come
				if i == 2 {
					setMemory(t, 1)
				}
				tr.Send(parts...)
				setMemory(t, plenty)
				if i+1 < len(steps) {
					tr.Send(steps[i+1]...)
				}
				if len(tr.sent) > maxSent {
					t.Errorf("step %d: %d parts are on their way", i, len(tr.sent))
				}
			}
			r, err := tr.Step(t.Context(), parts...)
			if err != nil {
				t.Fatal(err)
			}
			told[ahead] += fmt.Sprintln(r.Loss, r.Norm, r.Outputs)
		}
		for _, p := range cfg.Params() {
			told[ahead] += fmt.Sprintln(p.Name, tr.values(t, p.Name, -1))
		}
		if err := tr.Close(); err != nil {
			t.Fatal(err)
		}
		if after, _ := devicememory.Of(b.Backend, 1); after.InUse != before.InUse {
			t.Errorf("sent ahead %v: %d bytes stay on the device", ahead, after.InUse-before.InUse)
		}
	}
	if told[true] != told[false] {
		t.Error("parts that are sent ahead make other steps")
	}
}

// TestARunThatRunsOutOfMemoryGoesOnFromTheStepBefore, and says how.
func TestARunThatRunsOutOfMemoryGoesOnFromTheStepBefore(t *testing.T) {
	setMemory(t, plenty)
	b := backendtest.AsCUDA(t)
	whole, cut := t.TempDir(), t.TempDir()
	if _, err := smallRun(t.Context(), b, smallJob(small(), 3, 3), RunOptions{Dir: whole, LogSteps: 1}); err != nil {
		t.Fatal(err)
	}
	_, err := smallRun(t.Context(), b, shrinking(t, smallJob(small(), 3, 3)), RunOptions{Dir: cut, LogSteps: 1})
	if !devicememory.Exhausted(err) || !strings.Contains(err.Error(), "step 1 of epoch 1") || !strings.Contains(err.Error(), "--resume") || strings.Contains(err.Error(), "\n") {
		t.Fatalf("the memory ran out: %v", err)
	}
	setMemory(t, plenty)
	out, err := smallRun(t.Context(), b, smallJob(small(), 3, 3), RunOptions{Dir: cut, LogSteps: 1, Resume: true})
	if err != nil {
		t.Fatal(err)
	}
	if out.Resumed != 4 || !maps.Equal(ended(t, whole), ended(t, cut)) {
		t.Errorf("went on after step %d, and ended otherwise than a run that was not cut", out.Resumed)
	}
}

// shrinking takes the device's memory away before the second step of the second epoch.
func shrinking(t *testing.T, job Job) Job {
	batches := job.Batches
	job.Batches = func(ctx context.Context, epoch, from int) (Batches, error) {
		b, err := batches(ctx, epoch, from)
		return &shrink{t, b, epoch, from}, err
	}
	return job
}

type shrink struct {
	t *testing.T
	Batches
	epoch, step int
}

func (s *shrink) Next() ([]Part, error) {
	if s.epoch == 1 && s.step == 2 { // which is asked for before step 1 begins
		setMemory(s.t, 1)
	}
	s.step++
	return s.Batches.Next()
}

// TestMemoryThatRunsOutBetweenTwoOfTheOptimizersArrays leaves a state that can be saved, and a trainer that goes on.
func TestMemoryThatRunsOutBetweenTwoOfTheOptimizersArrays(t *testing.T) {
	part := rows(small(), 1, 4)
	tr, _ := ofMemory(t, plain, part)
	v := tr.vars.list[0]
	before, _ := tr.deviceMemory()
	setMemory(t, before.InUse+v.shape.ByteSize()) // one of them
	if err := tr.vars.start(v, tr.optimizer.slots); !devicememory.Exhausted(err) {
		t.Fatalf("there is memory for one of %d arrays: %v", tr.optimizer.slots, err)
	}
	if after, _ := tr.deviceMemory(); after.InUse != before.InUse {
		t.Errorf("%d bytes stay on the device", after.InUse-before.InUse)
	}
	if err := tr.saveState(filepath.Join(t.TempDir(), stateFile), 0); err != nil {
		t.Errorf("the state is not saved: %v", err)
	}
	setMemory(t, plenty)
	if _, err := tr.Step(t.Context(), part); err != nil {
		t.Errorf("with memory again: %v", err)
	}
}

// TestParametersThatAnUpdateLostAreNotSaved: the state of the step before is gone with them.
func TestParametersThatAnUpdateLostAreNotSaved(t *testing.T) {
	dir := t.TempDir()
	r := &run{t: &Trainer{lost: true}, opt: RunOptions{Dir: dir}}
	little := errors.New("RESOURCE_EXHAUSTED")
	if err := r.exhausted(little); !errors.Is(err, little) || !strings.Contains(err.Error(), "begins anew") {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, stateFile), []byte("as it was"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := r.exhausted(little); !errors.Is(err, little) || !strings.Contains(err.Error(), "saved last") {
		t.Error(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, stateFile)); err != nil || string(text) != "as it was" {
		t.Errorf("the state was written over: %q, %v", text, err)
	}
}

func TestDeviceMemoryIsInEveryLineWhereTheDeviceSays(t *testing.T) {
	setMemory(t, plenty)
	for _, c := range []struct {
		b    *backend.Backend
		says bool
	}{{backendtest.AsCUDA(t), true}, {backendtest.Open(t, "cpu"), false}} {
		dir := t.TempDir()
		if _, err := smallRun(t.Context(), c.b, smallJob(small(), 2), RunOptions{Dir: dir, LogSteps: 1}); err != nil {
			t.Fatal(err)
		}
		text, err := fs.ReadFile(os.DirFS(dir), metricsFile)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var l struct {
				Step int
				Use  *int64 `json:"device_memory_mb"`
				Peak *int64 `json:"device_peak_mb"`
			}
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				t.Fatal(err)
			}
			if l.Step > 0 && ((l.Use != nil) != c.says || (l.Peak != nil) != c.says) {
				t.Errorf("%s: %s", c.b.Kind, line)
			}
		}
	}
}
