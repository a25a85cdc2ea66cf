package layout_test

import (
	"math"
	"slices"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/layout"
)

// An interval stands behind its number, one end alone says so, and what has none has no brackets.
func TestIntervalsStandBehindTheirNumbers(t *testing.T) {
	nan := math.NaN()
	table := layout.NewTable(analysis.Table{
		Columns: []string{"measure", "value", "low", "high", "n"},
		Rows:    [][]any{{"all", 0.5, 0.25, 0.75, 9}, {"one end", 0.5, 0.25, nan, 9}, {"none", 0.5, nan, nan, 9}, {"nil", 0.5, nil, nil, 9}},
	}, 10)
	if want := []string{"0.500 [0.250, 0.750]", "0.500 [0.250, –]", "0.500", "0.500"}; len(table.Columns) != 3 || !slices.Equal(table.Columns[1].Texts, want) {
		t.Errorf("%+v, want %q", table.Columns, want)
	}
}
