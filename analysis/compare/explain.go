package compare

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Pair is a question that is explained in both models: for each picture that it is about, what carried each model's own answer, and
// beside it (as another method to choose) what carried the other's answer in it, where it knows that answer.
type Pair struct {
	At       int // in [Comparison.Questions]
	Pictures [][2]analysis.Explanation
}

// consider keeps a question if it is among those that changed most: questions whose answer is another one go first, and those
// go first whose answer has lost most.
func (r *runner) consider(c candidate) {
	if r.opt.Show < 0 {
		return
	}
	r.pairs = append(r.pairs, c)
	slices.SortStableFunc(r.pairs, func(x, y candidate) int {
		return r.out.Questions[x.at].order(&r.out.Questions[y.at])
	})
	r.pairs = r.pairs[:min(len(r.pairs), r.opt.Show)]
}

// order is negative if a question changed more than another.
func (c *Changed) order(other *Changed) int {
	if c.Changed != other.Changed {
		if c.Changed {
			return -1
		}
		return 1
	}
	return cmp.Compare(other.lost(), c.lost())
}

// lost is by how much less probable the first model's answer has become.
func (c *Changed) lost() float64 {
	after := c.Probability[0][1]
	if math.IsNaN(after) { // the second model does not know it
		after = 0
	}
	if c.Changed {
		return c.Probability[0][0] - after
	}
	return math.Abs(c.Probability[0][0] - after)
}

// explain explains the questions that changed; if none did, the one whose answer has become more or less probable than any other.
func (r *runner) explain(ctx context.Context) error {
	pairs := slices.DeleteFunc(slices.Clone(r.pairs), func(c candidate) bool { return !r.out.Questions[c.at].Changed })
	if len(pairs) == 0 {
		pairs = r.pairs[:min(1, len(r.pairs))]
	}
	for _, c := range pairs {
		own, other := c.answers[0].Best().Class, c.answers[1].Best().Class
		others := [2]int{slices.Index(r.same, other), r.same[own]} // of each model, the class that is the other one's answer; -1: it has none
		of := [2][]analysis.Explanation{}
		for i, m := range r.models {
			x, err := r.explainIn(ctx, m, c.answers[i], others[i])
			if err != nil {
				return fmt.Errorf("%s: %w", m.Name, err)
			}
			of[i] = x
		}
		p := Pair{At: c.at}
		for row := range of[0] {
			p.Pictures = append(p.Pictures, [2]analysis.Explanation{of[0][row], of[1][row]})
		}
		r.out.Pairs = append(r.out.Pairs, p)
	}
	return nil
}

// explainIn explains a model's own answer and, if it is another one that it knows, the other model's.
func (r *runner) explainIn(ctx context.Context, m Model, own *lxmert.Answer, other int) ([]analysis.Explanation, error) {
	all, err := relevance.Explain(ctx, m.Engine, own, r.method.Name)
	if err != nil {
		return nil, err
	}
	if other >= 0 && other != own.Best().Class {
		of, err := relevance.ExplainTarget(ctx, m.Engine, own, analysis.Answer(other), r.method.Name)
		if err != nil {
			return nil, err
		}
		for row := range all {
			s := of[row].Scores
			s.Target = fmt.Sprintf("logit of %q, the other model's answer", m.Head.Answer(other))
			all[row].Methods = append(all[row].Methods, s)
		}
	}
	if r.opt.Maps {
		if err := relevance.AddMaps(ctx, m.Engine, own, all); err != nil {
			return nil, err
		}
	}
	for row := range all {
		all[row].Scores.Method = m.Name + ": " + all[row].Scores.Method
		for i := range all[row].Methods {
			all[row].Methods[i].Method = m.Name + ", the other model's answer: " + all[row].Methods[i].Method
		}
	}
	return all, nil
}
