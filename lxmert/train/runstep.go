package train

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-516990b0/golxmert/lxmert/internal/devicememory"
)

// This file is the steps of a run. What one did is counted, shown and logged when it is finished, which on a GPU is after the next one
// has begun.

// pendingStep is a step under way.
type pendingStep struct {
	*Begun
	parts []Part
}

// next is the number in its epoch of the step that begins next.
func (r *run) next() int {
	if r.pending != nil {
		return r.at.Step + 1
	}
	return r.at.Step
}

func (r *run) stepError(err error) error {
	if devicememory.Exhausted(err) {
		return r.exhausted(err)
	}
	return fmt.Errorf("train: epoch %d, step %d: %w", r.at.Epoch, r.at.Step, err)
}

// step begins a step, and finishes the one before while the devices are at it. It finishes both where something is to be done with
// the parameters after this one.
func (r *run) step(ctx context.Context, parts []Part) error {
	begun, failed := r.t.Begin(ctx, parts...)
	if err := r.settle(); err != nil {
		if failed == nil {
			err = errors.Join(err, begun.Close())
		}
		return err
	}
	if failed != nil {
		return r.stepError(failed)
	}
	r.pending = &pendingStep{begun, parts}
	last := r.next() == r.job.Steps[r.at.Epoch]
	if r.t.Ahead() > 0 && !last && !r.mayBeDue() {
		return nil
	}
	if err := r.settle(); err != nil {
		return err
	}
	if r.due() && !last {
		return r.save()
	}
	return nil
}

// due says whether the state is to be saved after the steps that are finished.
func (r *run) due() bool {
	return r.opt.SaveSteps > 0 && r.t.step%r.opt.SaveSteps == 0 || time.Since(r.saved) >= r.opt.SaveEvery
}

// mayBeDue says whether due can be true after the step under way, which moves the parameters or is skipped.
func (r *run) mayBeDue() bool {
	return r.due() || r.opt.SaveSteps > 0 && (r.t.step+1)%r.opt.SaveSteps == 0
}

// settle waits for the step under way, if there is one, and counts it.
func (r *run) settle() error {
	if r.pending == nil {
		return nil
	}
	step := r.pending
	r.pending = nil
	res, err := step.Result()
	if err != nil {
		r.t.lost = r.t.onGPU // the update took what there was
		return r.stepError(err)
	}
	return r.done(res, step.parts)
}

// giveUp forgets the step under way of a run that ends with an error, and what was sent for the next one.
func (r *run) giveUp() {
	if r.pending != nil {
		r.pending.Close() // the run has an error to report already
		r.pending = nil
	}
	r.t.forgetSent()
}

// done counts, shows and logs a step.
func (r *run) done(res *Result, parts []Part) error {
	r.at.Step++
	if err := r.count(res, parts); err != nil {
		return err
	}
	rows := 0
	for i, p := range parts {
		right, n, err := r.job.Score(p, res.Outputs[i])
		if err != nil {
			return err
		}
		if err := r.see(p, res.Outputs[i]); err != nil {
			return err
		}
		r.at.Right += right
		r.at.Rows += n
		rows += p.Batch.Rows()
	}
	if res.Skipped {
		if err := r.bad(res, parts); err != nil {
			return err
		}
	} else {
		r.at.BadInRow = 0
	}
	took, compiling := r.meter.lap(r.t.compiling)
	r.meter.add(res.Loss, rows, took, compiling)
	if err := r.writeMetrics(res); err != nil {
		return err
	}
	if r.opt.Progress != nil {
		r.opt.Progress(r.progress())
	}
	return nil
}

// bad counts a step that was not finite.
func (r *run) bad(res *Result, parts []Part) error {
	r.at.Skipped++
	r.at.BadInRow++
	fmt.Fprintf(r.opt.Log, "step %d of epoch %d skipped: loss %g, gradient norm %g\n", r.at.Step-1, r.at.Epoch, res.Loss, res.Norm)
	if r.at.BadInRow < r.opt.MaxBad {
		return nil
	}
	var names []string
	for _, p := range parts {
		if r.job.Names != nil {
			names = append(names, r.job.Names(p)...)
		}
	}
	return fmt.Errorf("train: loss or gradient were not finite in %d steps in a row, the last with %s; look at their features with the command verify, or lower the learning rate (--lr %g)",
		r.at.BadInRow, listed(names, 8), r.t.opt.LR)
}

func listed(names []string, most int) string {
	if len(names) == 0 {
		return "unnamed examples"
	}
	text := "examples "
	for i, name := range names {
		if i == most {
			return fmt.Sprintf("%s and %d more", text, len(names)-most)
		}
		if i > 0 {
			text += ", "
		}
		text += name
	}
	return text
}
