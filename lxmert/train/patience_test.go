package train

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
)

// scored is a job of which these are the validation scores, and how many were asked for.
func scored(scores ...float64) (job Job, asked *int) {
	var steps []int
	for range scores {
		steps = append(steps, 2)
	}
	job, asked = smallJob(small(), steps...), new(int)
	job.Validate = func(_ context.Context, epoch int, _ lxmert.Engine) (float64, error) {
		*asked++
		return scores[epoch], nil
	}
	return job, asked
}

func TestARunStopsWhenValidationGetsNoBetter(t *testing.T) {
	b := backendtest.Open(t, "go")
	for _, c := range []struct {
		patience int
		scores   []float64
		epochs   int // that the run has
		stopped  string
	}{
		{0, []float64{0.5, 0.4, 0.3, 0.2}, 4, ""},
		{1, []float64{0.5, 0.6, 0.6, 0.9}, 3, "Stopped after epoch 2: the validation was no better for 1 in a row\n"},
		{2, []float64{0.5, 0.4, 0.6, 0.4, 0.5, 0.9}, 5, "Stopped after epoch 4: the validation was no better for 2 in a row\n"},
		{2, []float64{0, 0, 0.9}, 2, "Stopped after epoch 1: the validation was no better for 2 in a row\n"},
		{2, []float64{0.5, 0.4, 0.3}, 3, ""}, // it ends anyway
	} {
		dir := t.TempDir()
		job, asked := scored(c.scores...)
		out, err := smallRun(t.Context(), b, job, RunOptions{Dir: dir, Patience: c.patience})
		if err != nil {
			t.Fatal(err)
		}
		if *asked != c.epochs || out.Steps != 2*c.epochs || !exists(filepath.Join(dir, LastFile)) {
			t.Errorf("%+v: %d epochs were validated, %d steps made", c, *asked, out.Steps)
		}
		text := readFile(t, filepath.Join(dir, logFile))
		if c.stopped == "" && strings.Contains(text, "Stopped") || !strings.HasSuffix(text, c.stopped) {
			t.Errorf("%+v: log.log is %q", c, text)
		}
		job, asked = scored(c.scores...)
		if out, err := smallRun(t.Context(), b, job, RunOptions{Dir: dir, Patience: c.patience, Resume: true}); err != nil || !out.Already || *asked != 0 {
			t.Errorf("%+v: resumed afterwards, %+v, %v", c, out, err)
		}
	}
}

// TestResumingKeepsThePatienceSpent stops a run in every epoch, each time before the epoch is judged.
func TestResumingKeepsThePatienceSpent(t *testing.T) {
	b := backendtest.Open(t, "go")
	scores := []float64{0.5, 0.4, 0.6, 0.6, 0.5, 0.4, 0.9, 0.9}
	whole, parts := t.TempDir(), t.TempDir()
	job, _ := scored(scores...)
	if _, err := smallRun(t.Context(), b, job, RunOptions{Dir: whole, Patience: 3, LogSteps: 1}); err != nil {
		t.Fatal(err)
	}
	for epoch := 0; ; epoch++ {
		ctx, cancel := context.WithCancel(t.Context())
		job, _ := scored(scores...)
		_, err := smallRun(ctx, b, job, RunOptions{Dir: parts, Patience: 3, LogSteps: 1, Resume: true, Progress: func(p Progress) {
			if p.Epoch == epoch && p.Step == 1 {
				cancel()
			}
		}})
		cancel()
		if err == nil {
			if epoch != 6 {
				t.Errorf("the run has %d epochs, not 6", epoch)
			}
			break
		}
		if !errors.Is(err, ErrInterrupted) {
			t.Fatal(err)
		}
	}
	compareEnds(t, ended(t, parts), ended(t, whole))
}

// TestPatienceIsForJobsThatJudgeThemselves: a loss that is better is a smaller one, and the job says what is better.
func TestPatienceIsForJobsThatJudgeThemselves(t *testing.T) {
	b := backendtest.Open(t, "go")
	losses := []float64{3, 2, 2.5, 2, 1}
	job := smallJob(small(), 1, 1, 1, 1, 1)
	job.Snapshots = []string{"a.pth"}
	job.Judge = func(_ context.Context, e *Epoch) (*Judgement, error) {
		j := &Judgement{Best: e.Best, Text: fmt.Sprintln("loss", losses[e.Number])}
		if e.Best == 0 || losses[e.Number] < e.Best {
			j.Best = losses[e.Number]
		}
		return j, nil
	}
	dir := t.TempDir()
	out, err := smallRun(t.Context(), b, job, RunOptions{Dir: dir, Patience: 2})
	if err != nil || out.Steps != 4 || out.Best != 2 {
		t.Errorf("%+v, %v", out, err)
	}
	if text := readFile(t, filepath.Join(dir, logFile)); !strings.HasSuffix(text, "loss 2\nStopped after epoch 3: the validation was no better for 2 in a row\n") {
		t.Errorf("log.log is %q", text)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
