package concept

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/probe"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Options are those of [Run].
type Options struct {
	Task   string          // whose labels are the concept, see probe.Tasks
	Label  string          // the one that is told from all others; "": all labels together
	Target analysis.Target // what is read; the zero target is the probability of the model's own answer
	Seed   uint64          // of the shuffled labels and of intervals
	// Progress is told how many examples were read and how many levels erased.
	Progress func(what string, done, total int)
}

const (
	mostStates  = 5000 // that erasers are fitted to
	mostClasses = 20   // that are erased, the most frequent
	level95     = 0.95
	resamples   = 1000
)

// Run erases a concept from each level of its stream and reads a target again: erasers are fitted to some examples and tried on
// others. It finds how much the target changes and how many answers do, level by level, and a table of everything.
func Run(ctx context.Context, eng lxmert.Engine, fitted, tried probe.Batches, opt Options) (analysis.Collection, error) {
	tasks, err := probe.FindTasks(opt.Task)
	if err != nil {
		return analysis.Collection{}, err
	}
	progress := func(what string, done, total int) {
		if opt.Progress != nil {
			opt.Progress(what, done, total)
		}
	}
	states, err := probe.ReadLabelled(ctx, eng, fitted, tasks[0], mostStates, mostClasses)
	if err == nil && opt.Label != "" {
		states, err = states.Against(opt.Label)
	}
	if err != nil {
		return analysis.Collection{}, err
	}
	erasers, err := Fit(states, states.Levels, opt.Seed)
	if err != nil {
		return analysis.Collection{}, err
	}
	target := opt.Target
	if target.IsZero() {
		target = analysis.Predicted().As(lxmert.Probability)
	}
	r := results{erasers: erasers, levels: states.Levels, cfg: eng.Config(), found: make([]measured, len(erasers)), seed: opt.Seed}
	r.meta = analysis.Meta{Method: "concept erasure", Seed: opt.Seed, Level: level95, Model: states.From, Target: target.String(),
		Params: map[string]string{"concept": opt.Task, "states": fmt.Sprint(len(states.Labels)), "labels": fmt.Sprint(len(states.Classes))}}
	if opt.Label != "" {
		r.meta.Params["concept"] += "=" + opt.Label
	}
	done := 0
	for b, err := range tried {
		if err != nil {
			return analysis.Collection{}, err
		}
		if r.meta.Features == "" && len(b.Images) > 0 {
			r.meta.Features = b.Images[0].Source
		}
		if err := r.try(ctx, eng, b, target); err != nil {
			return analysis.Collection{}, err
		}
		done += b.Rows()
		progress("erasing the concept", done, done)
	}
	if r.meta.N == 0 {
		return analysis.Collection{}, errors.New("there are no questions left to erase the concept in: give more")
	}
	return r.collection(), nil
}

// measured is what one eraser does to each example.
type measured struct {
	change, size, changed []float64 // of the target, its absolute value, and 1 where there is another answer
	slopes                []float64 // of the target along the direction, if it is one
}

// results are what is found while batches go by.
type results struct {
	erasers []AtLevel
	levels  []string
	found   []measured
	before  []float64
	meta    analysis.Meta
	cfg     lxmert.Config
	seed    uint64
}

// try erases in one batch.
func (r *results) try(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target) error {
	bound, err := target.Bind(ctx, eng, b)
	if err != nil {
		return err
	}
	r.meta.Unit = bound.Unit
	before, err := Ask(ctx, eng, bound)
	if err != nil {
		return err
	}
	r.before = append(r.before, before.Scores...)
	r.meta.N += len(before.Scores)
	states, err := ReadStates(ctx, eng, bound.Batch, r.erasers...)
	if err != nil {
		return err
	}
	for i, e := range r.erasers {
		after, err := Ask(ctx, eng, bound, states.Edit(e))
		if err != nil {
			return err
		}
		m := &r.found[i]
		for n, x := range after.Scores {
			d := x - before.Scores[n]
			m.change, m.size = append(m.change, d), append(m.size, math.Abs(d))
		}
		for n, class := range after.Answers {
			changed := 0.0
			if class != before.Answers[n] {
				changed = 1
			}
			m.changed = append(m.changed, changed)
		}
		if e.Direction == nil {
			continue
		}
		slopes, err := Sensitivity(ctx, eng, b, target, e.Level, e.Direction)
		if err != nil {
			return err
		}
		m.slopes = append(m.slopes, slopes...)
	}
	return nil
}

