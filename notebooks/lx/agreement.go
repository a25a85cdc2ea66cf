package lx

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
)

// agreementTop is how many words, or regions, "the most relevant" are in [Agreement].
const agreementTop = 5

// Agreement says how far methods agree about what was relevant: rank correlations (Spearman, Kendall) and the share of the
// five most relevant that two methods have in common, for every two methods, over words ("text") and over regions
// ("image"). It takes what [Test] found, or one or several explanations by the same methods.
func Agreement[X Tested | Explanation | []Explanation](of X) analysis.Table {
	names, results, err := compared(of)
	if err != nil {
		fail(err)
	}
	t := must(relevance.Agreement(names, results, agreementTop))
	if len(results[0]) > 1 {
		t.Target = "each question's most probable answer" // where a result has that of its own
	}
	return t
}

// compared are the scores by method.
func compared(of any) (names []string, results [][]analysis.Scores, err error) {
	var all []Explanation
	switch x := of.(type) {
	case Tested:
		names, results = x.Methods, x.Scores
	case Explanation:
		all = []Explanation{x}
	case []Explanation:
		all = x
	}
	for i, x := range all {
		scores := append([]analysis.Scores{x.Scores}, x.Methods...)
		if i == 0 {
			names, results = namesOf(scores), make([][]analysis.Scores, len(scores))
		}
		if !slices.Equal(namesOf(scores), names) {
			return nil, nil, errors.New("Agreement got explanations by different methods; name the same ones, in the same order, in each call of Explain")
		}
		for m, s := range scores {
			results[m] = append(results[m], s)
		}
	}
	if len(names) < 2 {
		return nil, nil, errors.New(`Agreement needs two methods or more, such as lx.Explain(q, "relevance", "attention")`)
	}
	return names, results, nil
}

// namesOf are the names of methods, with their settings where two have the same name.
func namesOf(scores []analysis.Scores) []string {
	count := map[string]int{}
	for _, s := range scores {
		count[s.Method]++
	}
	var names []string
	for _, s := range scores {
		name := s.Method
		if count[name] > 1 {
			for _, setting := range slices.Sorted(maps.Keys(s.Params)) {
				name += fmt.Sprintf(", %s %s", setting, s.Params[setting])
			}
		}
		names = append(names, name)
	}
	return names
}
