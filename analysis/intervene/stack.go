package intervene

import (
	"slices"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// stack puts batches whose rows have a text and an image of their own under each other. Images with fewer regions than others
// are filled up with masked ones.
func stack(batches ...*lxmert.Batch) *lxmert.Batch {
	rows, v, words, images, masked := 0, 0, true, true, false
	for _, b := range batches {
		rows += b.Rows()
		v = max(v, b.V())
		words, images = words && b.Words != nil, images && b.Images != nil
	}
	first := batches[0]
	out := &lxmert.Batch{Feats: lxmert.NewTensor(rows, v, first.Feats.Shape[2]), Boxes: lxmert.NewTensor(rows, v, first.Boxes.Shape[2])}
	for _, b := range batches {
		for row, ids := range b.IDs {
			at := len(out.IDs)
			out.IDs = append(out.IDs, ids)
			segments, mask, there := make([]int32, len(ids)), make([]float32, len(ids)), make([]float32, v)
			for t := range ids {
				mask[t] = 1
			}
			for i := range b.V() {
				there[i] = 1
			}
			if b.Segments != nil {
				segments = b.Segments[row]
			}
			if b.TextMask != nil {
				mask = b.TextMask[row]
			}
			if b.RegionMask != nil {
				copy(there, b.RegionMask[row])
			}
			masked = masked || slices.ContainsFunc(there, func(m float32) bool { return m != 1 })
			out.Segments, out.TextMask, out.RegionMask = append(out.Segments, segments), append(out.TextMask, mask), append(out.RegionMask, there)
			copy(out.Feats.Row(at).Data, b.Feats.Row(row).Data)
			copy(out.Boxes.Row(at).Data, b.Boxes.Row(row).Data)
			if words {
				out.Words = append(out.Words, b.Words[row])
			}
			if images {
				out.Images = append(out.Images, b.Images[row])
			}
		}
	}
	if !masked {
		out.RegionMask = nil
	}
	return out
}

// merged are the edits of several runs as edits of their stacked batch. Each run has its own, with a row for each of its rows or
// one for all, and keeps their order; edits of one activation by one operation share a tensor as far as that order allows.
func merged(cfg lxmert.Config, b *lxmert.Batch, runs []*asked) ([]lxmert.Edit, error) {
	var out []lxmert.Edit
	group := b.Rows() / len(runs)
	for run, q := range runs {
		last := map[string]int{} // after the edit of an activation that this run's own is part of
		for _, e := range q.edits {
			k := last[e.Name]
			for k < len(out) && (out[k].Name != e.Name || out[k].Op != e.Op) {
				k++
			}
			found, err := cfg.Find(e.Name)
			if err != nil {
				return nil, err
			}
			if k == len(out) {
				out = append(out, blank(cfg, b, found[0], e.Op))
			}
			last[e.Name] = k + 1
			rows := group
			if cfg.Rows(e.Name) == lxmert.TaskRows {
				rows = 1
			}
			for row := range rows {
				place(out[k].Value, run*rows+row, e.Value, row)
				if e.Op != lxmert.Set {
					continue
				}
				mask := e.Mask
				if mask.IsZero() {
					mask = ones(append([]int{1}, found[0].Dims(cfg, q.b.T(), q.b.V())...)...)
				}
				place(out[k].Mask, run*rows+row, mask, row)
			}
		}
	}
	return out, nil
}

// blank is an edit of a stacked batch that changes nothing yet.
func blank(cfg lxmert.Config, b *lxmert.Batch, a lxmert.Activation, op lxmert.Op) lxmert.Edit {
	rows := b.Rows()
	if cfg.Rows(a.Name) == lxmert.TaskRows {
		rows /= 2
	}
	shape := append([]int{rows}, a.Dims(cfg, b.T(), b.V())...)
	switch op {
	case lxmert.Multiply, lxmert.Cut:
		return lxmert.Edit{Name: a.Name, Op: op, Value: ones(shape...)}
	case lxmert.Set:
		return lxmert.Edit{Name: a.Name, Op: op, Value: lxmert.NewTensor(shape...), Mask: lxmert.NewTensor(shape...)}
	}
	return lxmert.Edit{Name: a.Name, Op: op, Value: lxmert.NewTensor(shape...)}
}

func ones(shape ...int) lxmert.Tensor {
	t := lxmert.NewTensor(shape...)
	for i := range t.Data {
		t.Data[i] = 1
	}
	return t
}

// place writes a row of a tensor into a row of a larger one. Axes that are 1 long are repeated; what is beyond the smaller one
// stays as it is.
func place(to lxmert.Tensor, row int, from lxmert.Tensor, at int) {
	if from.Shape[0] == 1 {
		at = 0
	}
	target, source := to.Row(row), from.Row(at)
	index := make([]int, len(target.Shape))
	for i := range target.Data {
		for axis, rest := len(index)-1, i; axis >= 0; axis-- {
			index[axis] = rest % target.Shape[axis]
			rest /= target.Shape[axis]
		}
		k, inside := 0, true
		for axis, n := range source.Shape {
			j := index[axis]
			if n == 1 {
				j = 0
			}
			inside = inside && j < n
			k = k*n + j
		}
		if inside {
			target.Data[i] = source.Data[k]
		}
	}
}
