//go:build cgo

package train

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/internal/xlacalltest"
)

// This file counts what a step asks of a GPU's plugin.

// stepCalls are the calls of a step that is not the first of its shape.
func stepCalls(t *testing.T, cfg lxmert.Config, opt Options, parts ...Part) backendtest.Calls {
	t.Helper()
	b, since := backendtest.WatchedAsCUDA(t)
	tr := newTrainer(t, b, &Initial{Config: cfg, Seed: 3, Range: 0.1}, answers, opt)
	for range 2 {
		since()
		if _, err := tr.Step(t.Context(), parts...); err != nil {
			t.Fatal(err)
		}
	}
	return since()
}

func TestAStepOnAGPUUploadsTwice(t *testing.T) {
	cfg := small()
	const n = 4
	with, without := stepCalls(t, cfg, withDropout(), rows(cfg, 1, n)), stepCalls(t, cfg, plain, rows(cfg, 1, n))
	uploads, bytes := with.Count(backendtest.Upload)
	if executions, _ := with.Count(backendtest.Execute); uploads > 2 || executions > 3 {
		t.Errorf("%d uploads and %d executions: %v", uploads, executions, with)
	}
	// The host hears of nothing before all is asked for.
	what := func(w backendtest.What) func(backendtest.Call) bool {
		return func(c backendtest.Call) bool { return c.What == w }
	}
	first := slices.IndexFunc(with, what(backendtest.Read))
	if first < 0 || slices.ContainsFunc(with[first:], what(backendtest.Execute)) {
		t.Errorf("something is read before all is started: %v", with)
	}
	if _, plain := without.Count(backendtest.Upload); bytes != plain {
		t.Errorf("%d bytes with dropout, %d without", bytes, plain)
	}
	// Features, boxes, a number for each word's piece, segment and mask, for each region's mask, and for each class; and 100 numbers
	// of the step, not of its rows.
	row := 5*(cfg.FeatDim+cfg.BoxDim+1) + 3*6 + cfg.TaskClasses
	if most := 4 * (n*row + 100); bytes > most {
		t.Errorf("%d bytes are uploaded, at most %d were expected", bytes, most)
	}
}

func TestLabelsThatAreMostlyZerosTravelAsPairs(t *testing.T) {
	cfg := small()
	cfg.TaskClasses = 1000
	part := rows(cfg, 1, 4)
	target := part.Labels["target"].Data.([]float32)
	for i := range target {
		if i%100 != 0 {
			target[i] = 0
		}
	}
	if _, bytes := stepCalls(t, cfg, plain, part).Count(backendtest.Upload); bytes > len(target) {
		t.Errorf("%d bytes are uploaded for %d labels", bytes, len(target))
	}
}

func TestAnUpdateOnAGPUWritesOverWhatItMoves(t *testing.T) {
	w := &xlacalltest.Watched{Backend: backendtest.AsCUDA(t).Backend}
	cfg := small()
	tr, err := NewTrainer(t.Context(), w, cfg, &Initial{Config: cfg, Seed: 3, Range: 0.1}, answers, plain)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if _, err := tr.Step(t.Context(), rows(cfg, 1, 4)); err != nil {
		t.Fatal(err)
	}
	// The update is the last program: each parameter that has a gradient, and its two moments.
	moved := 0
	for _, u := range tr.movers {
		moved += len(u.vars)
	}
	if n := strings.Count(w.Program(t), "tf.aliasing_output"); len(tr.movers) != 1 || n != 3*moved {
		t.Errorf("%d programs move %d parameters, with %d arrays in place", len(tr.movers), moved, n)
	}
}
