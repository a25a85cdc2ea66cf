package browse

import (
	"math"
	"slices"
)

// table makes columns of what is known of one example after the other. What was not known of an example is left empty.
type table struct {
	columns []Column
	at      map[string]int
	n       int // examples that are complete
}

// column is the column of a name, filled up to the example that is added to.
func (t *table) column(name, unit string, numbers bool) *Column {
	i, ok := t.at[name]
	if !ok {
		if t.at == nil {
			t.at = map[string]int{}
		}
		i = len(t.columns)
		t.at[name] = i
		c := Column{Name: name, Unit: unit}
		if numbers {
			c.Numbers = []float64{}
		} else {
			c.Texts = []string{}
		}
		t.columns = append(t.columns, c)
	}
	fill(&t.columns[i], t.n)
	return &t.columns[i]
}

func (t *table) number(name, unit string, x float64) {
	c := t.column(name, unit, true)
	c.Numbers = append(c.Numbers, x)
}

func (t *table) text(name, text string) {
	c := t.column(name, "", false)
	c.Texts = append(c.Texts, text)
}

// next says that what follows is about the next example.
func (t *table) next() { t.n++ }

// done are all columns of which something is known.
func (t *table) done() []Column {
	for i := range t.columns {
		fill(&t.columns[i], t.n)
	}
	return slices.DeleteFunc(t.columns, func(c Column) bool {
		return !slices.ContainsFunc(c.Numbers, func(x float64) bool { return !math.IsNaN(x) }) &&
			!slices.ContainsFunc(c.Texts, func(s string) bool { return s != "" })
	})
}

// fill makes a column n entries long.
func fill(c *Column, n int) {
	for c.Numbers != nil && len(c.Numbers) < n {
		c.Numbers = append(c.Numbers, math.NaN())
	}
	for c.Texts != nil && len(c.Texts) < n {
		c.Texts = append(c.Texts, "")
	}
}
