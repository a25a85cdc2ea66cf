package layout

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/seed-516990b0/golxmert/analysis"
)

// ErrNoTable is wrapped by errors that say why a result cannot be set as a table.
var ErrNoTable = errors.New("is not set as a table")

// Tables are what a result is as tables of a paper: a table itself; a curve with a row for each point; each panel of a matrix;
// words and regions of an example; bars with a row each; and those of each result of a collection. Points of a [analysis.Scatter]
// and attention maps are too many for a page: they wrap [ErrNoTable], as does a collection that has nothing else.
func Tables(r analysis.Result) ([]analysis.Table, error) {
	r, err := analysis.Value(r)
	if err != nil {
		return nil, err
	}
	if err := r.Check(); err != nil {
		return nil, err
	}
	switch r := r.(type) {
	case analysis.Table:
		return []analysis.Table{r}, nil
	case analysis.Curve:
		return []analysis.Table{curveTable(r)}, nil
	case analysis.Matrix:
		return matrixTables(r), nil
	case analysis.Scores:
		return scoresTables(r), nil
	case analysis.Explanation:
		return scoresTables(r.Scores), nil
	case analysis.Bars:
		return []analysis.Table{barsTable(r)}, nil
	case analysis.Collection:
		var out []analysis.Table
		for _, part := range r.Results {
			tables, err := Tables(part)
			if err != nil && !errors.Is(err, ErrNoTable) {
				return nil, err
			}
			out = append(out, tables...)
		}
		if out == nil {
			return nil, fmt.Errorf("a collection without tables, curves, matrices or scores %w", ErrNoTable)
		}
		return out, nil
	}
	return nil, fmt.Errorf("a %s %w: its numbers are too many for one", analysis.KindOf(r), ErrNoTable)
}

// curveTable has a column for each series. Where one has intervals, they follow it.
func curveTable(c analysis.Curve) analysis.Table {
	t := analysis.Table{Meta: c.Meta, Columns: []string{c.XName}}
	t.Unit = c.YName
	for _, s := range c.Series {
		t.Columns = append(t.Columns, s.Name)
		if s.Low != nil && s.High != nil {
			t.Columns = append(t.Columns, lowName, highName)
		}
	}
	for i, x := range c.X {
		row := []any{x}
		for _, s := range c.Series {
			row = append(row, numberAt(s.Y, i))
			if s.Low != nil && s.High != nil {
				row = append(row, numberAt(s.Low, i), numberAt(s.High, i))
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// numberAt is an entry of a list; nil where there is none.
func numberAt(list []float64, i int) any {
	if i < len(list) {
		return list[i]
	}
	return nil
}

func matrixTables(m analysis.Matrix) []analysis.Table {
	var out []analysis.Table
	for _, p := range m.Panels {
		t := analysis.Table{Meta: m.Meta, Columns: []string{m.Rows.Name}}
		if p.Name != "" {
			t.Method += ", " + p.Name
		}
		wide := 0
		for _, row := range p.Values {
			wide = max(wide, len(row))
		}
		for j := range wide {
			t.Columns = append(t.Columns, labelAt(m.Cols.Labels, j))
		}
		for i, values := range p.Values {
			row := []any{labelAt(m.Rows.Labels, i)}
			for j := range wide {
				row = append(row, numberAt(values, j))
			}
			t.Rows = append(t.Rows, row)
		}
		out = append(out, t)
	}
	return out
}

// labelAt is the label of a place on an axis, or its number.
func labelAt(labels []string, i int) string {
	if i < len(labels) && labels[i] != "" {
		return labels[i]
	}
	return strconv.Itoa(i)
}

// scoresTables are one of words and one of regions, without padding, of those that there are.
func scoresTables(s analysis.Scores) []analysis.Table {
	var out []analysis.Table
	add := func(name string, columns []string, rows [][]any) {
		if len(rows) == 0 {
			return
		}
		t := analysis.Table{Meta: s.Meta, Columns: columns, Rows: rows}
		t.Method += ", " + name
		out = append(out, t)
	}
	var words, regions [][]any
	for i, x := range s.Words {
		if piece := labelAt(s.Text.Pieces, i); piece != "[PAD]" {
			words = append(words, []any{piece, x})
		}
	}
	for i, x := range s.Regions {
		if !s.There(i) {
			continue
		}
		name := ""
		if i < len(s.Image.Objects) {
			name = s.Image.Objects[i]
		}
		regions = append(regions, []any{i, name, x})
	}
	add("words", []string{"word", "value"}, words)
	add("regions", []string{"region", "object", "value"}, regions)
	return out
}

func barsTable(b analysis.Bars) analysis.Table {
	t := analysis.Table{Meta: b.Meta, Columns: []string{""}}
	if len(b.Parts) == 0 {
		t.Columns = append(t.Columns, b.XName)
	}
	t.Columns = append(t.Columns, b.Parts...)
	spread := slices.ContainsFunc(b.Bars, func(x analysis.Bar) bool { return x.Error > 0 })
	if spread {
		t.Columns = append(t.Columns, "standard error")
	}
	for _, x := range b.Bars {
		row := []any{x.Name}
		for _, v := range x.Values {
			row = append(row, v)
		}
		switch {
		case spread && x.Error > 0:
			row = append(row, x.Error)
		case spread:
			row = append(row, nil)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
