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
	steps := p.edits[name]
	for i := 0; i < len(steps); i++ {
		if steps[i].op != lxmert.Cut {
			x = steps[i].apply(b, x)
			continue
		}
		first, kept := i == 0, LogicalAnd(net.isKey(name, x), isPositive(steps[i].operand(b, x)))
		for ; i+1 < len(steps) && steps[i+1].op == lxmert.Cut; i++ {
			kept = LogicalAnd(kept, isPositive(steps[i+1].operand(b, x)))
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
func (e editStep) apply(b *program.Builder, x *Node) *Node {
	y, v := toFloat32(x), e.operand(b, x)
	switch {
	case e.op == lxmert.Multiply:
		y = Mul(y, v)
	case e.op == lxmert.Add:
		y = Add(y, v)
	case e.mask == "":
		y = v
	default:
		m := BroadcastToShape(b.Input(e.mask, dtypes.Float32, e.mDims...), v.Shape())
		y = Add(y, Mul(Sub(v, y), m))
	}
	return ConvertDType(y, x.DType())
}

// operand is an edit's value, float32, repeated to the shape of x.
func (e editStep) operand(b *program.Builder, x *Node) *Node {
	return BroadcastToDims(b.Input(e.value, dtypes.Float32, e.vDims...), x.Shape().Dimensions...)
}
