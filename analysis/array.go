package analysis

import (
	"slices"
	"strconv"
)

// This file has the arrays of the plain results, for formats that hold nothing else.

// Arrays are words, regions and boxes, those that there are.
func (s Scores) Arrays() []Array {
	var out []Array
	if s.Words != nil {
		out = append(out, Array{"words", []int{len(s.Words)}, s.Words})
	}
	if s.Regions != nil {
		var boxes []float64
		for _, box := range s.Boxes {
			boxes = append(boxes, box[:]...)
		}
		out = append(out, Array{"regions", []int{len(s.Regions)}, s.Regions}, Array{"boxes", []int{len(s.Boxes), 4}, boxes})
	}
	return out
}

// Arrays are the panels, by their names.
func (m Matrix) Arrays() []Array {
	var out []Array
	rows, cols := m.Size()
	for k, p := range m.Panels {
		name := p.Name
		if name == "" {
			name = "panel " + strconv.Itoa(k)
		}
		out = append(out, Array{name, []int{rows, cols}, slices.Concat(p.Values...)})
	}
	return out
}

// Arrays are x and the series, by their names, with the ends of their intervals as name.low and name.high.
func (c Curve) Arrays() []Array {
	out := []Array{{"x", []int{len(c.X)}, c.X}}
	taken := map[string]bool{"x": true}
	for k, s := range c.Series {
		name := s.Name
		if name == "" {
			name = "series " + strconv.Itoa(k)
		}
		if taken[name] { // such as the random orders of several methods
			name += " #" + strconv.Itoa(k)
		}
		taken[name] = true
		out = append(out, Array{name, []int{len(s.Y)}, s.Y})
		if s.Low != nil {
			out = append(out, Array{name + ".low", []int{len(s.Low)}, s.Low}, Array{name + ".high", []int{len(s.High)}, s.High})
		}
	}
	return out
}

// Arrays are the columns that are numbers from top to bottom.
func (t Table) Arrays() []Array {
	var out []Array
	for j, name := range t.Columns {
		var column []float64
		for _, row := range t.Rows {
			if j >= len(row) {
				break
			}
			if x, ok := Number(row[j]); ok {
				column = append(column, x)
			}
		}
		if len(column) == len(t.Rows) && len(column) > 0 {
			out = append(out, Array{name, []int{len(column)}, column})
		}
	}
	return out
}

// Number is a table's entry as a number, if it is one.
func Number(entry any) (x float64, ok bool) {
	switch v := entry.(type) {
	case float64:
		return v, true
	case float32:
		return float64(v), true
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	}
	return 0, false
}
