//go:build cgo

package xlacall

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/go-xla/stablehlo"
)

// This file finds softmax and the normalisation of layers in a program: what XLA makes of them are five and seven loops, each
// with its own code to compile.

// softmax makes e / sum(e), where e = exp(x - max(x)), along the last axis a call. Where others read e, as on the way back
// through it, it stays.
func (g graph) softmax(s *stablehlo.Statement) {
	y := s.Outputs[0]
	e := s.Inputs[0]
	exp := g.inputs(e, "exponential")
	if exp == nil || g.uses[e] != 2 {
		return
	}
	shifted := g.inputs(exp[0], "subtract")
	if shifted == nil {
		return
	}
	x := shifted[0]
	sum, most := g.ofRow(s.Inputs[1], y), g.ofRow(shifted[1], y)
	if sum == nil || most == nil || g.reduced(sum, "add", 0) != e || g.reduced(most, "maximum", float32(math.Inf(-1))) != x {
		return
	}
	if rows, size, ok := rowsOf(y); ok {
		call(s, callSoftmax, []int{rows, size}, x)
	}
}

// normalize makes (x - mean) / sqrt(variance + epsilon) * weight + bias, along the last axis, a call. Where others read
// x - mean, as on the way back through it, it stays.
func (g graph) normalize(s *stablehlo.Statement) {
	y := s.Outputs[0]
	scaled := g.inputs(s.Inputs[0], "multiply")
	if scaled == nil {
		return
	}
	bias, weight := g.likeRow(s.Inputs[1], y), g.likeRow(scaled[1], y)
	even := g.inputs(scaled[0], "divide")
	if bias == nil || weight == nil || even == nil || g.uses[even[0]] != 3 {
		return
	}
	centred := even[0]
	from := g.inputs(centred, "subtract")
	root := g.inputs(g.ofRow(even[1], y), "sqrt")
	if from == nil || root == nil {
		return
	}
	x := from[0]
	sum := g.inputs(root[0], "add")
	if sum == nil {
		return
	}
	epsilon, ok := g.number(sum[1])
	squares := g.inputs(g.mean(g.same(sum[0]), y), "multiply")
	if !ok || g.mean(g.ofRow(from[1], y), y) != x || squares == nil || squares[0] != centred || squares[1] != centred {
		return
	}
	if rows, size, ok := rowsOf(y); ok {
		call(s, callNormalize, []int{rows, size, int(math.Float32bits(epsilon))}, x, weight, bias)
	}
}

// rowsOf are the number and the size of an array's rows; ok if it is of float32 and has any.
func rowsOf(x *stablehlo.Value) (rows, size int, ok bool) {
	shape := x.Shape()
	if shape.DType != dtypes.Float32 || shape.Rank() == 0 || shape.Size() == 0 {
		return 0, 0, false
	}
	size = shape.Dimensions[shape.Rank()-1]
	return shape.Size() / size, size, true
}

// inputs are those of the operation that makes x, nil if it is another or there is none.
func (g graph) inputs(x *stablehlo.Value, operation string) []*stablehlo.Value {
	if s := g.made[x]; s != nil && s.OpType.ToStableHLO() == "stablehlo."+operation {
		return s.Inputs
	}
	return nil
}

// reduced is what x sums up, or is the largest of, along the last axis.
func (g graph) reduced(x *stablehlo.Value, operation string, start float32) *stablehlo.Value {
	in := g.inputs(x, "reduce")
	if len(in) != 2 {
		return nil
	}
	s := g.made[x]
	axes, ok := numbersIn(s.Attributes["dimensions"], "array<i64")
	if !ok || !slices.Equal(axes, []int{in[0].Shape().Rank() - 1}) || len(s.FunctionParameters) != 1 {
		return nil
	}
	inner := s.FunctionParameters[0].Statements
	if len(inner) != 2 || inner[0].OpType.ToStableHLO() != "stablehlo."+operation {
		return nil
	}
	if first, ok := g.number(in[1]); !ok || first != start {
		return nil
	}
	return in[0]
}

// mean is the array whose rows x has the means of; rows are as long as y's.
func (g graph) mean(x, y *stablehlo.Value) *stablehlo.Value {
	in := g.inputs(x, "multiply")
	_, size, ok := rowsOf(y)
	if in == nil || !ok {
		return nil
	}
	if part, ok := g.number(in[1]); !ok || math.Abs(float64(part)*float64(size)-1) > 1e-7 {
		return nil
	}
	return g.reduced(in[0], "add", 0)
}

