package lxrt

import (
	"math"
	"strconv"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// This file is the encoder, in the order of LXMERT, section 3: input embeddings, the two single-modality towers, and
// the cross-modality layers.

// inputs defines the two embeddings.
//
//	ids, segments [Nt,T]            -> hid.t.0 [Nt,T,D]
//	feats [Ni,V,F], boxes [Ni,V,4]  -> hid.i.0 [Ni,V,D]
func (n *Net) inputs() {
	const text, vision = "bert.embeddings", "bert.encoder.visn_fc"

	n.define("in.word", func() *Node { return n.lookUp(n.table(text+".word_embeddings.weight"), n.in.IDs()) })
	n.define("in.position", func() *Node {
		segments := n.lookUp(n.table(text+".token_type_embeddings.weight"), n.in.Segments())
		t := segments.Shape().Dimensions[1]
		positions := Slice(n.table(text+".position_embeddings.weight"), AxisRangeFromStart(t))
		// As in lookUp, row 0 of the table takes part and learns nothing.
		first := StopGradient(Slice(positions, AxisRangeFromStart(1)))
		if t > 1 {
			positions = Concatenate([]*Node{first, Slice(positions, AxisRangeToEnd(1))}, 0)
		} else {
			positions = first
		}
		return Add(n.toLayers(BroadcastToDims(ExpandAxes(positions, 0), segments.Shape().Dimensions...)), segments)
	})
	n.define("hid.t.0", func() *Node {
		x := Add(n.Node("in.word"), n.Node("in.position"))
		return n.drop("hid.t.0", n.layerNorm(text+".LayerNorm", x), x.Shape().Dimensions[0], hiddenRate)
	})

	n.define("in.feat", n.in.Feats)
	n.define("in.box", n.in.Boxes)
	n.define("hid.i.0", func() *Node {
		feats := n.layerNorm(vision+".visn_layer_norm", n.dense(vision+".visn_fc", n.Node("in.feat")))
		boxes := n.layerNorm(vision+".box_layer_norm", n.dense(vision+".box_fc", n.Node("in.box")))
		return n.drop("hid.i.0", MulScalar(Add(feats, boxes), 0.5), feats.Shape().Dimensions[0], hiddenRate)
	})
}

// lookUp reads rows of an embedding table: ids [Nt,T] -> [Nt,T,D]. Row 0 gets no gradient, since the reference builds
// its tables with padding_idx = 0.
func (n *Net) lookUp(table, ids *Node) *Node {
	rows := Gather(table, ExpandAxes(ids, -1))
	isZero := BroadcastToShape(ExpandAxes(Equal(ids, ZerosLike(ids)), -1), boolLike(rows))
	return n.toLayers(Where(isZero, StopGradient(rows), rows))
}

// towers defines the language and the object-relationship layers, which have the same parts: self-attention, then
// feed-forward, each with residual and LayerNorm.
func (n *Net) towers() {
	words, regions := keyMask{n.in.TextMask, nil}, keyMask{n.in.RegionMask, n.in.AnyRegion}
	for k := range n.cfg.LangLayers {
		params := "bert.encoder.layer." + strconv.Itoa(k)
		n.attention(place("l", k, "tt"), words)
		n.feedForward(params+".intermediate", params+".output", place("l", k), place("l", k, "att"), place("hid.t", k+1))
	}
	for k := range n.cfg.RegionLayers {
		params := "bert.encoder.r_layers." + strconv.Itoa(k)
		n.attention(place("r", k, "ii"), regions)
		n.feedForward(params+".intermediate", params+".output", place("r", k), place("r", k, "att"), place("hid.i", k+1))
	}
}

// crossLayers defines the cross-modality layers. Both directions of the cross-attention read the layer's inputs and
// share one block of parameters; then each stream attends to itself and passes its own feed-forward block.
//
//	lang [N,T,D], vision [N,V,D] -> the same shapes
func (n *Net) crossLayers() {
	words := keyMask{each: memo(func() *Node { return n.pairText(n.in.TextMask()) })}
	regions := keyMask{each: memo(func() *Node { return n.pairImage(n.in.RegionMask()) })}
	if n.in.AnyRegion != nil {
		regions.some = memo(func() *Node { return n.pairImage(n.in.AnyRegion()) })
	}
	for k := range n.cfg.CrossLayers {
		params, x := "bert.encoder.x_layers."+strconv.Itoa(k), place("x", k)
		n.attention(x+".ti", regions)
		n.attention(x+".it", words)

		n.attention(x+".tt", words)
		n.feedForward(params+".lang_inter", params+".lang_output", x+".t", x+".t.self", place("hid.t", n.cfg.LangLayers+1+k))

		n.attention(x+".ii", regions)
		n.feedForward(params+".visn_inter", params+".visn_output", x+".i", x+".i.self", place("hid.i", n.cfg.RegionLayers+1+k))
	}
}

// lastWords and lastRegions are the levels that the heads read, [N,T,D] and [N,V,D].
func (n *Net) lastWords() *Node {
	return n.paired(place("hid.t", n.cfg.LangLayers+n.cfg.CrossLayers))
}

func (n *Net) lastRegions() *Node {
	return n.paired(place("hid.i", n.cfg.RegionLayers+n.cfg.CrossLayers))
}

// keyMask says which keys a map finds.
type keyMask struct {
	each func() *Node // additive [N,K]
	some func() *Node // [N], 0 for a row whose map is 0: it attends to nothing. Nil: there is no such row
}

// attention defines the map of a name, what it is made of and gives, all per head, and what its queries become:
//
//	query [N,Q,D], keys [N,K,D] -> q [N,H,Q,d], k, v [N,H,K,d], score, map [N,H,Q,K], ctx [N,H,Q,d], out [N,Q,D]
//
// Whose parameters these are, what attends and what is attended to stands in maps.go.
func (n *Net) attention(name string, mask keyMask) {
	m := n.maps[name]
	n.keyMasks[name] = mask
	perHead := []int{0, 1} // axes N and H
	query, keys := n.reader(name, m.Query), n.reader(name, m.Keys)
	if n.clsOnly && name == place("x", n.cfg.CrossLayers-1, "tt") {
		query = memo(func() *Node { return Slice(n.Node(m.Query), AxisRange(), AxisRangeFromStart(1)) })
	}
	project := func(what string, x *Node) *Node { return n.splitHeads(n.dense(m.Params+"."+m.Inner+"."+what, x)) }

	n.define(name+".q", func() *Node { return project("query", query()) })
	n.define(name+".k", func() *Node { return project("key", keys()) })
	n.define(name+".v", func() *Node { return project("value", keys()) })
	n.define(name+".score", func() *Node {
		scores := toFloat32(n.halved(multiply(n.Node(name+".q"), []int{3}, n.Node(name+".k"), []int{3}, perHead)))
		scores = MulScalar(scores, 1/math.Sqrt(float64(n.cfg.HeadDim())))
		return Add(scores, InsertAxes(mask.each(), 1, 1))
	})
	n.define(name, func() *Node {
		probs := Softmax(n.Node(name+".score"), -1)
		if mask.some != nil {
			probs = Mul(probs, InsertAxes(mask.some(), -1, -1, -1))
		}
		return probs
	})
	n.define(name+".ctx", func() *Node {
		v := n.Node(name + ".v")
		probs := n.drop(name, n.Node(name), v.Shape().Dimensions[0], attentionRate)
		return n.halved(multiply(ConvertDType(probs, v.DType()), []int{3}, v, []int{2}, perHead))
	})
	n.define(name+".out", func() *Node { return n.dense(m.Params+".output.dense", mergeHeads(n.Node(name+".ctx"))) })
	n.define(m.Out, func() *Node { return n.added(m.Params+".output", name+".out", n.Node(name+".out"), query()) })
}

// feedForward defines a level LN(W2 act(W1 x) + x) and what it adds up:
//
//	x [N,Q,D] -> ffn = act(W1 x) [N,Q,I], ffn.out = W2 ffn [N,Q,D], out [N,Q,D]
func (n *Net) feedForward(inner, outer, block, in, out string) {
	n.define(block+".ffn", func() *Node {
		x := n.Node(in)
		d := x.Shape().Dimensions
		return Reshape(n.activation(n.denseOf(inner+".dense", flat(x), d[0])), d[0], d[1], n.cfg.Intermediate)
	})
	n.define(block+".ffn.out", func() *Node { return n.dense(outer+".dense", n.Node(block+".ffn")) })
	n.define(out, func() *Node {
		x := n.Node(in)
		return n.added(outer, out, n.Node(block+".ffn.out"), x)
	})
}

// added is LN(y + x) with dropout of y, for y and x [N,Q,D], of which y may be flat.
func (n *Net) added(params, site string, y, x *Node) *Node {
	y = n.drop(site, flat(y), x.Shape().Dimensions[0], hiddenRate)
	return Reshape(n.layerNorm(params+".LayerNorm", Add(y, flat(x))), x.Shape().Dimensions...)
}

// flat makes one axis of all but the last. XLA:CPU sums a bias's gradient over one long axis several times faster than over
// two short ones.
func flat(x *Node) *Node {
	d := x.Shape().Dimensions
	last := d[len(d)-1]
	return Reshape(x, x.Shape().Size()/last, last)
}

// splitHeads: [N,Q,D] -> [N,H,Q,d].
func (n *Net) splitHeads(x *Node) *Node {
	d := x.Shape().Dimensions
	return TransposeAllAxes(Reshape(x, d[0], d[1], n.cfg.Heads, n.cfg.HeadDim()), 0, 2, 1, 3)
}

// mergeHeads: [N,H,Q,d] -> [N,Q,D].
func mergeHeads(x *Node) *Node {
	d := x.Shape().Dimensions
	return Reshape(TransposeAllAxes(x, 0, 2, 1, 3), d[0], d[2], d[1]*d[3])
}

// pairText repeats what belongs to texts for the rows in which they take part.
func (n *Net) pairText(x *Node) *Node { return takeRows(x, n.in.PairText) }

// pairImage repeats what belongs to images for the rows in which they take part.
func (n *Net) pairImage(x *Node) *Node { return takeRows(x, n.in.PairImage) }

func takeRows(x *Node, rows func() *Node) *Node {
	if rows == nil {
		return x
	}
	return Gather(x, ExpandAxes(rows(), -1))
}

// reader gives an activation to the map of a name.
func (n *Net) reader(name, activation string) func() *Node {
	if n.cfg.Rows(name) == n.cfg.Rows(activation) {
		return func() *Node { return n.Node(activation) }
	}
	return func() *Node { return n.paired(activation) }
}

// paired is a level with a row for each pair, once for all who read it: those of the towers have one for each text or image.
func (n *Net) paired(level string) *Node {
	x, ok := n.pairs[level]
	if !ok {
		x = n.Node(level)
		switch n.cfg.Rows(level) {
		case lxmert.TextRows:
			x = n.pairText(x)
		case lxmert.ImageRows:
			x = n.pairImage(x)
		}
		n.pairs[level] = x
	}
	return x
}

// place writes a name: its parts joined with dots.
func place(first string, k int, rest ...string) string {
	name := first + "." + strconv.Itoa(k)
	for _, r := range rest {
		name += "." + r
	}
	return name
}

// memo calls f once.
func memo(f func() *Node) func() *Node {
	var done bool
	var x *Node
	return func() *Node {
		if !done {
			x, done = f(), true
		}
		return x
	}
}
