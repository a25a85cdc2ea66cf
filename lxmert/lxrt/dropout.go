package lxrt

import (
	"hash/fnv"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert/internal/splitmix"
)

// Dropout sets numbers of a network to zero while it trains and scales up the others, at the reference's places: the two
// embeddings, attention probabilities, and what each sublayer adds to its input.
//
// Which numbers is a pure function of the seed, the place in the network and the row of the batch: a hash, computed where
// it is needed. So a step can be done again, on any number of devices or in parts, and comes out the same; and no masks
// are kept in memory for the way back, since they are computed again. What the hash takes from seed, place and row comes
// as an input of the graph, not as constants in it: so XLA sees that layers are alike and compiles what they share once.
type Dropout struct {
	Hidden, Attention float64 // the rates, 0 to below 1
	Adapter           float64 // the rate of what low-rank adapters read
	// Keys is the input with the [DropoutKeys] of a place, uint32 [rows,2].
	Keys func(place string, rows int) *Node
}

// DropoutKeys are the keys of rows at a place of the network, two words for each, from the row with number first on. The
// seed should differ from step to step.
func DropoutKeys(seed uint64, place string, first, rows int) []uint32 {
	key := splitmix.Mix(seed ^ placeHash(place))
	keys := make([]uint32, 0, 2*rows)
	for row := range rows {
		k := splitmix.Mix(key + uint64(first+row))
		keys = append(keys, uint32(k), uint32(k>>32))
	}
	return keys
}

// DropoutKeyNodes are the [DropoutKeys] of several places, made in a graph: uint32 [rows,2] for each. seed and first are scalars,
// uint64. Each place is reckoned by itself: XLA joins what is alike into few kernels for a GPU, where taking each from one array of all
// would be a kernel of its own.
func DropoutKeyNodes(seed, first *Node, places []string, rows int) []*Node {
	g := seed.Graph()
	number := func(v uint64) *Node { return Const(g, v) }
	shift := func(v *Node, bits uint64) *Node { return BitwiseXor(v, BitwiseShiftRightLogical(v, number(bits))) }
	mix := func(v *Node) *Node { // splitmix.Mix
		v = Add(v, number(splitmix.Gamma))
		v = Mul(shift(v, 30), number(splitmix.First))
		v = Mul(shift(v, 27), number(splitmix.Second))
		return shift(v, 31)
	}
	shape := shapes.Make(dtypes.Uint64, rows, 2)
	row := Add(Iota(g, shape, 0), first)
	from := Mul(Iota(g, shape, 1), number(32)) // the bit that a word begins with
	nodes := make([]*Node, len(places))
	for i, place := range places {
		key := mix(BitwiseXor(seed, number(placeHash(place))))
		k := BitwiseShiftRightLogical(mix(Add(row, key)), from)
		nodes[i] = ConvertDType(BitwiseAnd(k, number(math.MaxUint32)), dtypes.Uint32)
	}
	return nodes
}

func placeHash(place string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(place))
	return h.Sum64()
}

// drop applies dropout at a place to x, whose first axis is the rows of the batch, or these and the next axis in one.
func (n *Net) drop(place string, x *Node, rows int, rate func(*Dropout) float64) *Node {
	if n.dropout == nil || rate(n.dropout) == 0 {
		return x
	}
	p := rate(n.dropout)
	g := x.Graph()
	word := func(v uint32) *Node { return Const(g, v) }
	keys := n.dropout.Keys(place, rows)

	// A number's place in its row goes through a hash of two multiplications, between which the row's second key comes in.
	dims := x.Shape().Dimensions
	last := dims[len(dims)-1]
	shape := shapes.Make(dtypes.Uint32, rows, x.Shape().Size()/rows/last, last)
	key := func(i int) *Node {
		return BroadcastToShape(ExpandAxes(Slice(keys, AxisRange(), AxisElem(i)), -1), shape)
	}
	shift := func(v *Node, bits uint32) *Node { return BitwiseXor(v, BitwiseShiftRightLogical(v, word(bits))) }
	v := Add(Mul(Iota(g, shape, 1), word(uint32(last))), Iota(g, shape, 2))
	v = Add(Mul(v, word(0x9e3779b1)), key(0))
	v = Mul(shift(v, 16), word(0x21f0aaad))
	v = Mul(shift(BitwiseXor(v, key(1)), 15), word(0xd35a2d97))
	v = shift(v, 15)

	keep := GreaterOrEqual(v, word(uint32(math.Round(p*(1<<32)))))
	y := Reshape(x, shape.Dimensions...)
	return Reshape(Where(keep, MulScalar(y, 1/(1-p)), ZerosLike(y)), dims...)
}

func hiddenRate(d *Dropout) float64    { return d.Hidden }
func attentionRate(d *Dropout) float64 { return d.Attention }
func adapterRate(d *Dropout) float64   { return d.Adapter }
