//go:build gotch

package torch

import (
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// edited applies the edits of an activation in order. Cuts that follow each other are one; those that come first are made of
// the map's scores instead of the map.
func (n *net) edited(name string, x tensor) tensor {
	edits := n.plan.Edits[name]
	operand := func(t lxmert.Tensor) tensor { return n.floats(t.Data, t.Shape...) }
	for i := 0; i < len(edits); i++ {
		e := edits[i]
		switch {
		case e.Op == lxmert.Multiply:
			x = n.mul(x, operand(e.Value))
		case e.Op == lxmert.Add:
			x = n.add(x, operand(e.Value))
		case e.Op == lxmert.Set && e.Mask.IsZero():
			x = n.expand(operand(e.Value), shapeOf(x)...)
		case e.Op == lxmert.Set:
			x = n.add(x, n.mul(n.sub(operand(e.Value), x), operand(e.Mask)))
		default:
			first, kept := i == 0, n.and(n.above(n.masks[name].added, lxrt.Masked), n.above(operand(e.Value), 0))
			for ; i+1 < len(edits) && edits[i+1].Op == lxmert.Cut; i++ {
				kept = n.and(kept, n.above(operand(edits[i+1].Value), 0))
			}
			if d := shapeOf(x); d[len(d)-1] == 0 {
				continue // there are no keys
			}
			if first {
				x = n.softmaxOf(n.node(name+".score"), kept)
			} else {
				x = n.renormalized(x, kept)
			}
		}
	}
	return x
}

// softmaxOf is the softmax of scores over the keys that are kept, exact however little weight the others would leave them.
func (n *net) softmaxOf(scores, kept tensor) tensor {
	zeros := n.filled(scores, 0)
	most := n.most(n.where(kept, scores, n.filled(scores, lxrt.Absent)))
	most = n.detach(n.atLeast(most, lxrt.Absent)) // an edit may have made every score minus infinity
	// Nothing is computed of the scores that are cut: an exponential that overflows has NaN for a gradient, even where it is
	// not read.
	weights := n.where(kept, n.exp(n.where(kept, n.sub(scores, most), zeros)), zeros)
	sum := n.sumLast(weights)
	return n.div(weights, n.where(n.above(sum, 0), sum, n.filled(sum, 1)))
}

// renormalized divides each row of weights by the sum of those that are kept. They may be any numbers, since edits made them; a
// row that sums to 0 keeps nothing.
func (n *net) renormalized(weights, kept tensor) tensor {
	zeros := n.filled(weights, 0)
	x := n.where(kept, weights, zeros)
	// Rows are scaled to 1 at first, since the way back divides by the square of the sum, which might be too small for float32.
	const minScale = 1e-30
	most := n.detach(n.most(n.abs(x)))
	x = n.div(x, n.atLeast(most, minScale))
	sum := n.sumLast(x)
	some := n.and(n.above(most, minScale), n.above(n.abs(sum), 0))
	return n.where(some, n.div(x, n.where(some, sum, n.filled(sum, 1))), zeros)
}
