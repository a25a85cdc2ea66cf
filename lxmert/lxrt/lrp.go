package lxrt

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// This file is the way back of AttnLRP, see [lxmert.AttnLRP]. It changes gradients and no value, and where it is not asked
// for it adds nothing to the graph. Linear layers, sums, softmax and scaling need no rule: there value times gradient is what
// their rules give, for softmax that by Taylor expansion at its input.

// held is a constant on the way back: LayerNorm's standard deviation, or the ratio of an activation function to its argument.
func (n *Net) held(x *Node) *Node {
	if n.attnLRP {
		return StopGradient(x)
	}
	return x
}

// halved is a product of two activations, of which each factor gets half on the way back.
func (n *Net) halved(product *Node) *Node {
	if n.attnLRP {
		half := MulScalar(product, 0.5)
		return Add(half, StopGradient(half))
	}
	return product
}

// tanh passes relevance on unchanged: its ratio to its argument, 1 at 0, is held.
func (n *Net) tanh(x *Node) *Node {
	y := Tanh(x)
	if !n.attnLRP {
		return y
	}
	isZero := Equal(x, ZerosLike(x))
	ratio := Where(isZero, OnesLike(x), Div(y, Where(isZero, OnesLike(x), x)))
	// The value stays that of tanh, to the last bit.
	passed := Mul(x, StopGradient(ratio))
	return Add(passed, StopGradient(Sub(y, passed)))
}
