//go:build gotch

package torch

import (
	"math"
	"strconv"

	"github.com/sugarme/gotch/libtch"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// heads defines the pooler and the heads that the model has.
func (n *net) heads() {
	n.build["out.pooled"] = func() tensor {
		words := n.lastWords()
		cls := n.op(func(out *tensor) { libtch.AtgSelect(out, words, 1, 0) })
		return n.tanh(n.dense("bert.pooler.dense", cls))
	}
	n.build["out.match"] = func() tensor { return n.dense("cls.seq_relationship", n.node("out.pooled")) }
	n.build["out.qa"] = func() tensor { return n.answer("answer_head.logit_fc", n.node("out.pooled")) }
	n.build["out.task"] = func() tensor {
		k := max(1, n.cfg.TaskImages)
		return n.answer("logit_fc", n.reshape(n.node("out.pooled"), n.plan.Inputs.Rows/k, k*n.cfg.Hidden))
	}
	for _, name := range []string{"out.mlm", "out.obj", "out.attr", "out.feat"} {
		n.build[name] = func() tensor { return n.headOf(name, n.level(name)) }
	}
}

func (n *net) lastWords() tensor {
	return n.paired("hid.t." + strconv.Itoa(n.cfg.LangLayers+n.cfg.CrossLayers))
}

// level is what a head over positions reads.
func (n *net) level(head string) tensor {
	if head == "out.mlm" {
		return n.lastWords()
	}
	return n.paired("hid.i." + strconv.Itoa(n.cfg.RegionLayers+n.cfg.CrossLayers))
}

// headOf computes a head over positions: x [N,P,D] -> [N,P,C].
func (n *net) headOf(name string, x tensor) tensor {
	if name == "out.mlm" {
		const p = "cls.predictions"
		x = n.layerNorm(p+".transform.LayerNorm", n.activation(n.dense(p+".transform.dense", x)))
		// The decoder is tied: scores are products with the rows of the word embeddings.
		return n.linear(x, n.param(lxmert.WordEmbeddings), n.param(p+".bias"))
	}
	const p = "obj_predict_head.transform"
	return n.dense("obj_predict_head.decoder_dict."+name[len("out."):], n.layerNorm(p+".LayerNorm", n.activation(n.dense(p+".dense", x))))
}

// answer is the two-layer head of questions. Its GELU is fixed, whatever the layers have.
func (n *net) answer(params string, x tensor) tensor {
	return n.dense(params+".3", n.layerNorm(params+".2", n.gelu(n.dense(params+".0", x))))
}

// at takes entries along an axis, another choice in each row: x [N,...,L,...], positions [N,P].
func (n *net) at(x tensor, axis int, positions []int32, count int) tensor {
	d := shapeOf(x)
	index := make([]int, len(d))
	for i := range index {
		index[i] = 1
	}
	index[0], index[axis] = d[0], count
	taken := n.ints(positions, index...)
	d[axis] = count
	return n.gather(x, int64(axis), n.expand(taken, d...))
}

func (n *net) dense(name string, x tensor) tensor {
	return n.linear(x, n.param(name+".weight"), n.param(name+".bias"))
}

// layerNorm normalises the last axis. On the way back of AttnLRP the standard deviation is a constant.
func (n *net) layerNorm(name string, x tensor) tensor {
	const epsilon = 1e-12
	w, b := n.param(name+".weight"), n.param(name+".bias")
	if !n.lrp {
		return n.op(func(out *tensor) {
			libtch.AtgLayerNorm(out, x, []int64{int64(shapeOf(w)[0])}, 1, w, b, epsilon, 0)
		})
	}
	x = n.sub(x, n.meanLast(x))
	variance := n.meanLast(n.mul(x, x))
	return n.add(n.mul(n.div(x, n.held(n.unary(libtch.AtgSqrt, n.plus(variance, epsilon)))), w), b)
}

// gelu is the exact form. On the way back of AttnLRP its ratio to its argument is a constant, as that of other activations.
func (n *net) gelu(x tensor) tensor {
	if !n.lrp {
		return n.op(func(out *tensor) { libtch.AtgGelu(out, x, "none") })
	}
	return n.times(n.mul(x, n.held(n.plus(n.unary(libtch.AtgErf, n.times(x, math.Sqrt2/2)), 1))), 0.5)
}

// activation is the configured one, that of the layers and of the transforms before the word and the object heads.
func (n *net) activation(x tensor) tensor {
	switch n.cfg.Activation {
	case "relu":
		return n.unary(libtch.AtgRelu, x)
	case "swish":
		return n.mul(x, n.held(n.unary(libtch.AtgSigmoid, x)))
	}
	return n.gelu(x)
}

// halved is a product of two activations, of which each factor gets half on the way back of AttnLRP.
func (n *net) halved(product tensor) tensor {
	if !n.lrp {
		return product
	}
	half := n.times(product, 0.5)
	return n.add(half, n.detach(half))
}

// tanh passes relevance on unchanged on the way back of AttnLRP: its ratio to its argument, 1 at 0, is held. Its value stays the
// same, to the last bit.
func (n *net) tanh(x tensor) tensor {
	y := n.unary(libtch.AtgTanh, x)
	if !n.lrp {
		return y
	}
	ones := n.filled(x, 1)
	isNot := n.above(n.unary(libtch.AtgAbs, x), 0)
	passed := n.mul(x, n.detach(n.where(isNot, n.div(y, n.where(isNot, x, ones)), ones)))
	return n.add(passed, n.detach(n.sub(y, passed)))
}
