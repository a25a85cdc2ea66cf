package lxrt

import (
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// LoRA adds low-rank adapters to linear layers (Hu et al. 2021, section 4.1): W x + b becomes W x + b + scale B A x. The matrices
// are parameters with the names of [weights.AdapterNames], on the device as other weights of linear layers are, transposed.
type LoRA struct {
	Layers map[string]bool // such as bert.pooler.dense
	Scale  float64
}

func (l *LoRA) adapts(layer string) bool { return l != nil && l.Layers[layer] }

// lowRank is what an adapter adds to its layer: x [M,in] -> [M,out], with dropout of x at its own rate.
func (n *Net) lowRank(layer string, x *Node, rows int) *Node {
	nameA, nameB := weights.AdapterNames(layer)
	a, b := n.param(nameA), n.param(nameB)
	x = n.drop(layer, ConvertDType(x, a.DType()), rows, adapterRate)
	low := multiply(x, []int{1}, a, []int{0}, nil)
	return MulScalar(multiply(low, []int{1}, b, []int{0}, nil), n.lora.Scale)
}
