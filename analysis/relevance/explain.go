package relevance

import (
	"context"
	"fmt"
	"maps"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/attention"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// shownAnswers is how many answers an explanation shows beside the one that it explains.
const shownAnswers = 5

// Explain says which words and regions carried a model's most probable answer, by bi-modal relevance or by the methods of
// these names (see [Methods]), the first of which is what figures show. There is one explanation for each picture that the
// answer is about. figure.Save and report.Save write them.
func Explain(ctx context.Context, eng lxmert.Engine, a *lxmert.Answer, methods ...string) ([]analysis.Explanation, error) {
	return ExplainTarget(ctx, eng, a, analysis.Target{}, methods...)
}

// ExplainTarget is [Explain] of another target than the most probable answer's logit, such as the difference of two answers: see
// [analysis.ReadTarget].
func ExplainTarget(ctx context.Context, eng lxmert.Engine, a *lxmert.Answer, target analysis.Target, methods ...string) ([]analysis.Explanation, error) {
	if len(methods) == 0 {
		methods = []string{"relevance"}
	}
	best := a.Best()
	named := !target.IsZero()
	if !named {
		target = analysis.Predicted()
	}
	out := make([]analysis.Explanation, a.Batch.Rows())
	for row := range out {
		for _, r := range a.Ranked[:min(shownAnswers, len(a.Ranked))] {
			out[row].Answers = append(out[row].Answers, analysis.Candidate{Text: r.Text, Probability: r.Probability})
		}
	}
	for i, name := range methods {
		m, err := Find(name)
		if err != nil {
			return nil, err
		}
		all, err := m.Run(ctx, eng, a.Batch, target)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for row, s := range all {
			s.Answer = best.Text
			if s.Target != "" && !named {
				s.Target = fmt.Sprintf("logit of %q, the most probable answer", best.Text)
			}
			params := map[string]string{"probability of answers": a.Head.Kind}
			maps.Copy(params, s.Params)
			s.Params = params
			if i == 0 {
				out[row].Scores = s
			} else {
				out[row].Methods = append(out[row].Methods, s)
			}
		}
	}
	return out, nil
}

// AddMaps adds all attention maps to the explanations of an answer, for pages in which they can be looked at.
func AddMaps(ctx context.Context, eng lxmert.Engine, a *lxmert.Answer, explanations []analysis.Explanation) error {
	read, err := attention.Read(ctx, eng, a.Batch)
	if err != nil {
		return err
	}
	for row := range explanations {
		if explanations[row].Maps, err = read.All(row); err != nil {
			return err
		}
	}
	return nil
}
