package modality

import (
	"context"
	"fmt"
	"math"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// This file sums up value-weighted attention head by head, for many examples: see [ValueWeighted].

// ValueNorms says for heads how much they hand on, by the norms of what they hand on: a model's output projections, read once.
type ValueNorms struct {
	eng   lxmert.Engine
	maps  []lxmert.Activation
	grams [][][][]float64 // W_O W_O' of each map and head, [d][d]: |v W_O|² is v (W_O W_O') v'
}

// NewValueNorms reads the projections of some maps; b is any batch with regions.
func NewValueNorms(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, maps ...string) (*ValueNorms, error) {
	b = analysis.Separate(b)
	n := &ValueNorms{eng: eng}
	for _, name := range maps {
		found, err := eng.Config().Find(name)
		if err != nil {
			return nil, err
		}
		if len(found) != 1 || !found[0].IsMap() {
			return nil, fmt.Errorf("%q is not one attention map, such as x.0.ti", name)
		}
		projection, err := outputProjection(ctx, eng, b, found[0])
		if err != nil {
			return nil, err
		}
		d := eng.Config().HeadDim()
		var grams [][][]float64
		for h := range eng.Config().Heads {
			gram := zeros(d, d)
			for i := range d {
				for j := range d {
					for o, w := range projection[h*d+i] {
						gram[i][j] += w * projection[h*d+j][o]
					}
				}
			}
			grams = append(grams, gram)
		}
		n.maps, n.grams = append(n.maps, found[0]), append(n.grams, grams)
	}
	return n, nil
}

// HeadNorm is what a head hands on in one example.
type HeadNorm struct {
	// Norm is the sum over keys of |α v W_O|, a mean over queries.
	Norm float64
	// Special is the share of that which [CLS] and [SEP] have, a mean over queries; NaN where keys are regions.
	Special float64
}

// Of are the norms of the rows of a batch: [maps][rows][heads].
func (n *ValueNorms) Of(ctx context.Context, b *lxmert.Batch) ([][][]HeadNorm, error) {
	b = analysis.Separate(b)
	var names []string
	for _, a := range n.maps {
		names = append(names, a.Name, a.Name+".v")
	}
	trace, err := n.eng.Run(ctx, b, lxmert.Request{Want: lxmert.All(names...), NoRegions: b.NoRegions()})
	if err != nil {
		return nil, err
	}
	out := make([][][]HeadNorm, len(n.maps))
	for m, a := range n.maps {
		for row := range b.Rows() {
			valid := [2][]bool{}
			for i, axis := range a.Axes[1:] {
				valid[i] = analysis.ValidWords(b, row)
				if axis == lxmert.AxisRegion {
					valid[i] = analysis.ValidRegions(b, row)
				}
			}
			words := a.Axes[2] == lxmert.AxisWord
			var heads []HeadNorm
			for h, gram := range n.grams[m] {
				heads = append(heads, headNorm(trace.Values[a.Name].Row(row).Row(h), trace.Values[a.Name+".v"].Row(row).Row(h), gram, valid[0], valid[1], words))
			}
			out[m] = append(out[m], heads)
		}
	}
	return out, nil
}

// headNorm is that of attention [Q,K] and values [K,d]. The special words are the first and the last valid key.
func headNorm(attention, values lxmert.Tensor, gram [][]float64, queries, keys []bool, words bool) HeadNorm {
	norms, last := make([]float64, len(keys)), 0
	for k, there := range keys {
		if !there {
			continue
		}
		last = k
		v, square := values.Row(k).Data, 0.0
		for i, x := range v {
			for j, y := range v {
				square += float64(x) * gram[i][j] * float64(y)
			}
		}
		norms[k] = math.Sqrt(max(0, square))
	}
	var norm, special []float64
	for q, there := range queries {
		if !there {
			continue
		}
		all, of := 0.0, 0.0
		for k, x := range norms {
			given := float64(attention.At(q, k)) * x
			all += given
			if k == 0 || k == last {
				of += given
			}
		}
		norm, special = append(norm, all), append(special, of/all)
	}
	out := HeadNorm{Norm: analysis.Mean(norm), Special: math.NaN()}
	if words {
		out.Special = analysis.Mean(special)
	}
	return out
}
