package layout

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
)

// Matrix is what a picture of a matrix shows: its panels on one scale of colours.
type Matrix struct {
	analysis.Matrix
	Title        string
	NRows, NCols int
	RowLabels    []string // [NRows]; those that occur twice, of anything but words, have their index before them
	ColLabels    []string // [NCols]
	Colors       Colors
	ScaleName    string // what the colours measure: the unit, else the statistic, else the method
	Gaps         bool   // some number is not defined
	Under        bool   // some number is less than the matrix's own range begins with, see [Matrix.IsUnder]
}

// BelowScale is what numbers are called that are less than a matrix's own range begins with. They are hatched.
const BelowScale = "below the scale"

// IsUnder says that a number is less than the matrix's own range begins with, such as an estimate without bias of what is never
// negative. Its colour is that of the range's end, which would hide it.
func (m Matrix) IsUnder(x float64) bool {
	return (m.Low != 0 || m.High != 0) && m.Low >= 0 && x < m.Low
}

// NewMatrix lays out a matrix whose parts fit each other. The scale is the matrix's own range if it has one, else that of
// the values, with 0 in it; a range with negative numbers is centred on 0.
func NewMatrix(m analysis.Matrix, scale Scale) Matrix {
	out := Matrix{Matrix: m, Title: Title(m.Meta), ScaleName: m.Unit}
	out.NRows, out.NCols = m.Size()
	out.RowLabels, out.ColLabels = labels(m.Rows, out.NRows), labels(m.Cols, out.NCols)
	for _, name := range []string{m.Params["statistic"], m.Method} {
		if out.ScaleName == "" {
			out.ScaleName = name
		}
	}
	low, high := m.Low, m.High
	for _, p := range m.Panels {
		for _, row := range p.Values {
			out.Gaps = out.Gaps || slices.ContainsFunc(row, math.IsNaN)
			out.Under = out.Under || slices.ContainsFunc(row, out.IsUnder)
			if m.Low == 0 && m.High == 0 {
				rowLow, rowHigh := Span(row)
				low, high = math.Min(low, rowLow), math.Max(high, rowHigh)
			}
		}
	}
	out.Colors = Scaled(scale.Or(Viridis), low, high)
	return out
}

// Span is the range of the numbers that are finite, and 0.
func Span(values []float64) (low, high float64) {
	for _, x := range values {
		if Finite(x) {
			low, high = math.Min(low, x), math.Max(high, x)
		}
	}
	return low, high
}

// labels are those of n entries of an axis, or their indices.
func labels(a analysis.Axis, n int) []string {
	out := make([]string, n)
	named := indexed(a)
	for i := range out {
		out[i] = strconv.Itoa(i)
		if i < len(named) {
			out[i] = named[i]
		}
	}
	return out
}

// indexed are the labels of an axis, each with its index before it if one occurs twice. Words may: their order tells them
// apart.
func indexed(a analysis.Axis) []string {
	if a.Name == "word" || len(a.Labels) < 2 {
		return a.Labels
	}
	seen := map[string]bool{}
	twice := false
	for _, l := range a.Labels {
		twice = twice || seen[l]
		seen[l] = true
	}
	if !twice {
		return a.Labels
	}
	out := make([]string, len(a.Labels))
	for i, l := range a.Labels {
		out[i] = strings.TrimSpace(strconv.Itoa(i) + " " + l)
	}
	return out
}
