package lxrt

import (
	"fmt"
	"strings"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// Inputs are the nodes that LXRT reads, each asked for when something first needs it. Masks are additive: 0 for a key
// that is there, -10000 for one that is masked out, and [Absent] for padding that only exists to fill a bucket.
type Inputs struct {
	IDs, Segments func() *Node // int32 [Nt,T]
	TextMask      func() *Node // float32 [Nt,T], additive
	Feats, Boxes  func() *Node // float32 [Ni,V,F], [Ni,V,4]
	RegionMask    func() *Node // float32 [Ni,V], additive
	// AnyRegion is 1 for an image with a region and 0 for one without, float32 [Ni]. Nil: do as the reference does and
	// attend to masked regions where there are no others.
	AnyRegion func() *Node
	// PairText and PairImage are the text and the image of each row, int32 [N]. Nil: text b meets image b.
	PairText, PairImage func() *Node
}

// Net is LXRT as a graph under construction. Every activation has its stable name ([lxmert.Config.Names]) and is built
// when it is first asked for, with all that it needs and nothing else: the graph of {out.qa} has no parameter of the
// last cross layer's visual half.
//
// Like all code that builds graphs, its methods panic on misuse; [Model] turns that into errors.
type Net struct {
	cfg lxmert.Config
	in  Inputs
	// param returns a parameter by its state-dict name, in the type that layers compute in. Weights of linear layers are
	// [in,out], the transpose of files.
	param    func(name string) *Node
	table    func(name string) *Node // an embedding table, in the type that it is kept in
	bfloat16 bool                    // layers compute in it, whatever type parameters are kept in
	// edit changes a named activation before anything reads it. Nil: nothing is changed.
	edit    func(name string, x *Node) *Node
	dropout *Dropout // nil: none
	remat   bool     // keep only the levels for the way back
	attnLRP bool     // the way back is that of relevance, see lrp.go
	lora    *LoRA    // nil: none
	// only [CLS] is wanted of the last language level, so the last layer computes one word instead of T.
	clsOnly bool

	maps     map[string]MapPlace
	build    map[string]func() *Node
	nodes    map[string]*Node
	pairs    map[string]*Node   // levels of the towers, with a row for each pair
	keyMasks map[string]keyMask // of each map
}

// NetOptions are the variations of a [Net]. The zero value is the plain model.
type NetOptions struct {
	// Edit changes a named activation before anything reads it.
	Edit func(name string, x *Node) *Node
	// PooledOnly promises that of the last language level nobody asks for more than out.pooled and what follows from it.
	// Activations of the last cross layer's language half from its self-attention on then have one word, [CLS].
	PooledOnly bool
	// BFloat16 makes layers compute in bfloat16 with parameters that are float32. Rows of embedding tables are converted
	// after they were looked up, so that gradients of the same row are summed in float32.
	BFloat16 bool
	// Half gives the bfloat16 copies of parameters that have one, nil of others, which are converted. Nil: none has.
	Half func(name string) *Node
	// Dropout is for training. Maps and all other named activations stay as they are before it.
	Dropout *Dropout
	// Rematerialize makes gradients keep hid.* only and compute the rest again on the way back: about a third more
	// arithmetic for a fraction of the memory.
	Rematerialize bool
	// AttnLRP makes gradients those of [lxmert.AttnLRP].
	AttnLRP bool
	// LoRA adds low-rank adapters to linear layers.
	LoRA *LoRA
}

// NewNet defines the model over the given inputs and parameters.
func NewNet(cfg lxmert.Config, in Inputs, param func(name string) *Node, opt NetOptions) *Net {
	n := &Net{
		cfg: cfg, in: in, param: param, table: param, bfloat16: opt.BFloat16, edit: opt.Edit, clsOnly: opt.PooledOnly,
		dropout: opt.Dropout, remat: opt.Rematerialize, attnLRP: opt.AttnLRP, lora: opt.LoRA,
		maps: map[string]MapPlace{}, build: map[string]func() *Node{}, nodes: map[string]*Node{},
		pairs: map[string]*Node{}, keyMasks: map[string]keyMask{},
	}
	for _, m := range MapPlaces(cfg) {
		n.maps[m.Name] = m
	}
	if opt.BFloat16 {
		half := map[string]*Node{}
		n.param = func(name string) *Node {
			if half[name] == nil && opt.Half != nil {
				half[name] = opt.Half(name)
			}
			if half[name] == nil {
				half[name] = n.toLayers(param(name))
			}
			return half[name]
		}
	}
	n.inputs()
	n.towers()
	n.crossLayers()
	n.heads()
	return n
}

// Node returns a named activation, building it if need be.
func (n *Net) Node(name string) *Node {
	if x, ok := n.nodes[name]; ok {
		return x
	}
	build, ok := n.build[name]
	if !ok {
		panic(fmt.Errorf("lxrt: the model has no activation %q", name))
	}
	x := build()
	if n.edit != nil {
		x = n.edit(name, x)
	}
	if n.remat {
		switch {
		case strings.HasPrefix(name, "hid."):
			x = x.Checkpoint()
		case name == "out.pooled":
			x = x.StopCheckpoint()
		}
	}
	n.nodes[name] = x
	return x
}

// Param returns a parameter by its name, in the type that layers compute in. A matrix is [in,out], the transpose of files.
func (n *Net) Param(name string) *Node { return n.param(name) }

// toLayers converts what is kept in another type to the one that layers compute in.
func (n *Net) toLayers(x *Node) *Node {
	if n.bfloat16 {
		return ConvertDType(x, dtypes.BFloat16)
	}
	return x
}

// define says how to build an activation.
func (n *Net) define(name string, build func() *Node) { n.build[name] = build }

// dense is a linear layer: x [..., in] -> [..., out]. The first axis of x is the rows of the batch.
func (n *Net) dense(name string, x *Node) *Node { return n.denseOf(name, x, x.Shape().Dimensions[0]) }

// denseOf is dense where the first axis of x is the rows of the batch and the next axis in one.
func (n *Net) denseOf(name string, x *Node, rows int) *Node {
	w := n.param(name + ".weight")
	b := n.param(name + ".bias")
	in, out := w.Shape().Dimensions[0], w.Shape().Dimensions[1]
	dims := x.Shape().Clone().Dimensions
	flat := Reshape(ConvertDType(x, w.DType()), x.Shape().Size()/in, in)
	y := Add(multiply(flat, []int{1}, w, []int{0}, nil), ExpandAxes(b, 0))
	if n.lora.adapts(name) {
		y = Add(y, n.lowRank(name, flat, rows))
	}
	dims[len(dims)-1] = out
	return Reshape(y, dims...)
}

// multiply is a product of two arrays of one type, summed over an axis of each, for each entry of the batch axes, which come
// first in both: [batch..., rest of x, rest of y]. Sums are made in float32 on every backend. Naming the operands' own type
// as the accumulator's is for the way back: GoMLX computes that in the accumulator's type, for which it would else take
// float32, and a GPU multiplies float32 at a fraction of the speed of bfloat16.
func multiply(x *Node, xSum []int, y *Node, ySum, batch []int) *Node {
	return Dot(x, y).WithAccumulatorDType(x.DType()).General(xSum, batch, ySum, batch)
}

// layerNorm normalises the last axis: (x - mean) / sqrt(var + 1e-12) * weight + bias, with the biased variance, in
// float32 whatever the model's type.
func (n *Net) layerNorm(name string, x *Node) *Node {
	w := n.param(name + ".weight")
	b := n.param(name + ".bias")
	y := toFloat32(x)
	y = Sub(y, ReduceAndKeep(y, ReduceMean, -1))
	variance := ReduceAndKeep(Square(y), ReduceMean, -1)
	y = Div(y, n.held(Sqrt(AddScalar(variance, 1e-12))))
	y = Add(Mul(y, ExpandLeftToRank(toFloat32(w), y.Rank())), ExpandLeftToRank(toFloat32(b), y.Rank()))
	return ConvertDType(y, x.DType())
}

// gelu is the exact form, 0.5 x (1 + erf(x/sqrt(2))).
func (n *Net) gelu(x *Node) *Node {
	const invSqrt2 = 0.70710678118654752440
	return MulScalar(Mul(x, n.held(OnePlus(Erf(MulScalar(x, invSqrt2))))), 0.5)
}

// activation is the configured one, that of the layers and of the transforms before the word and the object heads.
func (n *Net) activation(x *Node) *Node {
	switch n.cfg.Activation {
	case "relu":
		return MaxScalar(x, 0)
	case "swish":
		return Mul(x, n.held(Sigmoid(x)))
	default:
		return n.gelu(x)
	}
}

func toFloat32(x *Node) *Node { return ConvertDType(x, dtypes.Float32) }
