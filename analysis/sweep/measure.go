package sweep

import (
	"context"
	"fmt"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// This file is methods whose results are means over examples.

// measuring is a method that finds some numbers of each example. Its results are made of their means.
type measuring struct {
	name, about, group string
	fits               bool // it is fitted to the sample, and measures the other examples
	// begin prepares a run, and fits what is to be fitted.
	begin func(ctx context.Context, r *runner) (measurer, error)
	// draw adds results to a summary.
	draw func(c *collector, found *means, s *Summary) error
}

// measurer finds the numbers of a batch's examples: the same in the same order for every batch, one for each example.
type measurer func(ctx context.Context, a *asked) ([]numbers, error)

// asked is a batch of questions, with what is known about them.
type asked struct {
	*lxmert.Batch                  // a row for each picture of each question
	index         []int            // numbers of the questions in the data set
	answers       []*lxmert.Answer // the model's; nil: it has no answer head
	labels        [][]float64      // how much each answer counts; nil: that is not known
}

// numbers are one number of each example of a batch; NaN where there is none.
type numbers struct {
	Name   string  `json:"name"`
	Unit   string  `json:"unit,omitempty"`
	Values rounded `json:"values"`
	// Over names other numbers over whose mean the mean of these is reported; "": none.
	Over string `json:"over,omitempty"`
	// Kept numbers are needed one by one when results are read, which takes 8 bytes of memory for each.
	Kept bool `json:"kept,omitempty"`
}

// each are numbers that are reported as they are.
func each(name, unit string, values rounded) numbers {
	return numbers{Name: name, Unit: unit, Values: values}
}

// valuesOf are the numbers that a method found.
type valuesOf struct {
	Method string    `json:"method"`
	Of     []numbers `json:"of"`
}

// perExample are the means of numbers that are one for each row.
func perExample(rows []float64, group int) rounded {
	var out rounded
	for part := range slices.Chunk(rows, group) {
		out = append(out, analysis.Mean(part))
	}
	return out
}

// means are a method's numbers, summed up over all examples.
type means struct {
	c     *collector
	names []string // in the method's order
	units map[string]string
	over  map[string]string
	of    map[string]*analysis.Running
	kept  map[string][]float64 // by name, in the order of examples
}

// addValues adds the numbers of a line.
func (c *collector) addValues(l *line) error {
	for _, v := range l.Values {
		to := c.values[v.Method]
		if to == nil {
			return fmt.Errorf("sweep: the batch of example %d has numbers of %q, which was not asked for", l.First, v.Method)
		}
		for _, n := range v.Of {
			if len(n.Values) != len(l.Examples) {
				return fmt.Errorf("sweep: the batch of example %d has %d values of %s, want %d", l.First, len(n.Values), n.Name, len(l.Examples))
			}
			if to.of[n.Name] == nil {
				to.names = append(to.names, n.Name)
				to.units[n.Name], to.over[n.Name], to.of[n.Name] = n.Unit, n.Over, &analysis.Running{}
			}
			for i, x := range n.Values {
				to.of[n.Name].Add(c.n+i, x)
			}
			if n.Kept {
				to.kept[n.Name] = append(to.kept[n.Name], n.Values...)
			}
		}
	}
	return nil
}

// sum is one of the numbers over all examples, and what its mean is reported over; that of no example if it was not found.
func (m *means) sum(name string) (r *analysis.Running, over float64) {
	if r = m.of[name]; r == nil {
		r = &analysis.Running{}
	}
	if other := m.of[m.over[name]]; other != nil {
		return r, other.Mean()
	}
	return r, 1
}

// mean is that of one of the numbers, and how many examples have it; NaN of what was not found.
func (m *means) mean(name string) (mean float64, n int) {
	r, over := m.sum(name)
	return r.Mean() / over, r.N()
}

// interval is the mean of one of the numbers with its interval over examples, which takes every resample, and how many have it; NaN of
// what was not found.
func (m *means) interval(name string) (mean, low, high float64, n int) {
	r, over := m.sum(name)
	low, high = m.c.interval(r)
	return r.Mean() / over, low / over, high / over, r.N()
}

// measured is the meta of a method's results: the number of examples that it measured is its own.
func (c *collector) measured(m *means) analysis.Meta {
	meta := c.meta("")
	meta.N = 0
	for _, r := range m.of {
		meta.N = max(meta.N, r.N())
	}
	return meta
}

// table lists means.
func (m *means) table(method, first string, names []string) analysis.Table {
	t := analysis.Table{Meta: m.c.measured(m), Columns: []string{first, "unit", "mean", "low", "high", "examples"}}
	t.Method, t.Level = method, level
	for _, name := range names {
		mean, low, high, n := m.interval(name)
		t.Rows = append(t.Rows, []any{name, m.units[name], mean, low, high, n})
	}
	return t
}

// wide is a table of means in columns, without their intervals, which curves have.
func (m *means) wide(method, first string, rows, columns []string, name func(row, column string) string) analysis.Table {
	t := analysis.Table{Meta: m.c.measured(m), Columns: append([]string{first}, columns...)}
	t.Method = method
	for _, row := range rows {
		cells := []any{row}
		for _, column := range columns {
			mean, _ := m.mean(name(row, column))
			cells = append(cells, mean)
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

// series is a line of a curve: the means of several numbers, with bands.
func (m *means) series(name string, of []string) analysis.CurveSeries {
	s := analysis.CurveSeries{Name: name}
	for _, one := range of {
		mean, low, high, _ := m.interval(one)
		s.Y, s.Low, s.High = append(s.Y, mean), append(s.Low, low), append(s.High, high)
	}
	return s
}

// overLevels is a curve over the levels of a stream with a line for each of some names, one of them dashed: the means of the numbers
// that a line has at the levels.
func (m *means) overLevels(levels, lines []string, dashed string, number func(line, level string) string) analysis.Curve {
	curve := analysis.Curve{Meta: m.c.measured(m), XName: "level"}
	curve.Level = level
	cfg := *m.c.settings.Config
	cross := cfg.LangLayers + 1
	if slices.Contains(analysis.Levels(cfg, analysis.RegionStream), levels[0]) {
		cross = cfg.RegionLayers + 1
	}
	if cross < len(levels) {
		curve.Rules = map[string]float64{"cross layers": float64(cross)}
	}
	for k := range levels {
		curve.X = append(curve.X, float64(k))
	}
	for _, line := range lines {
		var of []string
		for _, l := range levels {
			of = append(of, number(line, l))
		}
		series := m.series(line, of)
		if line == dashed {
			series.Style = "dashed"
		}
		curve.Series = append(curve.Series, series)
	}
	return curve
}

// drawMeasures adds the results of all methods that measure examples, as far as they found anything.
func (c *collector) drawMeasures(s *Summary) {
	for _, name := range c.settings.Methods {
		m, ok := findMeasuring(name)
		if !ok || len(c.values[name].names) == 0 {
			continue
		}
		if err := m.draw(c, c.values[name], s); err != nil {
			s.Without = append(s.Without, fmt.Sprintf("%s: %v", name, err))
		}
		for _, one := range c.values[name].names {
			if mean, n := c.values[name].mean(one); n > 0 {
				s.means = append(s.means, number{measured{method: name, what: one}, mean})
			}
		}
	}
}

// measurings are all methods that measure examples.
func measurings() []measuring {
	return []measuring{whatIf(), pruning(), exactPatching(), attributionPatching(), erasure(), interactions(), ablation(), norms(), lenses(), fusion(), readouts(), calibrations()}
}
