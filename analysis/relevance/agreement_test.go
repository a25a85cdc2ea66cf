package relevance_test

import (
	"math"
	"slices"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
)

func TestRankCorrelations(t *testing.T) {
	for _, c := range []struct {
		name              string
		a, b              []float64
		spearman, kendall float64
	}{
		{"alike", []float64{1, 2, 3, 9}, []float64{0, 5, 6, 7}, 1, 1},
		{"opposite", []float64{1, 2, 3}, []float64{3, 2, 1}, -1, -1},
		{"one swap", []float64{1, 2, 3, 4}, []float64{1, 2, 4, 3}, 0.8, 4. / 6},
		{"ties", []float64{1, 1, 2, 3}, []float64{1, 2, 2, 3}, 3.75 / 4.5, 4. / 5},
		{"constant", []float64{1, 1, 1}, []float64{1, 2, 3}, math.NaN(), math.NaN()},
		{"nothing", nil, nil, math.NaN(), math.NaN()},
	} {
		for name, got := range map[string][2]float64{
			"Spearman": {relevance.Spearman(c.a, c.b), c.spearman}, "Kendall": {relevance.Kendall(c.a, c.b), c.kendall},
		} {
			if math.IsNaN(got[0]) != math.IsNaN(got[1]) || math.Abs(got[0]-got[1]) > 1e-12 {
				t.Errorf("%s: %s is %g, expected %g", c.name, name, got[0], got[1])
			}
		}
	}
	if got := relevance.Ranks([]float64{5, 1, 5, 0}); !slices.Equal(got, []float64{3.5, 2, 3.5, 1}) {
		t.Errorf("ranks %v", got)
	}
	if got := relevance.TopOverlap([]float64{3, 2, 1, 0}, []float64{3, 0, 1, 2}, 2); got != 0.5 {
		t.Errorf("overlap %g", got)
	}
}

func TestAMethodAgreesWithItself(t *testing.T) {
	scores := []analysis.Scores{{Words: []float64{0, .1, .3, .2, 0}, Regions: []float64{3, 1, 2}}, {Words: []float64{0, 1, 0}, Regions: []float64{1, 1, 1}}}
	table, err := relevance.Agreement([]string{"a", "b"}, [][]analysis.Scores{scores, scores}, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range table.Rows {
		if row[3] != 1. || row[4] != 1. || row[5] != 1. || row[6] != 1 {
			t.Errorf("%v: expected perfect agreement in the one example whose values differ", row)
		}
	}
	if _, err := relevance.Agreement([]string{"a"}, [][]analysis.Scores{scores}, 2); err == nil {
		t.Error("one method alone agrees with nobody")
	}
	if _, err := relevance.Agreement([]string{"a", "b"}, [][]analysis.Scores{scores, scores[:1]}, 2); err == nil {
		t.Error("results of different numbers of examples were compared")
	}
}
