package lxrt

import (
	"cmp"
	"slices"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// trace reads the results of a program, in the order of [plan.define], cropped to the batch's true sizes.
func (p *plan) trace(results []any) *lxmert.Trace {
	t := &lxmert.Trace{
		Values: map[string]lxmert.Tensor{}, Top: map[string]lxmert.TopK{}, Grads: map[string]lxmert.Tensor{},
		Batch: p.batch,
	}
	next := func() []float32 {
		data := results[0].([]float32)
		results = results[1:]
		return data
	}
	for _, r := range p.reads {
		bucket, to := p.sizes.dims(p.cfg, r.act, 1), p.sizes.dims(p.cfg, r.act, 0)
		if r.positions != nil {
			axis, count := positionAxis(r.act), r.count()
			bucket[axis], to[axis] = count[1], count[0]
		}
		x := lxmert.Tensor{Shape: to, Data: crop(next(), bucket, to)}
		if r.top > 0 {
			t.Top[r.key] = topK(x, r.top)
		} else {
			t.Values[r.key] = x
		}
	}
	if len(p.terms) > 0 {
		t.Score = next()[:p.terms[0].rows[0]]
	}
	for _, a := range p.grads {
		to := p.sizes.dims(p.cfg, a, 0)
		t.Grads[a.Name] = lxmert.Tensor{Shape: to, Data: crop(next(), p.sizes.dims(p.cfg, a, 1), to)}
	}
	return t
}

// topK keeps the k largest entries along the last axis, all of them where there are fewer. Of equal entries the one with
// the lower index comes first, as argmax has it; NaN comes last. It runs on the host: XLA's CPU top-k sorts the whole axis.
func topK(x lxmert.Tensor, k int) lxmert.TopK {
	last := len(x.Shape) - 1
	n := x.Shape[last]
	k = min(k, n)
	shape := append(slices.Clone(x.Shape[:last]), k)
	top := lxmert.TopK{Values: lxmert.NewTensor(shape...), Index: make([]int32, lxmert.Size(shape))}
	best := make([]int32, 0, k+1)
	for at := 0; at*n < len(x.Data); at++ {
		row := x.Data[at*n : (at+1)*n]
		best = best[:0]
		for i, v := range row {
			if len(best) == k && cmp.Compare(v, row[best[k-1]]) <= 0 {
				continue
			}
			to, _ := slices.BinarySearchFunc(best, v, func(j int32, v float32) int {
				// Equal entries seen before stay in front.
				if cmp.Compare(row[j], v) >= 0 {
					return -1
				}
				return 1
			})
			best = slices.Insert(best, to, int32(i))[:min(len(best)+1, k)]
		}
		for j, i := range best {
			top.Index[at*k+j] = i
			top.Values.Data[at*k+j] = row[i]
		}
	}
	return top
}
