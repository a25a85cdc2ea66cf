package relevance_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/goldencase"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func TestHeadImportanceEqualsReference(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng *engine, b *lxmert.Batch, folder string) {
		golden := goldencase.Open(t, folder, "stat")
		results := func(eng lxmert.Engine) map[string][]float64 {
			out := map[string][]float64{}
			for _, m := range headImportance(t, eng, b) {
				for _, head := range m.Panels[0].Values {
					for j, name := range m.Cols.Labels {
						out["stat.head_importance."+name] = append(out["stat.head_importance."+name], head[j])
					}
				}
			}
			return out
		}
		got, within := results(eng), reach(t, folder, results)
		for _, name := range golden.Names() {
			if strings.HasPrefix(name, "stat.head_importance.") {
				golden.CompareWithin(name, got[name], within[name])
			} else {
				golden.Use(name) // of package attention
			}
		}
		mean := relevance.MeanImportance(headImportance(t, eng, b), true)
		for j, name := range mean.Cols.Labels {
			squares := 0.0
			for _, head := range mean.Panels[0].Values {
				squares += head[j] * head[j]
			}
			if squares != 0 && math.Abs(squares-1) > 1e-12 {
				t.Errorf("%s: squares of the normalized heads sum to %g", name, squares)
			}
		}
	})
}

func headImportance(t *testing.T, eng lxmert.Engine, b *lxmert.Batch) []analysis.Matrix {
	t.Helper()
	rows, err := relevance.HeadImportance(context.Background(), eng, b, analysis.Predicted())
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
