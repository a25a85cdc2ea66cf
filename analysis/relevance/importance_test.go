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
		rows, err := relevance.HeadImportance(context.Background(), eng, b, analysis.Predicted())
		if err != nil {
			t.Fatal(err)
		}
		column := map[string]int{}
		for j, name := range rows[0].Cols.Labels {
			column[name] = j
		}
		for _, name := range golden.Names() {
			key, ok := strings.CutPrefix(name, "stat.head_importance.")
			if !ok {
				golden.Use(name) // of package attention
				continue
			}
			var got []float64
			for _, m := range rows {
				for _, head := range m.Panels[0].Values {
					got = append(got, head[column[key]])
				}
			}
			golden.Compare(name, got)
		}
		mean := relevance.MeanImportance(rows, true)
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