// collection draws what was found.
func (r *results) collection() analysis.Collection {
	out := analysis.Collection{Meta: r.meta, Title: fmt.Sprintf("What if %s could not be read?", r.meta.Params["concept"])}
	out.Results = append(out.Results, r.curve("absolute change of the target", func(m measured) []float64 { return m.size }))
	if len(r.found[0].changed) > 0 {
		c := r.curve("share of answers changed", func(m measured) []float64 { return m.changed })
		c.Unit, c.Target = "share", ""
		out.Results = append(out.Results, c)
	}
	out.Results = append(out.Results, r.table())
	return out
}

// interval is the mean of numbers with its bootstrap interval over examples.
func (r *results) interval(values []float64) (mean, low, high float64) {
	return analysis.MeanInterval(values, resamples, level95, rand.New(rand.NewPCG(r.seed, 19)))
}

// curve is one number of each eraser from level to level.
func (r *results) curve(name string, of func(measured) []float64) analysis.Curve {
	stream, tower := "words", r.cfg.LangLayers
	if lxmert.Match("hid.i.*", r.levels[0]) {
		stream, tower = "regions", r.cfg.RegionLayers
	}
	c := analysis.Curve{Meta: r.meta, XName: "level of " + stream, YName: name}
	c.Method = "concept erasure of " + r.meta.Params["concept"] + ": " + name
	c.Notes = append(c.Notes, "Erasers are fitted to other questions than these.", "Labels shuffled among the states say what an eraser of as many dimensions does that is about nothing.")
	if r.cfg.CrossLayers > 0 {
		c.Rules = map[string]float64{"cross layers": float64(tower) + 0.5}
	}
	for k := range r.levels {
		c.X = append(c.X, float64(k))
	}
	for _, eraser := range []string{Whole, Shuffled, Means, Vector} {
		s := analysis.CurveSeries{Name: eraser, Style: map[string]string{Shuffled: "random"}[eraser]}
		for i, e := range r.erasers {
			if e.Name == eraser {
				mean, low, high := r.interval(of(r.found[i]))
				s.Y, s.Low, s.High = append(s.Y, mean), append(s.Low, low), append(s.High, high)
			}
		}
		if s.Y != nil {
			c.Series = append(c.Series, s)
		}
	}
	return c
}

// table has a row for each level and eraser.
func (r *results) table() analysis.Table {
	t := analysis.Table{Meta: r.meta, Columns: []string{"level", "erased", "dimensions", "score", "change", "low", "high", "absolute change", "answers changed", "slope above 0"}}
	t.Method = "concept erasure of " + r.meta.Params["concept"]
	t.Notes = append(t.Notes, fmt.Sprintf("The score was %.4g. The slope is that of the target along the direction; the share of examples in which it is above 0 is TCAV.", analysis.Mean(r.before)))
	for i, e := range r.erasers {
		m := r.found[i]
		change, low, high := r.interval(m.change)
		positive := math.NaN()
		if m.slopes != nil {
			positive = 0
			for _, x := range m.slopes {
				if x > 0 {
					positive += 1 / float64(len(m.slopes))
				}
			}
		}
		t.Rows = append(t.Rows, []any{e.Level, e.Name, e.Eraser.Rank, analysis.Mean(r.before) + change, change, low, high, analysis.Mean(m.size), analysis.Mean(m.changed), positive})
	}
	return t
}
