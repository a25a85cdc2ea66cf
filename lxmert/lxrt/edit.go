package lxrt

import (
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/internal/program"
)

// This file changes named activations in a graph as a plan's edits say.

// edited applies the edits of an activation in order. Cuts that follow each other are one; those that come first are made of
// the map's scores instead of the map.
func (p *plan) edited(b *program.Builder, net *Net, name string, x *Node) *Node {
	edits := p.edits[name]
	// operand is an edit's value or mask, float32, repeated to the shape of x.
	operand := func(number int, mask bool) *Node {
		o := &edits[number].value
		if mask {
			o = edits[number].mask
		}
		in := b.Input(editInput{name, number, mask}, dtypes.Float32, o.padded...)
		return BroadcastToDims(in, x.Shape().Dimensions...)
	}
	isKept := func(number int) *Node { return isPositive(operand(number, false)) }
	for i := 0; i < len(edits); i++ {
		if edits[i].op != lxmert.Cut {
			x = edits[i].apply(x, func(mask bool) *Node { return operand(i, mask) })
			continue
		}
		first, kept := i == 0, LogicalAnd(net.isKey(name, x), isKept(i))
		for ; i+1 < len(edits) && edits[i+1].op == lxmert.Cut; i++ {
			kept = LogicalAnd(kept, isKept(i+1))
		}
		if first {
			x = softmaxOf(net.Node(name+".score"), kept)
		} else {
			x = renormalized(x, kept)
		}
	}
	return x
}

// apply does what an edit does to each number for itself, in float32.
func (e edit) apply(x *Node, operand func(mask bool) *Node) *Node {
	y, v := toFloat32(x), operand(false)
	switch {
	case e.op == lxmert.Multiply:
		y = Mul(y, v)
	case e.op == lxmert.Add:
		y = Add(y, v)
	case e.mask == nil:
		y = v
	default:
		mask := operand(true)
		y = Add(y, Mul(Sub(v, y), mask))
	}
	return ConvertDType(y, x.DType())
}
