package analysis

import (
	"errors"
	"fmt"
	"strings"
)

// This file says of the plain results whether their parts fit each other, and what they are as text.

// Check compares the numbers of regions and boxes.
func (s Scores) Check() error {
	if s.Regions != nil && s.Boxes != nil && len(s.Boxes) != len(s.Regions) {
		return fmt.Errorf("%d regions have scores but %d have boxes", len(s.Regions), len(s.Boxes))
	}
	return nil
}

// Size is how many rows and columns the first panel has.
func (m Matrix) Size() (rows, cols int) {
	if len(m.Panels) > 0 {
		rows = len(m.Panels[0].Values)
	}
	if rows > 0 {
		cols = len(m.Panels[0].Values[0])
	}
	return rows, cols
}

// Check says whether all panels are of one size and the labels as many as that.
func (m Matrix) Check() error {
	if len(m.Panels) == 0 {
		return errors.New("a matrix without panels: there is nothing to draw")
	}
	rows, cols := m.Size()
	for _, p := range m.Panels {
		if len(p.Values) != rows {
			return fmt.Errorf("panel %q has %d rows, the first one %d", p.Name, len(p.Values), rows)
		}
		for i, row := range p.Values {
			if len(row) != cols {
				return fmt.Errorf("panel %q, row %d has %d columns, the first one %d", p.Name, i, len(row), cols)
			}
		}
	}
	for _, side := range []struct {
		axis Axis
		n    int
	}{{m.Rows, rows}, {m.Cols, cols}} {
		if side.axis.Labels != nil && len(side.axis.Labels) != side.n {
			return fmt.Errorf("axis %q has %d labels for %d entries", side.axis.Name, len(side.axis.Labels), side.n)
		}
	}
	return nil
}

// Check says whether all series and intervals have a number for each place on the axis.
func (c Curve) Check() error {
	for _, s := range c.Series {
		if len(s.Y) != len(c.X) {
			return fmt.Errorf("series %q has %d points for %d places on the axis", s.Name, len(s.Y), len(c.X))
		}
		if (s.Low != nil || s.High != nil) && (len(s.Low) != len(c.X) || len(s.High) != len(c.X)) {
			return fmt.Errorf("series %q has intervals of %d and %d points for %d places on the axis", s.Name, len(s.Low), len(s.High), len(c.X))
		}
	}
	return nil
}

// Check says whether each row has an entry for each column.
func (t Table) Check() error {
	for i, row := range t.Rows {
		if len(row) != len(t.Columns) {
			return fmt.Errorf("row %d has %d entries for %d columns", i, len(row), len(t.Columns))
		}
	}
	if n := len(t.Examples); n > 0 && n != len(t.Rows) {
		return fmt.Errorf("%d rows are about examples, of %d", n, len(t.Rows))
	}
	return nil
}

// Plain names the method and the sentence.
func (s Scores) Plain() string { return fmt.Sprintf("%s: %s", s.Method, s.Text.Text) }

// Plain names the method.
func (m Matrix) Plain() string { return m.Method }

// Plain names the method.
func (c Curve) Plain() string { return c.Method }

// Plain is the whole table, its columns parted by tabs.
func (t Table) Plain() string {
	var s strings.Builder
	s.WriteString(strings.Join(t.Columns, "\t") + "\n")
	for _, row := range t.Rows {
		for i, v := range row {
			if i > 0 {
				s.WriteByte('\t')
			}
			if x, ok := v.(float64); ok {
				fmt.Fprintf(&s, "%.4g", x)
			} else {
				fmt.Fprint(&s, v)
			}
		}
		s.WriteByte('\n')
	}
	return s.String()
}

func (s Scores) withScores(replace func(Scores) Scores) Result { return replace(s) }
func (m Matrix) withScores(func(Scores) Scores) Result         { return m }
func (c Curve) withScores(func(Scores) Scores) Result          { return c }
func (t Table) withScores(func(Scores) Scores) Result          { return t }
