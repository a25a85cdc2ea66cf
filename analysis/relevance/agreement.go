package relevance

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
)

// Ranks are the places of values in ascending order, from 1; equal values share the mean of theirs.
func Ranks(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	ranks := make([]float64, len(values))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && values[order[j]] == values[order[i]] {
			j++
		}
		for _, k := range order[i:j] {
			ranks[k] = float64(i+j+1) / 2
		}
		i = max(j, i+1)
	}
	return ranks
}

// Spearman is the correlation of two lists' ranks, -1 to 1; NaN where one list is constant or has less than two entries.
// Lists of different lengths panic, as in [Kendall] and [TopOverlap].
func Spearman(a, b []float64) float64 {
	mustFit(a, b)
	x, y := Ranks(a), Ranks(b)
	mean := float64(len(x)+1) / 2
	var xy, xx, yy float64
	for i := range x {
		dx, dy := x[i]-mean, y[i]-mean
		xy, xx, yy = xy+dx*dy, xx+dx*dx, yy+dy*dy
	}
	return xy / math.Sqrt(xx*yy)
}

// Kendall is tau-b of two lists, -1 to 1: pairs that both order alike less those that they order differently, with ties
// taken out. NaN where one list is constant.
func Kendall(a, b []float64) float64 {
	mustFit(a, b)
	var agree, pairsA, pairsB float64
	for i := range a {
		for j := range i {
			x, y := cmp.Compare(a[i], a[j]), cmp.Compare(b[i], b[j])
			agree += float64(x * y)
			pairsA += float64(x * x)
			pairsB += float64(y * y)
		}
	}
	return agree / math.Sqrt(pairsA*pairsB)
}

// TopOverlap is the share of the k largest entries that two lists have in common, 0 to 1; of equal entries the lower index
// counts as larger. Lists shorter than k are taken whole. NaN of nothing.
func TopOverlap(a, b []float64, k int) float64 {
	mustFit(a, b)
	k = min(k, len(a))
	top := descending(b)[:max(k, 0)]
	common := 0.0
	for _, i := range descending(a)[:max(k, 0)] {
		if slices.Contains(top, i) {
			common++
		}
	}
	return common / float64(k)
}

func mustFit(a, b []float64) {
	if len(a) != len(b) {
		panic(fmt.Sprintf("relevance: lists of %d and %d values cannot be compared", len(a), len(b)))
	}
}

// descending lists indices by value, the largest first, of equal ones the lower index first.
func descending(values []float64) []int {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[b], values[a]) })
	return order
}

// Agreement says how far methods agree about the same examples: for every two methods and each modality the mean over
// examples of Spearman's and Kendall's coefficients and of the overlap of their k largest, and of how many examples.
// results[m] are those of method names[m]. Examples in which a coefficient is not defined are left out; words are compared
// without [CLS], [SEP] and padding, regions without those that are masked.
func Agreement(names []string, results [][]analysis.Scores, k int) (analysis.Table, error) {
	if len(names) != len(results) || len(names) < 2 {
		return analysis.Table{}, fmt.Errorf("%d names for the results of %d methods: give at least two of each", len(names), len(results))
	}
	for m, r := range results {
		if len(r) != len(results[0]) {
			return analysis.Table{}, fmt.Errorf("%s has results for %d examples, %s for %d", names[m], len(r), names[0], len(results[0]))
		}
	}
	table := analysis.Table{Columns: []string{"method", "other", "modality", "spearman", "kendall", fmt.Sprintf("top-%d overlap", k), "examples"}}
	if len(results[0]) > 0 {
		table.Meta = results[0][0].Meta
	}
	table.Method, table.Unit, table.N, table.Params, table.Notes = "rank agreement", "", len(results[0]), nil, nil
	for i := range names {
		for j := range i {
			for _, modality := range []string{"text", "image"} {
				var sums, counts [3]float64
				for n := range results[0] {
					a, b := values(results[i][n], modality), values(results[j][n], modality)
					if len(a) != len(b) {
						return analysis.Table{}, fmt.Errorf("example %d: %s has %d values for the %s, %s has %d", n, names[i], len(a), modality, names[j], len(b))
					}
					for c, x := range []float64{Spearman(a, b), Kendall(a, b), TopOverlap(a, b, k)} {
						if !math.IsNaN(x) {
							sums[c], counts[c] = sums[c]+x, counts[c]+1
						}
					}
				}
				table.Rows = append(table.Rows, []any{names[j], names[i], modality,
					sums[0] / counts[0], sums[1] / counts[1], sums[2] / counts[2], int(counts[0])})
			}
		}
	}
	return table, nil
}

// values are those of a modality that can be ranked.
func values(s analysis.Scores, modality string) []float64 {
	if modality == "image" {
		return s.Unmasked()
	}
	return s.Inner()
}
