package sweep

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/concept"
	"github.com/seed-516990b0/golxmert/analysis/probe"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// What is found of each eraser.
const (
	erasedChange  = "change"
	erasedSize    = "absolute change"
	erasedAnswers = "answers changed"
	erasedRight   = "accuracy"
)

// mostClasses is how many labels of a concept are erased, the most frequent.
const mostClasses = 20

// erasure takes a concept out of each level; see package concept. The concept is a task of package probe, whose labels are in the
// data, and the erasers are fitted to the sample.
func erasure() measuring {
	name := func(level, eraser, what string) string { return fmt.Sprintf("%s, erased %s: %s", level, eraser, what) }
	return measuring{
		name: "leace", about: "what is left of the answer once a concept is erased from a level (LEACE)", group: changes, fits: true,
		begin: func(ctx context.Context, r *runner) (measurer, error) {
			erasers, err := r.erasers(ctx)
			if err != nil {
				return nil, err
			}
			return r.rest(func(ctx context.Context, a *asked) ([]numbers, error) {
				bound, err := r.opt.Target.Bind(ctx, r.eng, a.Batch)
				if err != nil {
					return nil, err
				}
				before, err := r.erased(ctx, a, bound)
				if err != nil {
					return nil, err
				}
				var out []numbers
				states, err := concept.ReadStates(ctx, r.eng, bound.Batch, erasers...)
				if err != nil {
					return nil, err
				}
				for _, e := range erasers {
					after, err := r.erased(ctx, a, bound, states.Edit(e))
					if err != nil {
						return nil, err
					}
					n := len(a.index)
					change, size, changed, right := nans(n), nans(n), nans(n), nans(n)
					for i := range n {
						change[i] = after.scores[i] - before.scores[i]
						size[i] = math.Abs(change[i])
						if after.classes == nil {
							continue
						}
						if changed[i] = 0; after.classes[i] != before.classes[i] {
							changed[i] = 1
						}
						if a.labels != nil {
							right[i] = a.labels[i][after.classes[i]]
						}
					}
					out = append(out, each(name(e.Level, e.Name, erasedChange), bound.Unit, change), each(name(e.Level, e.Name, erasedSize), bound.Unit, size),
						each(name(e.Level, e.Name, erasedAnswers), "share", changed), each(name(e.Level, e.Name, erasedRight), "share", right))
				}
				return out, nil
			}), nil
		},
		draw: func(c *collector, found *means, s *Summary) error {
			return c.drawErasure(found, s, name)
		},
	}
}

// outcome is what a model says to a batch: a score and an answer for each example.
type outcome struct {
	scores  []float64
	classes []int // nil: the model has no answer head
}

func (r *runner) erased(ctx context.Context, a *asked, bound *analysis.Bound, edits ...lxmert.Edit) (outcome, error) {
	all, err := concept.Ask(ctx, r.eng, bound, edits...)
	if err != nil {
		return outcome{}, err
	}
	o := outcome{scores: perExample(all.Scores, len(all.Scores)/len(a.index))}
	if a.answers != nil {
		o.classes = all.Answers
	}
	return o, nil
}

// erasers are fitted to the sample: for each level one of the concept, and one of its labels shuffled among the states.
func (r *runner) erasers(ctx context.Context) ([]concept.AtLevel, error) {
	tasks, err := probe.FindTasks(r.settings.Concept)
	if err != nil {
		return nil, err
	}
	states, err := probe.ReadLabelled(ctx, r.eng, r.sample(ctx, "reading the concept's states"), tasks[0], mostStates, mostClasses)
	if err != nil {
		return nil, err
	}
	levels := states.Levels
	if r.settings.Level != "" {
		levels = nil
		for _, l := range states.Levels {
			if lxmert.Match(r.settings.Level, l) {
				levels = append(levels, l)
			}
		}
		if levels == nil {
			return nil, fmt.Errorf("%s is not a level of what %s is about; there are %s to %s", r.settings.Level, r.settings.Concept, states.Levels[0], states.Levels[len(states.Levels)-1])
		}
	}
	fitted, err := concept.Fit(states, levels, r.settings.Seed)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(fitted, func(e concept.AtLevel) bool { return e.Direction != nil }), nil
}

// mostStates is how many states an eraser is fitted to at most.
const mostStates = 5000

// drawErasure makes a curve over levels of how much the target changes, and one of how many answers do.
func (c *collector) drawErasure(found *means, s *Summary, name func(level, eraser, what string) string) error {
	cfg := *c.settings.Config
	var levels []string
	for _, stream := range []analysis.Stream{analysis.WordStream, analysis.RegionStream} {
		for _, l := range analysis.Levels(cfg, stream) {
			if found.of[name(l, concept.Whole, erasedChange)] != nil {
				levels = append(levels, l)
			}
		}
	}
	if len(levels) == 0 {
		return nil
	}
	title := "concept erasure of " + c.settings.Concept
	whole, shuffled := "erased "+concept.Whole, "erased "+concept.Shuffled
	if len(levels) > 1 {
		for _, what := range []struct{ file, name, y string }{{"leace", erasedSize, "absolute change of the target"}, {"leace-answers", erasedAnswers, "share of answers changed"}} {
			curve := found.overLevels(levels, []string{whole, shuffled}, shuffled, func(erased, l string) string { return l + ", " + erased + ": " + what.name })
			curve.Method, curve.YName, curve.Unit = title+": "+what.y, what.y, found.units[name(levels[0], concept.Whole, what.name)]
			curve.Notes = append(curve.Notes, fmt.Sprintf("Levels from 0: %s to %s. Erasers are fitted to the first %d questions, which are not among these.", levels[0], levels[len(levels)-1], c.settings.Sample),
				"Labels shuffled among the states say what an erasure of as many dimensions does that is about nothing.")
			if found.of[name(levels[0], concept.Whole, what.name)].N() > 0 {
				s.Curves = append(s.Curves, Named[analysis.Curve]{what.file, curve})
			}
		}
	}
	var rows []string
	for _, l := range levels {
		rows = append(rows, l+", "+whole, l+", "+shuffled)
	}
	t := found.wide(title, "level", rows, []string{erasedChange, erasedSize, erasedAnswers, erasedRight}, func(row, what string) string { return row + ": " + what })
	t.Params["concept"] = c.settings.Concept
	s.Tables = append(s.Tables, Named[analysis.Table]{"leace-table", t})
	return nil
}
