package lxrt

import (
	"errors"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// heads defines the pooler and the heads that the model has (LXMERT, section 4.1).
func (n *Net) heads() {
	n.define("out.pooled", func() *Node {
		cls := Squeeze(Slice(n.lastWords(), AxisRange(), AxisElem(0)), 1)
		return n.tanh(n.dense("bert.pooler.dense", cls))
	})
	n.define("out.match", func() *Node { return n.dense("cls.seq_relationship", n.Node("out.pooled")) })
	n.define("out.qa", func() *Node { return n.answer("answer_head.logit_fc", n.Node("out.pooled")) })
	n.define("out.task", func() *Node {
		pooled := n.Node("out.pooled")
		if k := n.cfg.TaskImages; k > 1 {
			d := pooled.Shape().Dimensions
			pooled = Reshape(pooled, d[0]/k, k*d[1])
		}
		return n.answer("logit_fc", pooled)
	})
	for _, name := range []string{"out.mlm", "out.obj", "out.attr", "out.feat"} {
		n.define(name, func() *Node { return n.HeadAt(name, nil) })
	}
}

// HeadAt computes a head that has positions (out.mlm, out.obj, out.attr, out.feat) at some of them only: positions
// int32 [N,P] -> [N,P,C]. Nil: at all of them. Edits of the head's name do not apply to it.
func (n *Net) HeadAt(name string, positions *Node) *Node {
	level := n.lastRegions
	if name == "out.mlm" {
		if n.clsOnly {
			panic(errors.New("lxrt: out.mlm reads every word, which NetOptions.PooledOnly promised not to"))
		}
		level = n.lastWords
	}
	x := level()
	if positions != nil {
		x = takePositions(x, positions, 1)
	}
	if name == "out.mlm" {
		const p = "cls.predictions"
		x = n.layerNorm(p+".transform.LayerNorm", n.activation(n.dense(p+".transform.dense", x)))
		// The decoder is tied: scores are products with the rows of the word embeddings.
		table := n.param(lxmert.WordEmbeddings)
		d := x.Shape().Dimensions
		scores := multiply(Reshape(x, d[0]*d[1], d[2]), []int{1}, table, []int{1}, nil)
		return Add(Reshape(scores, d[0], d[1], table.Shape().Dimensions[0]), InsertAxes(n.param(p+".bias"), 0, 0))
	}
	const p = "obj_predict_head.transform"
	return n.dense("obj_predict_head.decoder_dict."+name[len("out."):], n.layerNorm(p+".LayerNorm", n.activation(n.dense(p+".dense", x))))
}

// answer is the two-layer head of questions: [N,in] -> [N,classes]. Its GELU is fixed, whatever the layers have.
func (n *Net) answer(params string, x *Node) *Node {
	return n.dense(params+".3", n.layerNorm(params+".2", n.gelu(n.dense(params+".0", x))))
}

// takePositions gathers along one axis, another choice in each row: x [N,...,L,...], positions int32 [N,P].
func takePositions(x, positions *Node, axis int) *Node {
	moved := x
	perm := []int{0, axis}
	for a := 1; a < x.Rank(); a++ {
		if a != axis {
			perm = append(perm, a)
		}
	}
	if axis != 1 {
		moved = TransposeAllAxes(x, perm...)
	}
	rows := Iota(x.Graph(), positions.Shape(), 0)
	taken := Gather(moved, Stack([]*Node{rows, positions}, -1))
	if axis == 1 {
		return taken
	}
	back := make([]int, len(perm))
	for to, from := range perm {
		back[from] = to
	}
	return TransposeAllAxes(taken, back...)
}
