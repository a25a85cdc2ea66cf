package train

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/dynamics"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// list are batches in memory.
type list struct {
	steps [][]Part
}

func (l *list) Next() ([]Part, error) {
	if len(l.steps) == 0 {
		return nil, io.EOF
	}
	s := l.steps[0]
	l.steps = l.steps[1:]
	return s, nil
}

func (*list) Wait() time.Duration { return 0 }
func (*list) Close()              {}

// smallJob trains the small model on made-up rows, with a validation score that rises and falls.
func smallJob(cfg lxmert.Config, steps ...int) Job {
	return Job{
		Steps: steps,
		Batches: func(_ context.Context, epoch, from int) (Batches, error) {
			l := &list{}
			for i := from; i < steps[epoch]; i++ {
				part := rows(cfg, 1000*epoch+i, 4)
				part.Index = []int{i}
				l.steps = append(l.steps, []Part{part})
			}
			return l, nil
		},
		Score: func(p Part, outputs []any) (float64, int, error) {
			logits := outputs[0].([]float32)
			right := 0.0
			for r := range 4 {
				if p.Labels["target"].Data.([]float32)[r*cfg.TaskClasses] == 1 == (logits[r*cfg.TaskClasses] > 0) {
					right++
				}
			}
			return right, 4, nil
		},
		Validate: func(_ context.Context, epoch int, m lxmert.Engine) (float64, error) {
			return []float64{0.5, 0.75, 0.25, 0.8}[epoch%4], nil
		},
		Dynamics: smallDynamics(cfg, steps),
		Names:    func(p Part) []string { return []string{fmt.Sprint("question ", p.Index[0])} },
	}
}

// smallDynamics keeps four examples of each step of the longest epoch, but for what an epoch leaves out.
func smallDynamics(cfg lxmert.Config, steps []int) *Dynamics {
	d := &Dynamics{About: dynamics.About{Task: "vqa", Data: "/data", Kind: lxmert.Sigmoid}}
	for i := range 4*slices.Max(steps) + 3 {
		d.IDs = append(d.IDs, fmt.Sprint("question ", i))
	}
	d.About.Parts = []dynamics.Part{{Splits: []string{"train"}, Examples: len(d.IDs)}}
	d.Of = func(p Part, outputs []any) (examples []int, probabilities, scores []float32, err error) {
		logits := outputs[0].([]float32)
		for r := range 4 {
			x := float64(logits[r*cfg.TaskClasses])
			examples = append(examples, 4*p.Index[0]+r)
			probabilities = append(probabilities, float32(1/(1+math.Exp(-x))))
			scores = append(scores, float32(r)/4)
		}
		return examples, probabilities, scores, nil
	}
	return d
}

// smallRun trains in a directory.
func smallRun(ctx context.Context, b *backend.Backend, job Job, opt RunOptions) (*Outcome, error) {
	return smallRunAs(ctx, b, false, job, opt)
}

// smallRunAs is smallRun, with steps made as on a GPU or not.
func smallRunAs(ctx context.Context, b *backend.Backend, onGPU bool, job Job, opt RunOptions) (*Outcome, error) {
	o := plain
	o.HiddenDropout, o.AttentionDropout, o.PooledOnly = 0.1, 0.1, true
	o.Schedule = Schedule{Warmup: 0.1, Total: 100}
	tr, err := NewTrainer(ctx, b.Backend, small(), &Initial{Config: small(), Seed: 3, Range: 0.1}, answers, o)
	if err != nil {
		return nil, err
	}
	tr.onGPU = tr.onGPU || onGPU
	out, err := Run(ctx, tr, job, opt)
	return out, errors.Join(err, tr.Close())
}

// ended is what a run leaves that must not depend on how often it was interrupted.
func ended(t *testing.T, dir string) map[string]string {
	t.Helper()
	return endedWith(t, dir, []string{LastFile, BestFile, logFile, dynamics.FileName})
}

