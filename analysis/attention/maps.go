package attention

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/dense"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Maps are attention maps of a batch.
type Maps struct {
	Names  []string // in the order of computation
	Config lxmert.Config
	trace  *lxmert.Trace
}

// Read reads the maps that fit any of the patterns, all of them where there is no pattern, in one run. A pattern that
// fits no map is an error. Where all regions of a picture are masked, nothing attends to any of them, and their maps are 0.
func Read(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, patterns ...string) (*Maps, error) {
	m := &Maps{Config: eng.Config()}
	if len(patterns) == 0 {
		patterns = []string{"*"}
	}
	fits := make([]bool, len(patterns))
	for _, name := range m.Config.Maps() {
		found := false
		for i, p := range patterns {
			if lxmert.Match(p, name) {
				fits[i], found = true, true
			}
		}
		if found {
			m.Names = append(m.Names, name)
		}
	}
	for i, p := range patterns {
		if !fits[i] {
			return nil, fmt.Errorf("no attention map is called %q; the model's are %s", p, strings.Join(m.Config.Maps(), ", "))
		}
	}
	var err error
	m.trace, err = eng.Run(ctx, b, lxmert.Request{Want: lxmert.All(m.Names...), NoRegions: b.NoRegions()})
	return m, err
}

// From are the maps that a model's trace has, whatever else was read with them.
func From(cfg lxmert.Config, trace *lxmert.Trace) *Maps {
	m := &Maps{Config: cfg, trace: trace}
	for _, name := range cfg.Maps() {
		if _, ok := trace.Values[name]; ok {
			m.Names = append(m.Names, name)
		}
	}
	return m
}

// Batch that was read.
func (m *Maps) Batch() *lxmert.Batch { return m.trace.Batch }

// Of is the map of a row of the batch, [H,Q,K] with padding. It shares memory. A name that was not read is an error.
func (m *Maps) Of(name string, row int) (lxmert.Tensor, error) {
	values, ok := m.trace.Values[name]
	if !ok {
		return lxmert.Tensor{}, fmt.Errorf("map %q was not read; these were: %s", name, strings.Join(m.Names, ", "))
	}
	b := m.trace.Batch
	if row < 0 || row >= b.Rows() {
		return lxmert.Tensor{}, fmt.Errorf("row %d is out of range, the batch has %d", row, b.Rows())
	}
	return values.Row(b.RowOf(m.Config.Rows(name), row)), nil
}

// All are the maps of a row of the batch, as [Maps.Of], by name.
func (m *Maps) All(row int) (map[string]lxmert.Tensor, error) {
	all := map[string]lxmert.Tensor{}
	for _, name := range m.Names {
		t, err := m.Of(name, row)
		if err != nil {
			return nil, err
		}
		all[name] = t
	}
	return all, nil
}

// sides says which queries and keys of a map are words or regions that are there.
func sides(b *lxmert.Batch, row int, name string) (queries, keys []bool) {
	kind := kindOf(name)
	side := func(letter byte, size int) []bool {
		if letter == 'i' {
			return analysis.ValidRegions(b, row)
		}
		valid := make([]bool, size)
		copy(valid, analysis.ValidWords(b, row))
		return valid
	}
	return side(kind[0], b.T()), side(kind[1], b.T())
}

// HeadMean is a map of one example, averaged over heads, without padding at the end of the text and masked regions at the
// end of the picture's.
func (m *Maps) HeadMean(name string, row int) (analysis.Matrix, error) {
	t, err := m.Of(name, row)
	if err != nil {
		return analysis.Matrix{}, err
	}
	out := m.framed("attention, mean over heads", name, row)
	out.Params = map[string]string{"map": name}
	out.Panels = []analysis.MatrixPanel{cut(out, "", dense.HeadMean(t))}
	return out, nil
}

// LayerMean is the mean over all layers that were read of one kind of map, and over their heads, as [Maps.HeadMean] of one
// layer. Kinds are the parts of a name without the layer: "l.tt", "r.ii", "x.ti", "x.it", "x.tt", "x.ii".
func (m *Maps) LayerMean(kind string, row int) (analysis.Matrix, error) {
	stream, pair, _ := strings.Cut(kind, ".")
	var sum dense.Matrix
	var layers []string
	for _, name := range m.Names {
		if !lxmert.Match(stream+".*."+pair, name) {
			continue
		}
		t, err := m.Of(name, row)
		if err != nil {
			return analysis.Matrix{}, err
		}
		mean := dense.HeadMean(t)
		if layers = append(layers, name); len(layers) == 1 {
			sum = mean
			continue
		}
		sum.Add(mean)
	}
	if layers == nil {
		return analysis.Matrix{}, fmt.Errorf("no map of kind %q was read; kinds are l.tt, r.ii, x.ti, x.it, x.tt and x.ii", kind)
	}
	for i := range sum.Data {
		sum.Data[i] /= float64(len(layers))
	}
	out := m.framed("attention, mean over layers and heads", layers[0], row)
	out.Params = map[string]string{"maps": strings.Join(layers, " ")}
	out.Panels = []analysis.MatrixPanel{cut(out, "", sum)}
	return out, nil
}

// framed is a result about a map, without its panels.
func (m *Maps) framed(method, name string, row int) analysis.Matrix {
	kind := kindOf(name)
	b := m.trace.Batch
	return analysis.Matrix{Meta: m.meta(method, row), Rows: side(b, row, kind[0]), Cols: side(b, row, kind[1]), High: 1}
}

// cut makes a panel of as much of a map as the result's sides name.
func cut(m analysis.Matrix, name string, full dense.Matrix) analysis.MatrixPanel {
	panel := analysis.MatrixPanel{Name: name}
	for q := range len(m.Rows.Labels) {
		panel.Values = append(panel.Values, full.Row(q)[:len(m.Cols.Labels)])
	}
	return panel
}

// Matrix is a map of one example as a result, a panel for each head, without padding at the end of the text
// and masked regions at the end of the picture's.
func (m *Maps) Matrix(name string, row int) (analysis.Matrix, error) {
	t, err := m.Of(name, row)
	if err != nil {
		return analysis.Matrix{}, err
	}
	out := m.framed("attention", name, row)
	out.Params = map[string]string{"map": name}
	for h := range t.Shape[0] {
		out.Panels = append(out.Panels, cut(out, "head "+strconv.Itoa(h), dense.Of(t.Row(h))))
	}
	return out, nil
}

func (m *Maps) meta(method string, row int) analysis.Meta {
	meta := analysis.Meta{Method: method, Unit: "share", Model: m.trace.Provenance}
	return analysis.NewScores(meta, m.trace.Batch, row, nil, nil).Meta
}

// side names one axis of a map: the word pieces, or the regions with the detector's labels.
func side(b *lxmert.Batch, row int, letter byte) analysis.Axis {
	if letter == 'i' {
		return analysis.RegionAxis(b, row)
	}
	return analysis.WordAxis(b, row)
}

func rowsOf(m dense.Matrix) [][]float64 {
	rows := make([][]float64, m.Rows)
	for i := range rows {
		rows[i] = m.Row(i)
	}
	return rows
}