// spread looks through repetitions, whose steps are 0, and axes of size 1 that come and go.
func (g graph) spread(x *stablehlo.Value) view {
	s := g.made[x]
	if s == nil || len(s.Inputs) != 1 {
		return asItLies(x)
	}
	dims := x.Shape().Dimensions
	from := s.Inputs[0].Shape().Dimensions
	at := make([]int, len(dims)) // the axis of from that an axis of x is, or -1
	for i := range at {
		at[i] = -1
	}
	switch s.OpType.ToStableHLO() {
	case "stablehlo.broadcast_in_dim":
		axes, ok := numbersIn(s.Attributes["broadcast_dimensions"], "array<i64")
		if !ok || len(axes) != len(from) {
			return asItLies(x)
		}
		for i, axis := range axes {
			if from[i] == dims[axis] {
				at[axis] = i
			}
		}
	case "stablehlo.reshape":
		long, fromLong := longAxes(dims), longAxes(from)
		if len(long) != len(fromLong) {
			return asItLies(x)
		}
		for k, i := range long {
			if dims[i] != from[fromLong[k]] {
				return asItLies(x)
			}
			at[i] = fromLong[k]
		}
	default:
		return asItLies(x)
	}
	inner := g.spread(s.Inputs[0])
	v := view{value: inner.value, dims: dims, steps: make([]int, len(dims))}
	for i, axis := range at {
		if axis >= 0 {
			v.steps[i] = inner.steps[axis]
		}
	}
	return v
}

// longAxes are those of more than one.
func longAxes(dims []int) []int {
	var out []int
	for i, n := range dims {
		if n != 1 {
			out = append(out, i)
		}
	}
	return out
}

// hasSteps compares a view's steps, of axes of more than one.
func (v view) hasSteps(want []int) bool {
	for _, i := range longAxes(v.dims) {
		if v.steps[i] != want[i] {
			return false
		}
	}
	return true
}

// laid is the array of a size that x shows with y's axes and with these steps.
func (g graph) laid(x, y *stablehlo.Value, size int, steps []int) *stablehlo.Value {
	v := g.spread(x)
	if !slices.Equal(v.dims, y.Shape().Dimensions) || v.value.Shape().Size() != size || !v.hasSteps(steps) {
		return nil
	}
	return v.value
}

// same is the array that x is but for axes of size 1.
func (g graph) same(x *stablehlo.Value) *stablehlo.Value {
	return g.laid(x, x, x.Shape().Size(), rowMajor(x.Shape().Dimensions))
}

// ofRow is the array with one number for each row of y that x repeats along the row.
func (g graph) ofRow(x, y *stablehlo.Value) *stablehlo.Value {
	rows, _, ok := rowsOf(y)
	if !ok {
		return nil
	}
	dims := y.Shape().Dimensions
	return g.laid(x, y, rows, append(rowMajor(dims[:len(dims)-1]), 0))
}

// likeRow is the array of a row's size that x repeats for every row of y.
func (g graph) likeRow(x, y *stablehlo.Value) *stablehlo.Value {
	_, size, ok := rowsOf(y)
	if !ok {
		return nil
	}
	steps := make([]int, y.Shape().Rank())
	steps[len(steps)-1] = 1
	v := g.laid(x, y, size, steps)
	if v == nil || v.Shape().DType != dtypes.Float32 {
		return nil
	}
	return v
}

// number is a constant of one number, however often x repeats it.
func (g graph) number(x *stablehlo.Value) (float32, bool) {
	s := g.made[g.spread(x).value]
	if s == nil || s.OpType.ToStableHLO() != "stablehlo.constant" || s.Outputs[0].Shape().Size() != 1 {
		return 0, false
	}
	value, ok := s.Attributes["value"].(interface{ ToStableHLO() string })
	if !ok {
		return 0, false
	}
	text, ok := strings.CutPrefix(value.ToStableHLO(), "dense<")
	end := strings.IndexByte(text, '>')
	if !ok || end < 0 {
		return 0, false
	}
	text = strings.Trim(text[:end], "[]")
	if digits, ok := strings.CutPrefix(text, "0x"); ok {
		bits, err := strconv.ParseUint(digits, 16, 32)
		return math.Float32frombits(uint32(bits)), err == nil
	}
	f, err := strconv.ParseFloat(text, 32)
	return float32(f), err == nil
}
