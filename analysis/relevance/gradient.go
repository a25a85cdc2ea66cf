package relevance

import (
	"context"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// GradientTimesInput is the gradient of the score times the input, summed over the numbers of each word row (before position
// and LayerNorm) and of each region's features. Values have the score's unit and a sign. Boxes are not counted.
func GradientTimesInput(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target) ([]analysis.Scores, error) {
	bound, err := target.Prepare(eng.Config(), b)
	if err != nil {
		return nil, err
	}
	names := []string{"in.word", "in.feat"}
	trace, err := bound.Run(ctx, eng, lxmert.All(names...), names...)
	if err != nil {
		return nil, err
	}
	out := make([]analysis.Scores, bound.Batch.Rows())
	for n := range out {
		var sides [2][]float64
		for i, name := range names {
			sides[i] = inner(trace.Values[name].Row(n), trace.Grads[name].Row(n))
		}
		meta := analysis.Meta{Method: "gradient x input", Target: bound.Names[n], Unit: bound.Unit, Model: trace.Provenance}
		out[n] = analysis.NewScores(meta, bound.Batch, n, sides[0], sides[1])
	}
	return out, nil
}

// inner is the inner product of each row of two matrices.
func inner(a, b lxmert.Tensor) []float64 {
	out := make([]float64, a.Shape[0])
	for i := range out {
		y := b.Row(i).Data
		for j, x := range a.Row(i).Data {
			out[i] += float64(x) * float64(y[j])
		}
	}
	return out
}
