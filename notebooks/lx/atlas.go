package lx

import (
	"errors"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/patch"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Atlas estimates what [Patching] finds out, for every head and for every level at every word and region, in one run of each
// question instead of one for each place: attribution patching, to first order. The effects are logits of the difference of
// the two answers; names choose otherwise, as in [Patching]. [Largest] lists those that matter beside what patching them does.
func Atlas(clean, corrupted *Answer, of ...string) analysis.Collection {
	x := attributed(clean, corrupted, 0, of)
	return x.Atlas()
}

// Largest are the n places with the largest effects in the [Atlas], beside what patching each of them really does.
func Largest(clean, corrupted *Answer, n int, of ...string) analysis.Table {
	x := attributed(clean, corrupted, max(n, 0), of)
	return x.Table(max(n, 0))
}

func attributed(clean, corrupted *Answer, check int, of []string) patch.Attribution {
	pair, direction := paired(clean, corrupted, of)
	return must(pair.Attribute(cell().ctx, patch.AttributionOptions{Direction: direction, Check: check}))[0]
}

// Prune removes heads one after another, the least important first, the most important first and in random orders, and says
// how probable the model's own answers stay. Importance is that of half of the questions; the other half is asked.
func Prune(m *Model, questions []QA) analysis.Curve {
	if len(questions) < 2 {
		fail(errors.New(`Prune needs two questions or more, such as lx.Prune(m, m.Questions("heldout", 32)): one half says which heads matter, the other is asked`))
	}
	half := len(questions) / 2
	b := must(m.Batch(cell().ctx, asked(questions[:half])))
	importance := relevance.MeanImportance(must(relevance.HeadImportance(cell().ctx, m, b, analysis.Predicted())), true)
	others := must(m.Batch(cell().ctx, asked(questions[half:])))
	c := must(relevance.Prune(cell().ctx, m, others, analysis.Predicted().As(lxmert.Probability), importance, relevance.PruneOptions{}))
	c.Target = "each question's own answer"
	return c
}
