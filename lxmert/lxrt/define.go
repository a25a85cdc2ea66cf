package lxrt

import (
	"strings"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/internal/program"
)

// This file turns a plan into a graph.

// define builds the graph of the plan and returns what it gives: the reads, then score and gradients.
func (p *plan) define(b *program.Builder) []*Node {
	var net *Net
	net = NewNet(p.cfg, p.inputs(b.Input), b.Weight, NetOptions{
		PooledOnly: p.pooledOnly(),
		Edit:       func(name string, x *Node) *Node { return p.edited(b, net, name, x) },
	})
	var out []*Node
	for _, r := range p.reads {
		out = append(out, toFloat32(p.readNode(b, net, r)))
	}
	if len(p.terms) == 0 {
		return out
	}
	var score *Node
	for _, t := range p.terms {
		x := p.termNode(b, net, t)
		if score == nil {
			score = x
		} else {
			score = Add(score, x)
		}
	}
	out = append(out, score)
	if len(p.grads) > 0 {
		nodes := make([]*Node, len(p.grads))
		for i, a := range p.grads {
			nodes[i] = net.Node(a.Name)
		}
		for _, g := range Gradient(ReduceAllSum(score), nodes...) {
			out = append(out, toFloat32(g))
		}
	}
	return out
}

// inputs are the nodes of what [plan.feedBatch] feeds.
func (p *plan) inputs(make func(name string, dtype dtypes.DType, dims ...int) *Node) Inputs {
	s := p.sizes
	input := func(name string, dtype dtypes.DType, dims ...int) func() *Node {
		return func() *Node { return make(name, dtype, dims...) }
	}
	in := Inputs{
		IDs:        input("ids", dtypes.Int32, s.texts[1], s.words[1]),
		Segments:   input("segments", dtypes.Int32, s.texts[1], s.words[1]),
		TextMask:   input("text mask", dtypes.Float32, s.texts[1], s.words[1]),
		Feats:      input("feats", dtypes.Float32, s.images[1], s.regions[1], p.cfg.FeatDim),
		Boxes:      input("boxes", dtypes.Float32, s.images[1], s.regions[1], p.cfg.BoxDim),
		RegionMask: input("region mask", dtypes.Float32, s.images[1], s.regions[1]),
	}
	if p.anyMask {
		in.AnyRegion = input("any region", dtypes.Float32, s.images[1])
	}
	if p.paired {
		in.PairText = input("pair text", dtypes.Int32, s.rows[1])
		in.PairImage = input("pair image", dtypes.Int32, s.rows[1])
	}
	return in
}

// pooledOnly reports whether of the last language level only the pooled vector is needed.
func (p *plan) pooledOnly() bool {
	last := p.cfg.CrossLayers - 1
	if last < 0 || p.needsWords() {
		return false
	}
	for name := range p.demand {
		under := func(place string) bool { return strings.HasPrefix(name+".", place+".") }
		if under(place("hid.t", p.cfg.LangLayers+1+last)) || under(place("x", last, "tt")) || under(place("x", last, "t.self")) || under(place("x", last, "t.ffn")) {
			return false
		}
	}
	return true
}

// needsWords reports whether the masked-word head is asked for, in full or at positions.
func (p *plan) needsWords() bool {
	for _, r := range p.reads {
		if r.act.Name == "out.mlm" {
			return true
		}
	}
	for _, t := range p.terms {
		if t.output == "out.mlm" {
			return true
		}
	}
	return p.demand["out.mlm"]
}

func (p *plan) readNode(b *program.Builder, net *Net, r readStep) *Node {
	if r.positions == "" {
		return net.Node(r.act.Name)
	}
	rows := p.sizes.dims(p.cfg, r.act, 1)[0]
	positions := b.Input(r.positions, dtypes.Int32, rows, r.count[1])
	if isPositionHead(r.act.Name) && !p.demand[r.act.Name] {
		return net.HeadAt(r.act.Name, positions)
	}
	return takePositions(net.Node(r.act.Name), positions, positionAxis(r.act))
}

// termNode is one term's value in each row, [N].
func (p *plan) termNode(b *program.Builder, net *Net, t termStep) *Node {
	var x *Node
	switch {
	case t.position == "":
		x = net.Node(t.output)
	default:
		at := b.Input(t.position, dtypes.Int32, t.rows[1], 1)
		if p.demand[t.output] {
			x = takePositions(net.Node(t.output), at, 1)
		} else {
			x = net.HeadAt(t.output, at)
		}
		x = Squeeze(x, 1)
	}
	x = toFloat32(x)
	var class *Node
	if t.class == "" {
		class = ArgMax(x, -1, dtypes.Int32)
	} else {
		class = b.Input(t.class, dtypes.Int32, t.rows[1])
	}
	switch t.kind {
	case lxmert.LogProb:
		x = LogSoftmax(x, -1)
	case lxmert.Probability:
		x = Softmax(x, -1)
	}
	picked := ReduceSum(Mul(x, OneHot(class, x.Shape().Dimensions[1], dtypes.Float32)), -1)
	return Mul(picked, b.Input(t.weight, dtypes.Float32, t.rows[1]))
}
