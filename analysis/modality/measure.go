package modality

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/seed-516990b0/golxmert/analysis"
)

// level and resamples of the intervals of tables.
const (
	level     = 0.95
	resamples = 1000
)

// Measure is a number of each example, whose mean is reported. NaN is "not defined".
type Measure struct {
	Name string `json:"name"`
	Unit string `json:"unit,omitempty"`
	// Of names another measure of the same examples, over whose mean this one's is reported, such as the accuracy of a score
	// that is normalised by it; "": none.
	Of     string    `json:"of,omitempty"`
	Values []float64 `json:"values"` // [examples]
}

// interval is the mean of a measure with its bootstrap interval over examples, as a table writes them, and how many examples
// have none. Of all tables the resamples are the same, so that intervals do not depend on what else is in the table.
func (m Measure) interval(all []Measure) (cells []any, undefined int) {
	mean, low, high := analysis.MeanInterval(m.Values, resamples, level, rand.New(rand.NewPCG(1, uint64(len(m.Values)))))
	for _, x := range m.Values {
		if math.IsNaN(x) {
			undefined++
		}
	}
	over := 1.0
	for _, other := range all {
		if m.Of != "" && other.Name == m.Of {
			over = analysis.Mean(other.Values)
		}
	}
	return []any{mean / over, low / over, high / over}, undefined
}

// Table has a line for each condition, with the mean over examples and its interval.
func (a *Ablation) Table() analysis.Table {
	t := analysis.Table{Meta: a.Meta, Columns: []string{"condition", "unit", "mean", "low", "high"}}
	t.Level = level
	for _, m := range a.Measures {
		cells, undefined := m.interval(nil)
		t.Rows = append(t.Rows, append([]any{m.Name, m.Unit}, cells...))
		if undefined > 0 {
			t.Notes = append(t.Notes, fmt.Sprintf("%s is not defined in %d examples.", m.Name, undefined))
		}
	}
	return t
}
