package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"

	"github.com/seed-516990b0/golxmert/lxmert/internal/splitmix"
)

// This file makes steps. A GPU is given a step while it is still at the one before, so that it never waits for the host. What a
// step depends on that only the end of the one before decides, which is whether its loss was finite and the parameters moved, stays
// on the device: the number of steps that moved them, from which dropout's seed and the learning rates follow.

// Result is what a step did.
type Result struct {
	Loss float64 // mean over the step's rows
	Norm float64 // global L2 norm of the gradients before clipping
	LR   float64 // learning rate that the step had
	// Skipped says that loss or norm were not finite, so the parameters and the optimizer stayed as they were.
	Skipped bool
	Outputs [][]any // of the objective, per part
	// Compiling is how long the step built and compiled programs, which only the first steps of a shape do.
	Compiling time.Duration
}

// Begun is a step that the devices may still be at. It must be finished with [Begun.Result] or given up with [Begun.Close].
type Begun struct {
	trainer   *Trainer
	runs      []*started
	compiling time.Duration
}

// Step moves the parameters along the mean gradient of the parts, which must have equal numbers of rows. An error before
// the parameters move leaves them as they were; after one that comes later nothing is known of them, and the trainer should be
// given up.
func (t *Trainer) Step(ctx context.Context, parts ...Part) (*Result, error) {
	b, err := t.Begin(ctx, parts...)
	if err != nil {
		return nil, err
	}
	return b.Result()
}

// Ahead is how many steps may have begun and not been finished when the next begins: 1 on a GPU, else 0.
func (t *Trainer) Ahead() int {
	if t.onGPU {
		return 1
	}
	return 0
}

// MakeSteps makes n steps in the way of a run: a GPU gets each while it is at the one before. parts may be asked for ahead, and what it
// gave is to stay as it is until the step is done. done is given what each did, and how long it took since the one before came to its
// end, without what was built and compiled meanwhile.
func (t *Trainer) MakeSteps(ctx context.Context, n int, parts func(i int) ([]Part, error), done func(i int, r *Result, took time.Duration) error) (err error) {
	var under []*Begun
	defer func() {
		for _, b := range under {
			err = errors.Join(err, b.Close())
		}
		t.forgetSent()
	}()
	asked := 0
	all := foreseen{next: func() ([]Part, error) {
		if asked == n {
			return nil, io.EOF
		}
		asked++
		return parts(asked - 1)
	}}
	last, compiled := time.Now(), t.compiling
	for i, begun := 0, 0; i < n; i++ {
		for ; begun < n && len(under) <= t.Ahead(); begun++ {
			p, err := all.take()
			if err != nil {
				return err
			}
			if t.Ahead() > 0 {
				t.Send(all.peek()...)
			}
			b, err := t.Begin(ctx, p...)
			if err != nil {
				return err
			}
			under = append(under, b)
		}
		r, err := under[0].Result()
		if under = under[1:]; err != nil {
			return err
		}
		now := time.Now()
		took := now.Sub(last) - (t.compiling - compiled)
		last, compiled = now, t.compiling
		if err := done(i, r, took); err != nil {
			return err
		}
	}
	return nil
}

// Begin is the part of [Trainer.Step] for which the host need not know how the step comes out. Steps are finished in the order in
// which they begin.
func (t *Trainer) Begin(ctx context.Context, parts ...Part) (*Begun, error) {
	if t.begun > t.Ahead() {
		return nil, fmt.Errorf("train: a step begins while %d are not finished", t.begun)
	}
	if len(parts) == 0 {
		return nil, errors.New("train: a step needs at least one part")
	}
	b, before := &Begun{trainer: t}, t.compiling
	if err := b.begin(ctx, parts); err != nil {
		return nil, errors.Join(err, b.free())
	}
	b.compiling += t.compiling - before
	t.begun++
	return b, nil
}

func (b *Begun) begin(ctx context.Context, parts []Part) error {
	if err := b.trainer.checkParts(parts); err != nil {
		return err
	}
	for number := range parts {
		if err := b.add(ctx, parts, number); err != nil {
			return err
		}
	}
	return b.trainer.move(b.runs[len(b.runs)-1])
}

// add starts the gradients of the next part.
func (b *Begun) add(ctx context.Context, parts []Part, number int) error {
	t := b.trainer
	in, compiling, err := t.arriving(parts, number)
	if err != nil {
		return err
	}
	b.compiling += compiling
	if number+1 < len(parts) {
		t.sendAhead(parts, number+1)
	}
	if number > 0 {
		in.before = b.runs[number-1]
	}
	run, err := t.start(ctx, in.g, in.stepInputs)
	if err != nil {
		return err
	}
	b.runs = append(b.runs, run)
	if number > 0 {
		return b.runs[number-1].freeGradients()
	}
	return nil
}

// Result waits for the end of the step.
func (b *Begun) Result() (r *Result, err error) {
	t := b.trainer
	defer func() { err = errors.Join(err, b.Close()) }()
	r = &Result{LR: t.opt.LR * t.factor(t.step), Compiling: b.compiling}
	for _, run := range b.runs {
		scalars, outputs, err := run.read()
		if err != nil {
			return nil, err
		}
		r.Loss += float64(scalars[lossOutput])
		r.Norm = math.Sqrt(float64(scalars[squaresOutput]))
		r.Skipped = !finite(float64(scalars[totalOutput])) || !finite(r.Norm)
		r.Outputs = append(r.Outputs, outputs)
	}
	if !r.Skipped {
		t.step++
	}
	return r, nil
}

// Close gives up a step that nobody wants the result of. What it does to the parameters it does. Closing again, or after Result,
// does nothing.
func (b *Begun) Close() error {
	if b.runs != nil {
		b.trainer.begun--
	}
	return b.free()
}

func (b *Begun) free() (err error) {
	for _, run := range b.runs {
		err = errors.Join(err, run.free())
	}
	b.runs = nil
	return err
}

// factor is what learning rates are of their peaks after so many steps.
func (t *Trainer) factor(steps int) float64 {
	if !t.optimizer.scheduled() {
		return 1
	}
	return t.opt.Schedule.Factor(steps)
}

// stepSeed is dropout's seed of the step that follows so many. A GPU reckons it in the same way.
func stepSeed(seed uint64, steps int) uint64 { return seed + uint64(steps)*splitmix.Gamma }

// startCount tells each device how many steps have moved the parameters, if it does not count them yet.
func (t *Trainer) startCount() error {
	for d := len(t.count); d < t.vars.devices; d++ {
		b, err := t.backend.BufferFromFlatData(compute.DeviceNum(d), []int32{int32(t.step)}, shapes.Make(dtypes.Int32))
		if err != nil {
			return err
		}
		t.count = append(t.count, b)
	}
	return nil
}

// forgetCount leaves the host's count for the devices to begin with.
func (t *Trainer) forgetCount() error {
	err := freeAll(t.count)
	t.count = nil
	return err
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
