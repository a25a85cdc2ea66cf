package task

import (
	"context"
	"fmt"
	"io"

	"github.com/seed-516990b0/golxmert/internal/progress"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/train"
)

// This file is the loop that fine-tuning and pre-training share: how long it runs, and what its options make of a trainer and a
// run.

// training is what a kind of training has of its own.
type training struct {
	clip, warmup float64 // of the gradients' global norm, and as a part of all steps
	pooledOnly   bool    // see [train.Options]
	objective    train.Objective
}

// limited cuts the steps of epochs where --maxSteps ends the run.
func (o *Options) limited(epochs []int) (steps []int, total int) {
	for _, n := range epochs {
		if o.MaxSteps > 0 {
			n = min(n, o.MaxSteps-total)
		}
		if n == 0 {
			break
		}
		steps, total = append(steps, n), total+n
	}
	return steps, total
}

// trainer brings a model to the devices, for so many steps.
func (s *session) trainer(ctx context.Context, b *start, k training, total int) (*train.Trainer, error) {
	o := s.opt
	hidden, attention := b.recipe.HiddenDropout, b.recipe.AttentionDropout
	if o.Dropout >= 0 {
		hidden, attention = o.Dropout, o.Dropout
	}
	t, err := train.NewTrainer(ctx, s.backend.Backend, b.cfg, b.init, k.objective, train.Options{
		Optimizer: o.Optim, LR: o.LR, Freeze: o.Freeze, Rates: o.Rates, LoRA: o.LoRA, Clip: k.clip, Schedule: train.Schedule{Warmup: k.warmup, Total: total},
		HiddenDropout: hidden, AttentionDropout: attention, Seed: o.Seed,
		Devices: o.Devices, BFloat16: o.BF16, TF32: o.TF32, Rematerialize: o.Rematerialize, Deterministic: o.Deterministic, PooledOnly: k.pooledOnly,
		Own: b.init.Own,
	})
	if err == nil {
		noteFrozen(o.Notes, t.Trained(), b.init)
	}
	return t, err
}

// noteFrozen says how much of a model is trained where that is not all, and warns of what stays as it was drawn.
func noteFrozen(w io.Writer, t train.Trained, init *train.Initial) {
	if t.Frozen == nil {
		return
	}
	fmt.Fprintf(w, "note: %d of %d parameters are trained, %d of %d values; the others stay as they are\n", t.Parameters, t.All, t.Values, t.AllValues)
	var drawn []string
	for _, name := range t.Frozen {
		if !init.Given(name) {
			drawn = append(drawn, name)
		}
	}
	if drawn != nil {
		fmt.Fprintf(w, "warning: %d of the frozen parameters were drawn at random and stay so, such as %s; load them, or do not freeze them\n", len(drawn), drawn[0])
	}
}

// run trains in the output folder. settings are what the outcome depends on, features what the regions look like.
func (s *session) run(ctx context.Context, t *train.Trainer, job train.Job, settings map[string]string, features map[string]region.Fingerprint) (*train.Outcome, error) {
	o := s.opt
	steps := 0
	for _, n := range job.Steps {
		steps += n
	}
	bytes, onGPU := s.memoryOfTraining(t.Model().Config())
	where := ""
	if onGPU && o.Devices > 1 {
		where = fmt.Sprintf(" on each of %d devices", o.Devices)
	}
	fmt.Fprintf(o.Notes, "%d steps in %d epochs, with about %s of memory%s; --plan says beforehand what a run takes, and how long\n",
		steps, len(job.Steps), progress.Bytes(bytes), where)
	return train.Run(ctx, t, job, train.RunOptions{
		Dir: o.Output, Resume: o.Resume, Overwrite: o.Overwrite, Settings: settings, About: map[string]any{"features": features},
		SaveSteps: o.SaveSteps, SaveEvery: o.SaveEvery, MaxBad: o.MaxBad, Patience: o.Patience, LogSteps: o.LogSteps, Peak: s.peak,
		Out: o.Out, Log: o.Notes, Progress: o.Progress,
	})
}
