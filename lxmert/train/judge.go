package train

import (
	"context"
	"maps"
	"time"

	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// This file ends epochs as a [Job] says, where they do not end as those of fine-tuning.

// count adds a step to the sums of its epoch.
func (r *run) count(res *Result, parts []Part) error {
	if r.job.Judge == nil || res.Skipped {
		return nil
	}
	if r.at.Sums == nil {
		r.at.Sums = &sums{Parts: make([]float64, len(r.job.Parts)), Tallies: map[string]Tally{}}
	}
	s := r.at.Sums
	s.Steps++
	s.Loss += res.Loss
	for i, x := range partLosses(res.Outputs, len(r.job.Parts)) {
		s.Parts[i] += x
	}
	if r.job.Tally == nil {
		return nil
	}
	for i, p := range parts {
		err := r.job.Tally(p, res.Outputs[i], func(name string, sum, n float64) {
			t := s.Tallies[name]
			s.Tallies[name] = Tally{t.Sum + sum, t.N + n}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// partLosses are the means of the scalars that the objective returned first, over the parts of the step.
func partLosses(outputs [][]any, n int) []float64 {
	means := make([]float64, n)
	for _, out := range outputs {
		for i := range n {
			means[i] += float64(out[i].([]float32)[0]) / float64(len(outputs))
		}
	}
	return means
}

// judgeBy ends an epoch as the job does.
func (r *run) judgeBy(ctx context.Context, wait time.Duration) error {
	e := &Epoch{Number: r.at.Epoch, Best: r.at.Best, Parts: make([]float64, len(r.job.Parts))}
	if s := r.at.Sums; s != nil {
		e.Steps, e.Loss, e.Tallies = s.Steps, s.Loss/float64(s.Steps), s.Tallies
		for i := range e.Parts {
			e.Parts[i] = s.Parts[i] / float64(s.Steps)
		}
	}
	j, err := r.job.Judge(ctx, e)
	if err != nil {
		return err
	}
	for _, name := range j.Snapshots {
		if err := r.snapshot(name); err != nil {
			return err
		}
	}
	better := j.Best != r.at.Best
	r.at.Best = j.Best
	line := map[string]any{"epoch": r.at.Epoch, "data_wait_s": round(wait.Seconds())}
	maps.Copy(line, j.Line)
	text := j.Text + r.validated(better, line)
	return r.endEpoch(text, line, wait)
}

// snapshot writes the parameters into the run directory, as a .pth that PyTorch loads, and adapters in a file beside it.
func (r *run) snapshot(name string) error {
	parameter := r.job.Parameter
	if parameter == nil {
		parameter = weights.TaskName
	}
	if err := weights.Save(r.path(name), r.t.cfg, r.t.Items(parameter), nil); err != nil {
		return err
	}
	if err := r.t.saveOwn(OwnFile(r.path(name))); err != nil || r.t.adapters == nil {
		return err
	}
	return r.t.saveAdapters(r.path(adaptersFile(name)))
}
