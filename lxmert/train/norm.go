package train

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// squares is the sum of the squares of all gradients, whose root clipping compares with its limit. What computes decides how
// it is made.
type squares struct {
	onGPU bool
	sum   *Node   // so far; nil: of nothing
	rows  []*Node // on a GPU: of each array the sums of its rows' squares
}

func (s *squares) add(x *Node) {
	if s.onGPU {
		s.rows = append(s.rows, rowSquares(x))
		return
	}
	part := squaresByProduct(x)
	if s.sum != nil {
		part = Add(s.sum, part)
	}
	s.sum = part
}

// total is a scalar. On a GPU all rows are summed at once: the barrier keeps XLA from summing those of each array by
// themselves, in two kernels for each of some hundred arrays.
func (s *squares) total() *Node {
	if s.onGPU {
		return ReduceAllSum(OptimizationBarrier(Concatenate(s.rows, 0)))
	}
	return s.sum
}

// rowSquares sums squares over the last axis, which the kernel that makes an array does on the way.
func rowSquares(x *Node) *Node {
	y := Square(x)
	if y.Rank() > 1 {
		y = ReduceSum(y, -1)
	}
	return Reshape(y, y.Shape().Size())
}

// squaresByProduct reads a large array once, as a product of matrices whose diagonal counts; XLA:CPU's own way writes all
// squares and reads them again.
func squaresByProduct(x *Node) *Node {
	const parts, large = 16, 1 << 16
	n := x.Shape().Size()
	if n < large || n%parts != 0 {
		return ReduceAllSum(Square(x))
	}
	lines := Reshape(x, parts, n/parts)
	diagonal := ConvertDType(Diagonal(x.Graph(), parts), x.DType())
	return ReduceAllSum(Mul(Einsum("ik,jk->ij", lines, lines), diagonal))
}
