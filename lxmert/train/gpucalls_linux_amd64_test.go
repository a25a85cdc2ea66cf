//go:build cgo

package train

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/internal/synthetic"
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
	half := withDropout()
	half.BFloat16 = true
	with, without := stepCalls(t, cfg, withDropout(), rows(cfg, 1, n)), stepCalls(t, cfg, plain, rows(cfg, 1, n))
	_, bytes := with.Count(backendtest.Upload)
	for _, calls := range []backendtest.Calls{with, without, stepCalls(t, cfg, half, rows(cfg, 1, n))} {
		uploads, _ := calls.Count(backendtest.Upload)
		if executions, _ := calls.Count(backendtest.Execute); uploads > 2 || executions > 3 {
			t.Errorf("%d uploads and %d executions: %v", uploads, executions, calls)
		}
	}
	if n, _ := with.Count(backendtest.WaitOnExecute); n > 0 {
		t.Errorf("%d executions are waited for", n)
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

func TestNothingIsWaitedForBeforeTheNextIsAskedFor(t *testing.T) {
	b, since := backendtest.WatchedAsCUDA(t)
	const steps = 6
	if _, err := smallRun(t.Context(), b, smallJob(small(), steps), RunOptions{Dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	calls := since()
	for _, w := range []backendtest.What{backendtest.WaitOnUpload, backendtest.WaitOnExecute} {
		if n, _ := calls.Count(w); n > 0 {
			t.Errorf("%d calls of %s", n, w)
		}
	}
	// A step's upload begins with its packed array, the only one of that size.
	sizes := map[int]int{}
	for _, c := range calls {
		if c.What == backendtest.Upload {
			sizes[c.Bytes]++
		}
	}
	packed := 0
	for size, n := range sizes {
		if n == steps && size > packed {
			packed = size
		}
	}
	executed, uploaded, read := 0, 0, 0
	for _, c := range calls {
		switch c.What {
		case backendtest.Upload:
			if c.Bytes == packed {
				uploaded++
			}
		case backendtest.Execute:
			// The next step's array is sent before a step's programs are asked for, and no other.
			if want := min(executed/3+2, steps); uploaded != want {
				t.Errorf("program %d is asked for when %d arrays are sent, want %d", executed, uploaded, want)
			}
			executed++
		case backendtest.Read:
			// Of a step the loss, the loss of all parts, the squares and the answers are read.
			step := read / 4
			read++
			if step >= steps {
				continue // parameters
			}
			if want := min(step+2, steps); executed < 3*want {
				t.Errorf("step %d is read when %d are uploaded and %d programs have begun", step, uploaded, executed)
			}
		}
	}
	if read <= 4*steps || uploaded != steps {
		t.Errorf("%d uploads and %d reads of %d steps: %v", uploaded, read, steps, sizes)
	}
}

// TestMeasuredStepsAreThoseOfARun: MakeSteps has the next step begun when one is read, and comes to the losses of steps one by one.
func TestMeasuredStepsAreThoseOfARun(t *testing.T) {
	const steps = 5
	b, since := backendtest.WatchedAsCUDA(t)
	open := func() *Trainer {
		return newTrainer(t, b, &Initial{Config: small(), Seed: 3, Range: 0.1}, answers, withDropout())
	}
	parts := []Part{rows(small(), 1, 4)}
	var want, got []float64
	one := open()
	for range steps {
		r, err := one.Step(t.Context(), parts...)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, r.Loss)
	}
	many, asked := open(), 0
	since()
	err := many.MakeSteps(t.Context(), steps, func(int) ([]Part, error) { asked++; return parts, nil }, func(i int, r *Result, took time.Duration) error {
		if asked != min(i+3, steps) {
			t.Errorf("step %d ends when %d are asked for", i, asked)
		}
		if many.begun != min(1, steps-1-i) {
			t.Errorf("step %d ends when %d others have begun", i, many.begun)
		}
		got = append(got, r.Loss)
		return nil
	})
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("losses %v, want %v; %v", got, want, err)
	}
	if n, _ := since().Count(backendtest.WaitOnExecute); n > 0 {
		t.Errorf("%d executions are waited for", n)
	}
	failing := errors.New("no more")
	err = many.MakeSteps(t.Context(), steps, func(i int) ([]Part, error) { return parts, nil }, func(int, *Result, time.Duration) error { return failing })
	if !errors.Is(err, failing) {
		t.Errorf("%v", err)
	}
	if _, err := many.Step(t.Context(), parts...); err != nil {
		t.Errorf("after steps that were given up: %v", err)
	}
}

// TestStepsWithKeptPicturesSendLittle: sentences, answers and numbers of regions are as many as VQA's.
func TestStepsWithKeptPicturesSendLittle(t *testing.T) {
	cfg := small()
	cfg.MaxPositions, cfg.TaskClasses = 20, 3129
	const n = 8
	b, since := backendtest.WatchedAsCUDA(t)
	tr := newTrainer(t, b, &Initial{Config: cfg, Seed: 3, Range: 0.1}, answers, withDropout())
	part := unmasked(cfg, 1, n)
	part.Batch = synthetic.Batch(cfg, 1, n, 20, 36)
	part.Batch.RegionMask = nil
	target := part.Labels["target"].Data.([]float32)
	for i := range target {
		if i%cfg.TaskClasses >= 8 { // ten people gave at most eight answers that count
			target[i] = 0
		}
	}
	kept := keep(t, tr, []Part{part})
	for range 2 {
		since()
		if _, err := tr.Step(t.Context(), kept...); err != nil {
			t.Fatal(err)
		}
	}
	calls := since()
	if uploads, bytes := calls.Count(backendtest.Upload); uploads > 2 || bytes > 1000*n {
		t.Errorf("%d uploads of %d bytes for %d examples", uploads, bytes, n)
	}
	if executions, _ := calls.Count(backendtest.Execute); executions > 3 {
		t.Errorf("%d executions", executions)
	}
}

// TestSeveralGPUsAreAskedAtOnce lets no device begin what the others have not been asked for.
func TestSeveralGPUsAreAskedAtOnce(t *testing.T) {
	const devices = 4
	b, since, meet := backendtest.SeveralAsCUDA(t, devices)
	opt := withDropout()
	opt.Devices = devices
	cfg := small()
	tr := newTrainer(t, b, &Initial{Config: cfg, Seed: 3, Range: 0.1}, answers, opt)
	if _, err := tr.Step(t.Context(), rows(cfg, 1, 2*devices)); err != nil {
		t.Fatal(err)
	}
	meet()
	since()
	if _, err := tr.Step(t.Context(), rows(cfg, 2, 2*devices)); err != nil {
		t.Fatal(err)
	}
	calls := since()
	alone, _ := calls.Count(backendtest.Alone)
	waits, _ := calls.Count(backendtest.WaitOnExecute)
	uploads, _ := calls.Count(backendtest.Upload)
	if executions, _ := calls.Count(backendtest.Execute); alone+waits > 0 || uploads != 2*devices || executions != 2*devices+1 {
		t.Errorf("%d calls of one device alone, %d waits, %d uploads and %d executions: %v", alone, waits, uploads, executions, calls)
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
	for _, half := range []bool{false, true} {
		w := &xlacalltest.Watched{Backend: backendtest.AsCUDA(t).Backend}
		cfg, opt := small(), plain
		opt.BFloat16 = half
		tr, err := NewTrainer(t.Context(), w, cfg, &Initial{Config: cfg, Seed: 3, Range: 0.1}, answers, opt)
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		if _, err := tr.Step(t.Context(), rows(cfg, 1, 4)); err != nil {
			t.Fatal(err)
		}
		// The update is the last program: each parameter that has a gradient, its two moments, and a matrix's copy.
		moved, copies := 0, 0
		for _, u := range tr.movers {
			moved += len(u.vars)
			for _, v := range u.vars {
				if v.half != nil {
					copies++
				}
			}
		}
		if n := strings.Count(w.Program(t), "tf.aliasing_output"); len(tr.movers) != 1 || n != 3*moved+copies || half != (copies > 0) {
			t.Errorf("bfloat16 %v: %d programs move %d parameters and %d copies, with %d arrays in place", half, len(tr.movers), moved, copies, n)
		}
	}
}
