package figure_test

import (
	"fmt"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/figure"
)

func ExampleTypeset() {
	t := analysis.Table{
		Meta:    meta("hit rate and perturbation", ""),
		Columns: []string{"method", "hit rate", "AUC gap", "low", "high", "n"},
		Rows: [][]any{
			{"bi-modal relevance", 0.71, 0.28, 0.24, 0.31, 500},
			{"raw attention", 0.52, 0.17, 0.13, 0.2, 500},
			{"random", 0.125, -0.004, -0.02, 0.012, 500},
		},
	}
	t.Target, t.N, t.Level = "", 500, 0.95
	fmt.Println(figure.Save(filepath.Join(out, "table.png"), t, figure.Options{DPI: 100, Width: figure.Column}))
	// Output: <nil>
}
