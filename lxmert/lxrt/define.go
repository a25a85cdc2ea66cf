package lxrt

import (
	"strings"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/internal/program"
)

// define builds the graph of the plan and returns what it gives: the reads, then score and gradients.
func (p *plan) define(b *program.Builder) []*Node {
	var net *Net
	net = NewNet(p.cfg, p.inputs(b.Input), b.Weight, NetOptions{
		PooledOnly: p.pooledOnly(),
		AttnLRP:    p.rule == lxmert.AttnLRP,
		Edit:       func(name string, x *Node) *Node { return p.edited(b, net, name, x) },
	})
	var out []*Node
	for i := range p.reads {
		out = append(out, toFloat32(p.readNode(b, net, i)))
	}
	if len(p.terms) == 0 {
		return out
	}
	var score *Node
	for i := range p.terms {
		x := p.termNode(b, net, i)
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

// inputs are the nodes of what the batch gives.
func (p *plan) inputs(node func(in program.Input, dtype dtypes.DType, dims ...int) *Node) Inputs {
	s := p.sizes
	input := func(in batchInput, dtype dtypes.DType, dims ...int) func() *Node {
		return func() *Node { return node(in, dtype, dims...) }
	}
	in := Inputs{
		IDs:        input(idsInput, dtypes.Int32, s.texts[1], s.words[1]),
		Segments:   input(segmentsInput, dtypes.Int32, s.texts[1], s.words[1]),
		TextMask:   input(textMaskInput, dtypes.Float32, s.texts[1], s.words[1]),
		Feats:      input(featsInput, dtypes.Float32, s.images[1], s.regions[1], p.cfg.FeatDim),
		Boxes:      input(boxesInput, dtypes.Float32, s.images[1], s.regions[1], p.cfg.BoxDim),
		RegionMask: input(regionMaskInput, dtypes.Float32, s.images[1], s.regions[1]),
	}
	if p.anyRegion {
		in.AnyRegion = input(anyRegionInput, dtypes.Float32, s.images[1])
	}
	if p.paired {
		in.PairText = input(pairTextInput, dtypes.Int32, s.rows[1])
		in.PairImage = input(pairImageInput, dtypes.Int32, s.rows[1])
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
		if t.Output == "out.mlm" {
			return true
		}
	}
	return p.demand["out.mlm"]
}

// readNode is what the read with a number returns.
func (p *plan) readNode(b *program.Builder, net *Net, number int) *Node {
	r := p.reads[number]
	if r.positions == nil {
		return net.Node(r.act.Name)
	}
	rows := p.sizes.dims(p.cfg, r.act, 1)[0]
	positions := b.Input(positionsInput{number}, dtypes.Int32, rows, r.count()[1])
	if p.atPositions(r.act.Name) {
		return net.HeadAt(r.act.Name, positions)
	}
	return takePositions(net.Node(r.act.Name), positions, positionAxis(r.act))
}

// termNode is the value of the term with a number in each row, [N].
func (p *plan) termNode(b *program.Builder, net *Net, number int) *Node {
	t := p.terms[number]
	input := func(array termArray, dtype dtypes.DType, dims ...int) *Node {
		return b.Input(termInput{number, array}, dtype, dims...)
	}
	var x *Node
	switch {
	case !t.hasPosition():
		x = net.Node(t.Output)
	default:
		at := input(positionArray, dtypes.Int32, t.rows[1], 1)
		if p.atPositions(t.Output) {
			x = net.HeadAt(t.Output, at)
		} else {
			x = takePositions(net.Node(t.Output), at, 1)
		}
		x = Squeeze(x, 1)
	}
	x = toFloat32(x)
	var class *Node
	if t.Class == nil {
		class = ArgMax(x, -1, dtypes.Int32)
	} else {
		class = input(classArray, dtypes.Int32, t.rows[1])
	}
	switch t.Kind {
	case lxmert.LogProb:
		x = LogSoftmax(x, -1)
	case lxmert.Probability:
		x = Softmax(x, -1)
	}
	picked := ReduceSum(Mul(x, OneHot(class, x.Shape().Dimensions[1], dtypes.Float32)), -1)
	return Mul(picked, input(weightArray, dtypes.Float32, t.rows[1]))
}
