package relevance

import (
	"context"
	"math"
	"strconv"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// HeadImportance is, for each row of the batch, how much the score would change for a small change of a gate on each head:
// the sum of map times gradient, with its sign (Michel, Levy and Neubig, "Are sixteen heads really better than one?",
// 2019). Heads are rows, maps columns. It takes the one run that [BiModal] takes.
func HeadImportance(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target) ([]analysis.Matrix, error) {
	bound, err := target.Prepare(eng.Config(), b)
	if err != nil {
		return nil, err
	}
	trace, err := runMaps(ctx, eng, bound)
	if err != nil {
		return nil, err
	}
	cfg := eng.Config()
	maps := cfg.Maps()
	heads := analysis.Axis{Name: "head"}
	for h := range cfg.Heads {
		heads.Labels = append(heads.Labels, strconv.Itoa(h))
	}
	var out []analysis.Matrix
	for n := range bound.Batch.Rows() {
		values := make([][]float64, cfg.Heads)
		for h := range values {
			for _, name := range maps {
				a, grad := trace.Values[name].Row(n).Row(h), trace.Grads[name].Row(n).Row(h)
				sum := 0.0
				for i, x := range a.Data {
					sum += float64(x) * float64(grad.Data[i])
				}
				values[h] = append(values[h], sum)
			}
		}
		meta := analysis.Meta{Method: "head importance", Target: bound.Names[n], Unit: bound.Unit, Model: trace.Provenance}
		meta = analysis.NewScores(meta, bound.Batch, n, nil, nil).Meta
		out = append(out, analysis.Matrix{
			Meta: meta, Rows: heads, Cols: analysis.Axis{Name: "map", Labels: maps},
			Panels: []analysis.MatrixPanel{{Values: values}},
		})
	}
	return out, nil
}

// MeanImportance is the mean over examples of the absolute [HeadImportance], the quantity by which heads are pruned. With
// perMap each map's heads are divided by their root of squares, so that layers can be compared. No examples give the zero
// Matrix.
func MeanImportance(examples []analysis.Matrix, perMap bool) analysis.Matrix {
	if len(examples) == 0 {
		return analysis.Matrix{}
	}
	first := examples[0]
	values := make([][]float64, len(first.Panels[0].Values))
	for h := range values {
		values[h] = make([]float64, len(first.Cols.Labels))
		for _, m := range examples {
			for j, x := range m.Panels[0].Values[h] {
				values[h][j] += math.Abs(x) / float64(len(examples))
			}
		}
	}
	if perMap {
		for j := range first.Cols.Labels {
			squares := 0.0
			for h := range values {
				squares += values[h][j] * values[h][j]
			}
			for h := range values {
				if squares > 0 {
					values[h][j] /= math.Sqrt(squares)
				}
			}
		}
	}
	out := first
	out.Method, out.N = "mean absolute head importance", len(examples)
	for _, m := range examples {
		if m.Target != first.Target {
			out.Target = "one for each example"
		}
	}
	if perMap {
		out.Unit = ""
	}
	out.Params = map[string]string{"normalized per map": strconv.FormatBool(perMap)}
	out.Panels = []analysis.MatrixPanel{{Values: values}}
	return out
}
