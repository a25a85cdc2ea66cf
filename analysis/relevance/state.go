package relevance

import (
	"context"
	"fmt"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/dense"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// State is the relevance of everything for everything in one row, after some layer. T and V are the batch's sizes; the
// relevance of padding for anything else is 0.
type State struct {
	analysis.Meta
	// Label says after which part of the model: "l", "r", "x.K.cross" or "x.K.self".
	Label        string
	Words        [][]float64 // [T][T] of words (columns) for words (rows): the unit matrix plus what attention added
	Regions      [][]float64 // [V][V] of regions for regions, likewise
	WordRegions  [][]float64 // [T][V] of regions for words
	RegionsWords [][]float64 // [V][T] of words for regions

	words, regions analysis.Axis
}

// Matrix is one of the four parts as a result, without padding at the end of the text and masked regions at the end of the
// picture's: "tt", "ii", "ti" (of regions for words) or "it" (of words for regions).
func (s State) Matrix(part string) (analysis.Matrix, error) {
	m := analysis.Matrix{Meta: s.Meta}
	m.Params = map[string]string{"after": s.Label, "part": part}
	for name, value := range s.Params {
		m.Params[name] = value
	}
	var full [][]float64
	switch part {
	case "tt":
		full, m.Rows, m.Cols = s.Words, s.words, s.words
	case "ii":
		full, m.Rows, m.Cols = s.Regions, s.regions, s.regions
	case "ti":
		full, m.Rows, m.Cols = s.WordRegions, s.words, s.regions
	case "it":
		full, m.Rows, m.Cols = s.RegionsWords, s.regions, s.words
	default:
		return m, fmt.Errorf("there is no part %q of the relevance; there are tt, ii, ti and it", part)
	}
	var panel analysis.MatrixPanel
	for i := range m.Rows.Labels {
		panel.Values = append(panel.Values, full[i][:len(m.Cols.Labels)])
	}
	m.Panels = []analysis.MatrixPanel{panel}
	return m, nil
}

// States returns the whole relevance matrices of each row after [BiModal]'s read-out: after each part of the model, in the
// order of computation, or only after the last where every is false. The labels of a row's states are given once.
func States(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target, opt Options, every bool) (labels []string, rows [][]State, err error) {
	bound, err := target.Prepare(eng.Config(), b)
	if err != nil {
		return nil, nil, err
	}
	trace, err := runMaps(ctx, eng, bound)
	if err != nil {
		return nil, nil, err
	}
	for n := range bound.Batch.Rows() {
		meta := analysis.Meta{Method: "bi-modal relevance of everything", Target: bound.Names[n], Model: trace.Provenance, Params: opt.params()}
		meta = analysis.NewScores(meta, bound.Batch, n, nil, nil).Meta
		words, regions := analysis.WordAxis(bound.Batch, n), analysis.RegionAxis(bound.Batch, n)
		r := newRules(eng.Config(), bound.Batch, opt)
		var states []State
		labels = labels[:0]
		last := ""
		take := func() {
			labels = append(labels, last)
			s := r.state()
			s.Meta, s.Label, s.words, s.regions = meta, last, words, regions
			states = append(states, s)
		}
		r.propagate(trace, n, func(label string) {
			if last = label; every {
				take()
			}
		})
		if !every {
			take()
		}
		rows = append(rows, states)
	}
	return labels, rows, nil
}

func (r *rules) state() State {
	return State{Words: rowsOf(r.tt), Regions: rowsOf(r.ii), WordRegions: rowsOf(r.ti), RegionsWords: rowsOf(r.it)}
}

func rowsOf(m dense.Matrix) [][]float64 {
	m = m.Clone()
	rows := make([][]float64, m.Rows)
	for i := range rows {
		rows[i] = m.Row(i)
	}
	return rows
}