// endedWith is ended for a run that leaves other files.
func endedWith(t *testing.T, dir string, files []string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, name := range files {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(data)
	}
	// Of the metrics, what is not time.
	f, err := os.Open(filepath.Join(dir, metricsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var line struct {
			Step, Epoch     int
			Loss, Norm, LR  any
			Train, Valid, B any
		}
		if err := json.Unmarshal(s.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		out[metricsFile] += fmt.Sprintf("%+v\n", line)
	}
	return out
}

func compareEnds(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s differs (%d and %d bytes)", name, len(got[name]), len(want[name]))
		}
	}
}

func TestARunLeavesTheReferencesFiles(t *testing.T) {
	b := backendtest.Open(t, "go")
	dir := filepath.Join(t.TempDir(), "a", "run")
	var printed bytes.Buffer
	out, err := smallRun(t.Context(), b, smallJob(small(), 3, 3, 3), RunOptions{Dir: dir, Out: &printed, LogSteps: 1, Settings: map[string]string{"lr": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	if out.Steps != 9 || out.Best != 0.75 || out.Already || out.Skipped != 0 {
		t.Errorf("%+v", out)
	}
	text := ended(t, dir)[logFile]
	if text != printed.String() {
		t.Errorf("printed %q, logged %q", &printed, text)
	}
	for i, want := range []string{"\nEpoch 0: Train ", "\nEpoch 0: Valid 50.00\nEpoch 0: Best 50.00\n\nEpoch 1: Train ", "\nEpoch 1: Valid 75.00\nEpoch 1: Best 75.00\n", "\nEpoch 2: Valid 25.00\nEpoch 2: Best 75.00\n"} {
		if !strings.Contains(text, want) || (i == 0 && !strings.HasPrefix(text, want)) {
			t.Errorf("log.log is %q, without %q", text, want)
		}
	}
	m, err := weights.OpenModel(filepath.Join(dir, LastFile), "")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.Config.TaskClasses != small().TaskClasses || m.Config.Heads != small().Heads {
		t.Errorf("LAST.pth has %+v", m.Config)
	}
	// Once more: nothing is done, and nothing is lost without being asked.
	if _, err := smallRun(t.Context(), b, smallJob(small(), 3, 3, 3), RunOptions{Dir: dir, Settings: map[string]string{"lr": "1"}}); !errors.Is(err, ErrRunExists) {
		t.Errorf("a second run in the directory: %v", err)
	}
	if out, err := smallRun(t.Context(), b, smallJob(small(), 3, 3, 3), RunOptions{Dir: dir, Resume: true, Settings: map[string]string{"lr": "1"}}); err != nil || !out.Already {
		t.Errorf("resuming a run that has ended: %+v, %v", out, err)
	}
	if _, err := smallRun(t.Context(), b, smallJob(small(), 3, 3, 3), RunOptions{Dir: dir, Resume: true, Settings: map[string]string{"lr": "2"}}); err == nil || !strings.Contains(err.Error(), `has lr "1", this command "2"`) {
		t.Errorf("resuming with another learning rate: %v", err)
	}
}

func TestSnapshotsWithoutAStateAreNotLostToResume(t *testing.T) {
	b := backendtest.Open(t, "go")
	for _, name := range []string{BestFile, LastFile} {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("somebody's weights"), 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := smallRun(t.Context(), b, smallJob(small(), 1), RunOptions{Dir: dir, Resume: true})
		if !errors.Is(err, ErrRunExists) || !strings.Contains(err.Error(), stateFile) {
			t.Errorf("resuming beside %s: %v", name, err)
		}
		if text, err := os.ReadFile(path); err != nil || string(text) != "somebody's weights" {
			t.Errorf("%s is %q, %v", name, text, err)
		}
	}
}

func TestAnInterruptedRunGoesOnToTheSameEnd(t *testing.T) {
	for _, spec := range []string{"go", "cpu"} {
		t.Run(spec, func(t *testing.T) {
			b := backendtest.Open(t, spec)
			whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
			if _, err := smallRun(t.Context(), b, smallJob(small(), 6, 6), RunOptions{Dir: whole, LogSteps: 1}); err != nil {
				t.Fatal(err)
			}
			for stop, interrupts := range []bool{true, true, false} {
				ctx, cancel := context.WithCancel(t.Context())
				steps := 0
				_, err := smallRun(ctx, b, smallJob(small(), 6, 6), RunOptions{Dir: parts, LogSteps: 1, Resume: true, Progress: func(Progress) {
					if steps++; interrupts && steps == 3+2*stop {
						cancel()
					}
				}})
				cancel()
				if interrupts != errors.Is(err, ErrInterrupted) || (!interrupts && err != nil) {
					t.Fatalf("run %d: %v", stop, err)
				}
			}
			compareEnds(t, ended(t, parts), ended(t, whole))
		})
	}
}

// badFrom is a job in whose epochs the steps from one on, up to another, are not finite.
func badFrom(job Job, from, to int) Job {
	good := job.Batches
	job.Batches = func(ctx context.Context, epoch, at int) (Batches, error) {
		l, err := good(ctx, epoch, at)
		for i, step := range l.(*list).steps {
			if i+at >= from && i+at < to {
				step[0].Labels["target"].Data.([]float32)[0] = float32(math.Inf(1))
			}
		}
		return l, err
	}
	return job
}

func TestBadDataStopsARunAndNamesTheQuestions(t *testing.T) {
	b := backendtest.Open(t, "go")
	var notes bytes.Buffer
	out, err := smallRun(t.Context(), b, badFrom(smallJob(small(), 20), 2, 4), RunOptions{Dir: t.TempDir(), MaxBad: 3, Log: &notes})
	if err != nil || out.Skipped != 2 || out.Steps != 18 {
		t.Errorf("two bad steps: %+v, %v", out, err)
	}
	if n := strings.Count(notes.String(), "skipped"); n != 2 {
		t.Errorf("two bad steps are told of %d times: %s", n, &notes)
	}
	_, err = smallRun(t.Context(), b, badFrom(smallJob(small(), 20), 5, 20), RunOptions{Dir: t.TempDir(), MaxBad: 3})
	if err == nil || !strings.Contains(err.Error(), "in 3 steps in a row") || !strings.Contains(err.Error(), "question 7") {
		t.Errorf("bad data: %v", err)
	}
}

func TestAFolderThatCannotBeUsedIsAnErrorBeforeTraining(t *testing.T) {
	b := backendtest.Open(t, "go")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	trained := false
	opt := RunOptions{Dir: file, Progress: func(Progress) { trained = true }}
	if _, err := smallRun(t.Context(), b, smallJob(small(), 2), opt); err == nil || !strings.Contains(err.Error(), "--output") || trained {
		t.Errorf("a file instead of a folder: %v", err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"cut": "abc", "of something else": string(slices.Concat([]byte{2, 0, 0, 0, 0, 0, 0, 0}, []byte("{}")))} {
		if err := os.WriteFile(filepath.Join(dir, stateFile), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := smallRun(t.Context(), b, smallJob(small(), 2), RunOptions{Dir: dir, Resume: true}); err == nil || !strings.Contains(err.Error(), stateFile) {
			t.Errorf("a state that is %s: %v", name, err)
		}
	}
}

func TestTwoProcessesDoNotShareAFolder(t *testing.T) {
	b := backendtest.Open(t, "go")
	dir := t.TempDir()
	inside := func(Progress) {
		if _, err := smallRun(t.Context(), b, smallJob(small(), 1), RunOptions{Dir: dir, Resume: true}); err == nil || !strings.Contains(err.Error(), "is training in") {
			t.Errorf("a second run at the same time: %v", err)
		}
	}
	if _, err := smallRun(t.Context(), b, smallJob(small(), 1), RunOptions{Dir: dir, Progress: inside}); err != nil {
		t.Fatal(err)
	}
}
