//go:build gotch

package torch

import (
	"context"
	"math"
	"strconv"

	"github.com/sugarme/gotch/libtch"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// net is LXRT on one batch. As in lxrt.Net every activation has its name and is computed when it is first asked for, with all
// that it needs and nothing else; where each map stands says the table of package lxrt.
type net struct {
	*arena
	ctx   context.Context
	cfg   lxmert.Config
	plan  *lxrt.Plan
	param func(name string) tensor
	held  func(x tensor) tensor // a constant on the way back of AttnLRP
	lrp   bool

	wanted map[string]bool // activations whose gradients are wanted
	masks  map[string]keyMask
	build  map[string]func() tensor
	nodes  map[string]tensor
	pairs  map[string]tensor // levels of the towers, with a row for each pair
	// What the batch gives, made when the first map needs it.
	pairText, pairImage tensor
}

// keyMask is what is added to the scores of a map's keys, [N,1,1,K], and 0 for a row that attends to nothing, [N,1,1,1]; nil
// where there is no such row.
type keyMask struct{ added, some tensor }

func newNet(ctx context.Context, a *arena, cfg lxmert.Config, plan *lxrt.Plan, param func(name string) tensor) *net {
	n := &net{
		arena: a, ctx: ctx, cfg: cfg, plan: plan, param: param, lrp: plan.Rule == lxmert.AttnLRP, wanted: map[string]bool{},
		masks: map[string]keyMask{}, build: map[string]func() tensor{}, nodes: map[string]tensor{}, pairs: map[string]tensor{},
	}
	n.held = func(x tensor) tensor { return x }
	if n.lrp {
		n.held = n.detach
	}
	for _, g := range plan.Grads {
		n.wanted[g.Name] = true
	}
	n.inputs()
	n.layers()
	n.heads()
	return n
}

// node is an activation as edits leave it.
func (n *net) node(name string) tensor {
	if x, ok := n.nodes[name]; ok {
		return x
	}
	if err := n.ctx.Err(); err != nil {
		panic(failure{err})
	}
	x := n.edited(name, n.build[name]())
	if n.wanted[name] && !libtch.AtRequiresGrad(x) {
		x = n.op(func(out *tensor) { libtch.AtgSetRequiresGrad(out, n.detach(x), 1) })
	}
	n.nodes[name] = x
	return x
}

// inputs defines the two embeddings.
//
//	ids, segments [Nt,T]            -> hid.t.0 [Nt,T,D]
//	feats [Ni,V,F], boxes [Ni,V,4]  -> hid.i.0 [Ni,V,D]
func (n *net) inputs() {
	const text, vision = "bert.embeddings", "bert.encoder.visn_fc"
	in := n.plan.Inputs
	words := func(table string, ids []int32) tensor {
		return n.reshape(n.rows(n.param(text+"."+table+".weight"), n.ints(ids, len(ids))), in.Texts, in.Words, n.cfg.Hidden)
	}
	n.build["in.word"] = func() tensor { return words("word_embeddings", in.IDs) }
	n.build["in.position"] = func() tensor {
		positions := n.first(n.param(text+".position_embeddings.weight"), 0, int64(in.Words))
		return n.add(positions, words("token_type_embeddings", in.Segments))
	}
	n.build["hid.t.0"] = func() tensor { return n.layerNorm(text+".LayerNorm", n.add(n.node("in.word"), n.node("in.position"))) }
	n.build["hid.i.0"] = func() tensor {
		feats := n.layerNorm(vision+".visn_layer_norm", n.dense(vision+".visn_fc", n.node("in.feat")))
		boxes := n.layerNorm(vision+".box_layer_norm", n.dense(vision+".box_fc", n.node("in.box")))
		return n.times(n.add(feats, boxes), 0.5)
	}
	if in.PairText != nil {
		n.pairText, n.pairImage = n.ints(in.PairText, len(in.PairText)), n.ints(in.PairImage, len(in.PairImage))
	}
}

// layers defines the towers and the cross-modality layers: the maps with what is around them, and the feed-forward blocks that
// make the levels.
func (n *net) layers() {
	in := n.plan.Inputs
	text := keyMask{added: n.floats(in.TextMask, in.Texts, 1, 1, in.Words)}
	image := keyMask{added: n.floats(in.RegionMask, in.Images, 1, 1, in.Regions)}
	if in.AnyRegion != nil {
		image.some = n.floats(in.AnyRegion, in.Images, 1, 1, 1)
	}
	pairText, pairImage := keyMask{added: n.taken(text.added, n.pairText)}, keyMask{added: n.taken(image.added, n.pairImage)}
	if image.some != nil {
		pairImage.some = n.taken(image.some, n.pairImage)
	}
	for _, m := range lxrt.MapPlaces(n.cfg) {
		keys := m.Name[len(m.Name)-1] // t or i
		mask := map[bool]map[byte]keyMask{true: {'t': pairText, 'i': pairImage}, false: {'t': text, 'i': image}}[m.Name[0] == 'x'][keys]
		n.attention(m, mask)
	}
	number := strconv.Itoa
	for k := range n.cfg.LangLayers {
		params, l := "bert.encoder.layer."+number(k), "l."+number(k)
		n.feedForward(params+".intermediate", params+".output", l, l+".att", "hid.t."+number(k+1))
	}
	for k := range n.cfg.RegionLayers {
		params, r := "bert.encoder.r_layers."+number(k), "r."+number(k)
		n.feedForward(params+".intermediate", params+".output", r, r+".att", "hid.i."+number(k+1))
	}
	for k := range n.cfg.CrossLayers {
		params, x := "bert.encoder.x_layers."+number(k), "x."+number(k)
		n.feedForward(params+".lang_inter", params+".lang_output", x+".t", x+".t.self", "hid.t."+number(n.cfg.LangLayers+1+k))
		n.feedForward(params+".visn_inter", params+".visn_output", x+".i", x+".i.self", "hid.i."+number(n.cfg.RegionLayers+1+k))
	}
}

// attention defines a map, what it is made of and gives, all per head, and what its queries become:
//
//	query [N,Q,D], keys [N,K,D] -> q [N,H,Q,d], k, v [N,H,K,d], score, map [N,H,Q,K], ctx [N,H,Q,d], out [N,Q,D]
func (n *net) attention(m lxrt.MapPlace, mask keyMask) {
	n.masks[m.Name] = mask
	query, keys := n.reader(m.Name, m.Query), n.reader(m.Name, m.Keys)
	project := func(what string, x tensor) tensor {
		y := n.dense(m.Params+"."+m.Inner+"."+what, x)
		d := shapeOf(y)
		return n.transpose(n.reshape(y, d[0], d[1], n.cfg.Heads, n.cfg.HeadDim()), 1, 2)
	}
	n.build[m.Name+".q"] = func() tensor { return project("query", query()) }
	n.build[m.Name+".k"] = func() tensor { return project("key", keys()) }
	n.build[m.Name+".v"] = func() tensor { return project("value", keys()) }
	n.build[m.Name+".score"] = func() tensor {
		scores := n.halved(n.matmul(n.node(m.Name+".q"), n.transpose(n.node(m.Name+".k"), 2, 3)))
		return n.add(n.times(scores, 1/math.Sqrt(float64(n.cfg.HeadDim()))), mask.added)
	}
	n.build[m.Name] = func() tensor {
		probs := n.softmax(n.node(m.Name + ".score"))
		if mask.some != nil {
			probs = n.mul(probs, mask.some)
		}
		return probs
	}
	n.build[m.Name+".ctx"] = func() tensor { return n.halved(n.matmul(n.node(m.Name), n.node(m.Name+".v"))) }
	n.build[m.Name+".out"] = func() tensor {
		x := n.transpose(n.node(m.Name+".ctx"), 1, 2)
		d := shapeOf(x)
		return n.dense(m.Params+".output.dense", n.reshape(x, d[0], d[1], n.cfg.Hidden))
	}
	n.build[m.Out] = func() tensor {
		return n.layerNorm(m.Params+".output.LayerNorm", n.add(n.node(m.Name+".out"), query()))
	}
}

// feedForward defines a level LN(W2 act(W1 x) + x) and what it adds up.
func (n *net) feedForward(inner, outer, block, in, out string) {
	n.build[block+".ffn"] = func() tensor { return n.activation(n.dense(inner+".dense", n.node(in))) }
	n.build[block+".ffn.out"] = func() tensor { return n.dense(outer+".dense", n.node(block+".ffn")) }
	n.build[out] = func() tensor { return n.layerNorm(outer+".LayerNorm", n.add(n.node(block+".ffn.out"), n.node(in))) }
}

// taken repeats what belongs to texts or images for the rows in which they take part; rows nil: one to one.
func (n *net) taken(x, rows tensor) tensor {
	if rows == nil {
		return x
	}
	return n.rows(x, rows)
}

// reader gives an activation to the map of a name.
func (n *net) reader(name, activation string) func() tensor {
	if n.cfg.Rows(name) == n.cfg.Rows(activation) {
		return func() tensor { return n.node(activation) }
	}
	return func() tensor { return n.paired(activation) }
}

// paired is a level with a row for each pair.
func (n *net) paired(level string) tensor {
	x, ok := n.pairs[level]
	if !ok {
		x = n.node(level)
		switch n.cfg.Rows(level) {
		case lxmert.TextRows:
			x = n.taken(x, n.pairText)
		case lxmert.ImageRows:
			x = n.taken(x, n.pairImage)
		}
		n.pairs[level] = x
	}
	return x
}
