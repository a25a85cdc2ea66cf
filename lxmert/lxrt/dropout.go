package lxrt

import (
	"hash/fnv"
	"math"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
)

// Dropout sets numbers of a network to zero while it trains and scales up the others, at the reference's places: the two
// embeddings, attention probabilities, and what each sublayer adds to its input.
//
// Which numbers is a pure function of the seed, the place in the network and the row of the batch: a hash, computed where
// it is needed. So a step can be done again, on any number of devices or in parts, and comes out the same; and no masks
// are kept in memory for the way back, since they are computed again.
type Dropout struct {
	Hidden, Attention float64 // the rates, 0 to below 1
	// Seed is uint32 [3]: two words that differ from step to step, and the first row's number, for a step that is done
	// in parts.
	Seed func() *Node
}

// drop applies dropout at the place called site to x, whose first axis is the rows of the batch, or these and the next axis
// in one.
func (n *Net) drop(site string, x *Node, rows int, rate func(*Dropout) float64) *Node {
	if n.dropout == nil || rate(n.dropout) == 0 {
		return x
	}
	p := rate(n.dropout)
	g := x.Graph()
	word := func(v uint32) *Node { return Const(g, v) }
	seed := n.dropout.Seed()
	part := func(i int) *Node { return Reshape(Slice(seed, AxisElem(i))) }
	h := fnv.New64a()
	h.Write([]byte(site))
	place := h.Sum64()

	// Each line of the last axis has a number, counted from the first row of the step, and from it a key of its own, which
	// takes in the whole seed; an entry's hash takes in the key and its place in the line. So most of the work is done once
	// per line.
	shape := x.Shape().Clone()
	shape.DType = dtypes.Uint32
	line := shape.Clone()
	line.Dimensions[line.Rank()-1] = 1
	index := Add(Iota(g, line, 0), Mul(part(2), word(uint32(line.Dimensions[0]/rows))))
	for axis := 1; axis < line.Rank()-1; axis++ {
		index = Add(Mul(index, word(uint32(line.Dimensions[axis]))), Iota(g, line, axis))
	}
	mix := func(v *Node, shift1 uint32, mul1 uint32, shift2 uint32, mul2 uint32, shift3 uint32) *Node {
		v = Mul(BitwiseXor(v, BitwiseShiftRightLogical(v, word(shift1))), word(mul1))
		v = Mul(BitwiseXor(v, BitwiseShiftRightLogical(v, word(shift2))), word(mul2))
		return BitwiseXor(v, BitwiseShiftRightLogical(v, word(shift3)))
	}
	key := Add(Mul(index, word(0x9e3779b1)), BitwiseXor(part(0), word(uint32(place))))
	key = mix(key, 16, 0x85ebca6b, 13, 0xc2b2ae35, 16)
	key = Add(key, BitwiseXor(part(1), word(uint32(place>>32))))
	key = mix(key, 15, 0x2c1b3c6d, 12, 0x297a2d39, 15)
	v := BitwiseXor(BroadcastToShape(key, shape), Mul(Iota(g, shape, shape.Rank()-1), word(0x9e3779b1)))
	v = mix(v, 16, 0x21f0aaad, 15, 0xd35a2d97, 15)

	keep := GreaterOrEqual(v, word(uint32(math.Round(p*(1<<32)))))
	return Where(keep, MulScalar(x, 1/(1-p)), ZerosLike(x))
}

func hiddenRate(d *Dropout) float64    { return d.Hidden }
func attentionRate(d *Dropout) float64 { return d.Attention }
