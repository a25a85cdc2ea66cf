package lx

import (
	"fmt"
	"math"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// This file shows tensors: as heat maps of their last two axes.

const (
	maxPanels   = 16  // of the axes before the last two; further ones are counted only
	maxHeatSide = 512 // entries of an axis that can still be told apart on a screen
)

// showTensor shows a tensor's numbers as colours, or in words if they do not fit into a picture.
func showTensor(t lxmert.Tensor) (shown, error) {
	m, ok := heatOf(t)
	if !ok {
		return shown{text: tensorText(t)}, nil
	}
	return both(m, tensorText(t))
}

// heatOf lays out a tensor as the panels of a matrix: [n] as one row, [rows, columns] as one panel, [..., rows, columns]
// as one panel for each entry of the axes before.
func heatOf(t lxmert.Tensor) (m analysis.Matrix, ok bool) {
	n := lxmert.Size(t.Shape)
	if n == 0 || n != len(t.Data) {
		return m, false
	}
	shape := append([]int{1, 1}, t.Shape...)
	rows, cols := shape[len(shape)-2], shape[len(shape)-1]
	if rows > maxHeatSide || cols > maxHeatSide {
		return m, false
	}
	panels := n / (rows * cols)
	m = analysis.Matrix{Meta: analysis.Meta{Method: fmt.Sprintf("tensor %v", t.Shape)}, Rows: analysis.Axis{Name: "row"}, Cols: analysis.Axis{Name: "column"}}
	if panels > maxPanels {
		m.Method += fmt.Sprintf(", the first %d of %d", maxPanels, panels)
	}
	for p := range min(panels, maxPanels) {
		panel := analysis.MatrixPanel{Values: make([][]float64, rows)}
		if panels > 1 {
			panel.Name = indexText(p, shape[2:len(shape)-2])
		}
		for i := range panel.Values {
			panel.Values[i] = make([]float64, cols)
			for j := range panel.Values[i] {
				x := float64(t.Data[(p*rows+i)*cols+j])
				if math.IsInf(x, 0) {
					return m, false // it has no place on a scale
				}
				panel.Values[i][j] = x
			}
		}
		m.Panels = append(m.Panels, panel)
	}
	return m, true
}

// indexText is where entry n of some axes is: "3", or "0, 3".
func indexText(n int, shape []int) string {
	text := ""
	for i := len(shape) - 1; i >= 0; i-- {
		if text != "" {
			text = ", " + text
		}
		text = fmt.Sprint(n%shape[i]) + text
		n /= shape[i]
	}
	return text
}

// tensorText says what a tensor is, and where its numbers lie.
func tensorText(t lxmert.Tensor) string {
	if n := lxmert.Size(t.Shape); n != len(t.Data) {
		return fmt.Sprintf("tensor of shape %v with %d numbers, which is not that of its shape", t.Shape, len(t.Data))
	}
	low, high, strange := math.Inf(1), math.Inf(-1), 0
	for _, x := range t.Data {
		switch x := float64(x); {
		case math.IsNaN(x) || math.IsInf(x, 0):
			strange++
		default:
			low, high = min(low, x), max(high, x)
		}
	}
	text := fmt.Sprintf("tensor of shape %v", t.Shape)
	if low <= high {
		text += fmt.Sprintf(", from %.4g to %.4g", low, high)
	}
	if strange > 0 {
		text += fmt.Sprintf(", %d of its %d numbers NaN or infinite", strange, len(t.Data))
	}
	return text
}
