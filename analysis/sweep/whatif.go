package sweep

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/intervene"
)

// Change is something that is done to every question of a data set.
type Change struct {
	Name string
	// Make fits it to the question with this number.
	Make func(ctx context.Context, d *Data, example int) (intervene.Change, error)
}

// Same is a change that is the same for every question. Questions to which it does not fit, such as those without the word that
// it names, are left out.
func Same(c intervene.Change) Change {
	return Change{c.String(), func(context.Context, *Data, int) (intervene.Change, error) { return c, nil }}
}

// OtherWords asks something else about every picture.
func OtherWords(text string) Change {
	return Change{"asked: " + text, func(ctx context.Context, d *Data, example int) (intervene.Change, error) {
		return d.instead(ctx, text, example)
	}}
}

// OtherQuestion asks the data set's next question about every picture; after the last comes the first.
func OtherQuestion() Change {
	return Change{"asked the next question", func(ctx context.Context, d *Data, example int) (intervene.Change, error) {
		return d.instead(ctx, d.Set.Examples[(example+1)%d.Set.Len()].Text, example)
	}}
}

// instead is another text about the pictures of an example.
func (d *Data) instead(ctx context.Context, text string, example int) (intervene.Change, error) {
	b, err := d.reworded(ctx, []int{example}, map[string]string{d.Set.Examples[example].ID: text})
	if err != nil {
		return intervene.Change{}, err
	}
	return intervene.Instead(b.Batch), nil
}

// What is found of a change.
const (
	changedAnswers = "answers changed"
	changedRight   = "accuracy"
	changedTarget  = "difference"
)

// whatIf makes each change to each question; see intervene.WhatIf.
func whatIf() measuring {
	name := func(change, what string) string { return change + ": " + what }
	return measuring{
		name: "what-if", about: "how many answers change without regions, with heads off, attention cut, other words", group: changes,
		begin: func(_ context.Context, r *runner) (measurer, error) {
			if r.data.Asker.Head().Output == "" {
				_, err := r.eng.Config().AnswerHead()
				return nil, err
			}
			target := r.opt.Target
			if target.String() == analysis.Predicted().String() {
				target = analysis.Target{} // the probability of the answer
			}
			return func(ctx context.Context, a *asked) ([]numbers, error) {
				var out []numbers
				for _, c := range r.opt.Changes {
					changed, right, difference := nans(len(a.index)), nans(len(a.index)), nans(len(a.index))
					unit := ""
					for i, answer := range a.answers {
						change, err := c.Make(ctx, r.data, a.index[i])
						if err != nil {
							return nil, err
						}
						o, err := intervene.WhatIf(ctx, r.eng, answer, target, change)
						if errors.Is(err, intervene.ErrChange) {
							r.misfit(c.Name, err)
							continue
						}
						if err != nil {
							return nil, err
						}
						r.fit(c.Name)
						after := o.After[0]
						changed[i] = 0
						if after.Answer.Best().Class != answer.Best().Class {
							changed[i] = 1
						}
						if a.labels != nil {
							right[i] = a.labels[i][after.Answer.Best().Class]
						}
						difference[i], unit = after.Score-o.Before.Score, o.Unit
					}
					out = append(out, each(name(c.Name, changedAnswers), "share", changed), each(name(c.Name, changedRight), "share", right),
						each(name(c.Name, changedTarget), unit, difference))
				}
				return out, nil
			}, nil
		},
		draw: func(c *collector, found *means, s *Summary) error {
			t := analysis.Table{Meta: c.measured(found), Columns: []string{"change", "answers changed", "low", "high", "accuracy", "low", "high", "difference", "low", "high", "examples"}}
			t.Method, t.Level, t.Unit = "what if: answers and target after a change to every question", level, "share"
			t.Notes = append(t.Notes, "The difference is that of the probability of the answer before the change, or of the target that was asked for.")
			for _, change := range c.settings.Changes {
				row := []any{change}
				examples := 0
				for _, what := range []string{changedAnswers, changedRight, changedTarget} {
					mean, low, high, n := found.interval(name(change, what))
					row = append(row, mean, low, high)
					if what == changedAnswers {
						examples = n
					}
				}
				t.Rows = append(t.Rows, append(row, examples))
				if examples < c.n {
					t.Notes = append(t.Notes, fmt.Sprintf("%s cannot be made to %d of %d questions, which are left out.", change, c.n-examples, c.n))
				}
			}
			s.Tables = append(s.Tables, Named[analysis.Table]{"what-if", t})
			return nil
		},
	}
}

// misfit and fit note whether a change can be made to anything.
func (r *runner) misfit(name string, err error) {
	if r.misfits[name] == nil {
		r.misfits[name] = err
	}
}

func (r *runner) fit(name string) { r.fitted[name] = true }

func nans(n int) rounded {
	out := make(rounded, n)
	for i := range out {
		out[i] = math.NaN()
	}
	return out
}
