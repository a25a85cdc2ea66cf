package lxrt

import . "github.com/gomlx/gomlx/core/graph"

// This file takes keys away from attention maps, [N,H,Q,K], and makes the rest of each row sum to 1 again. A row that keeps
// nothing is 0.

// isKey says which keys of a map are there: neither masked out nor mere padding.
func (n *Net) isKey(name string, x *Node) *Node {
	mask := InsertAxes(n.keyMasks[name].each(), 1, 1)
	return BroadcastToShape(GreaterThan(mask, Scalar(x.Graph(), mask.DType(), masked)), boolLike(x))
}

func isPositive(x *Node) *Node { return GreaterThan(x, ZerosLike(x)) }

// softmaxOf is the softmax of scores over the keys that are kept, exact however little weight the others would leave them.
func softmaxOf(scores, kept *Node) *Node {
	zeros := ZerosLike(scores)
	most := ReduceAndKeep(Where(kept, scores, AddScalar(zeros, Absent)), ReduceMax, -1)
	most = StopGradient(MaxScalar(most, Absent)) // an edit may have made every score minus infinity
	// Nothing is computed of the scores that are cut: an exponential that overflows has NaN for a gradient, even where it is
	// not read.
	weights := Where(kept, Exp(Where(kept, Sub(scores, most), zeros)), zeros)
	sum := ReduceAndKeep(weights, ReduceSum, -1)
	return Div(weights, Where(isPositive(sum), sum, OnesLike(sum)))
}

// renormalized divides each row of weights by the sum of those that are kept. They may be any numbers, since edits made them; a
// row that sums to 0 keeps nothing.
func renormalized(weights, kept *Node) *Node {
	zeros := ZerosLike(weights)
	x := Where(kept, weights, zeros)
	// Rows are scaled to 1 at first, since the way back divides by the square of the sum, which might be too small for float32.
	const minScale = 1e-30
	most := StopGradient(ReduceAndKeep(Abs(x), ReduceMax, -1))
	x = Div(x, MaxScalar(most, minScale))
	sum := ReduceAndKeep(x, ReduceSum, -1)
	some := LogicalAnd(isPositive(AddScalar(most, -minScale)), isPositive(Abs(sum)))
	return Where(BroadcastToShape(some, boolLike(x)), Div(x, Where(some, sum, OnesLike(sum))), zeros)
}
