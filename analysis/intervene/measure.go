package intervene

import (
	"context"
	"fmt"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// measure is a target that is read from every row of a batch, for the classes and places of the question as it was.
type measure struct {
	batch      *lxmert.Batch // with what the target hides hidden
	score      *lxmert.Grad  // nil: the probability of an answer
	class      int
	name, unit string
}

// bind fits a target to the stacked runs of a question. What is open in it, such as the most probable answer, is settled by the
// question as it was, so that one thing is compared.
func bind(ctx context.Context, eng lxmert.Engine, target analysis.Target, a *lxmert.Answer, b *lxmert.Batch) (measure, error) {
	best := a.Best()
	if target.IsZero() {
		return measure{batch: b, class: best.Class, name: fmt.Sprintf("probability of %q", best.Text), unit: "share"}, nil
	}
	bound, err := target.Bind(ctx, eng, a.Batch)
	if err != nil {
		return measure{}, err
	}
	all, err := target.Prepare(eng.Config(), b)
	if err != nil {
		return measure{}, err
	}
	m := measure{batch: all.Batch, name: bound.Names[0], unit: bound.Unit, score: &lxmert.Grad{}}
	for _, t := range bound.Terms {
		n := len(t.Weight)
		times := lxmert.Term{Output: t.Output, Kind: t.Kind}
		for range b.Rows() / bound.Batch.Rows() {
			for i := range n {
				times.Class, times.Weight = append(times.Class, t.Class[i]), append(times.Weight, t.Weight[i])
				if t.Position != nil {
					times.Position = append(times.Position, t.Position[i])
				}
			}
		}
		m.score.Of = append(m.score.Of, times)
	}
	return m, nil
}

// read is the target's score of a run. Of scores that are one per picture it is their mean.
func (m measure) read(trace *lxmert.Trace, run int, answer *lxmert.Answer) float64 {
	if m.score == nil {
		for _, r := range answer.Ranked {
			if r.Class == m.class {
				return r.Probability
			}
		}
	}
	group := len(m.score.Of[0].Weight) / (m.batch.Rows() / answer.Batch.Rows())
	sum := 0.0
	for i := range group {
		sum += float64(trace.Score[run*group+i])
	}
	return sum / float64(group)
}
