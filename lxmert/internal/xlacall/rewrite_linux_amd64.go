//go:build cgo

package xlacall

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/go-xla/stablehlo"
	"github.com/gomlx/go-xla/types/shapes"
)

// This file changes StableHLO programs between GoMLX, which has built them, and XLA, which compiles them.

// sampleCall is a call, for its operation, which has no name outside go-xla.
var sampleCall = sync.OnceValue(func() *stablehlo.Statement {
	fn := stablehlo.New("sample").Main()
	shape := shapes.Make(dtypes.Float32, 1)
	x, err := fn.Input(shape)
	if err == nil {
		_, err = stablehlo.CustomCallV2("sample", "", []*stablehlo.Value{x}, nil, []shapes.Shape{shape}, nil)
	}
	if err != nil {
		panic(err)
	}
	return fn.Statements[len(fn.Statements)-1]
})

// text is an attribute's value as a program has it.
type text string

// ToStableHLO returns it.
func (t text) ToStableHLO() string { return string(t) }

// rewrite replaces what a function computes by calls. What goes into them may leave statements that nobody reads; XLA drops
// those.
func rewrite(fn *stablehlo.Function) {
	g := graph{made: map[*stablehlo.Value]*stablehlo.Statement{}, uses: map[*stablehlo.Value]int{}, reader: map[*stablehlo.Value]*stablehlo.Statement{}}
	for _, s := range fn.Statements {
		for _, x := range s.Outputs {
			g.made[x] = s
		}
		countUses(s, g.uses)
		for _, x := range s.Inputs {
			g.reader[x] = s
		}
	}
	for _, s := range fn.Statements {
		switch s.OpType.ToStableHLO() {
		case "stablehlo.dot_general":
			g.product(s)
		case "stablehlo.divide":
			g.softmax(s)
		case "stablehlo.add":
			g.normalize(s)
		}
	}
}

// graph is a function's statements by the values that they make and read.
type graph struct {
	made   map[*stablehlo.Value]*stablehlo.Statement
	uses   map[*stablehlo.Value]int
	reader map[*stablehlo.Value]*stablehlo.Statement
}

// product makes a product a call. Transpositions of what goes into it stay in the program for others that read them.
func (g graph) product(s *stablehlo.Statement) {
	if len(s.Inputs) != 2 || len(s.Outputs) != 1 {
		return
	}
	a, b := g.transposition(s.Inputs[0]), g.transposition(s.Inputs[1])
	at, c := s, asItLies(s.Outputs[0])
	if next := g.reader[c.value]; g.uses[c.value] == 1 && next != nil {
		if order := permutation(next); order != nil {
			at = next
			c = transposed(c, next.Outputs[0], order)
		}
	}
	numbers, swapped := plan(a, b, c, s)
	if numbers == nil {
		return
	}
	if swapped {
		a, b = b, a
	}
	call(at, callProduct, numbers, a.value, b.value)
}

// call makes a statement a call of a function here.
func call(at *stablehlo.Statement, target string, numbers []int, inputs ...*stablehlo.Value) {
	var layouts []string
	for _, x := range inputs {
		layouts = append(layouts, layout(x))
	}
	at.OpType = sampleCall().OpType
	at.Inputs = inputs
	at.Attributes = map[string]any{
		"call_target_name": target,
		"api_version":      int32(4),
		"backend_config":   text("{numbers = array<i64: " + list(numbers) + ">}"),
		"operand_layouts":  text("[" + strings.Join(layouts, ", ") + "]"),
		"result_layouts":   text("[" + layout(at.Outputs[0]) + "]"),
	}
}

// countUses counts how often a statement reads values, the functions in it included.
func countUses(s *stablehlo.Statement, uses map[*stablehlo.Value]int) {
	for _, x := range s.Inputs {
		uses[x]++
	}
	for _, fn := range s.FunctionParameters {
		for _, inner := range fn.Statements {
			countUses(inner, uses)
		}
	}
}

// view is an array with other axes than its value in memory: steps are in floats.
type view struct {
	value *stablehlo.Value
	dims  []int
	steps []int
}

// transposition looks through transpositions.
func (g graph) transposition(x *stablehlo.Value) view {
	if s := g.made[x]; s != nil {
		if order := permutation(s); order != nil {
			inner := g.transposition(s.Inputs[0])
			v := view{value: inner.value}
			for _, axis := range order {
				v.dims, v.steps = append(v.dims, inner.dims[axis]), append(v.steps, inner.steps[axis])
			}
			return v
		}
	}
	return asItLies(x)
}

func asItLies(x *stablehlo.Value) view {
	dims := x.Shape().Dimensions
	return view{value: x, dims: dims, steps: rowMajor(dims)}
}

// transposed is a view of what a transposition makes of v, with v's axes.
func transposed(v view, to *stablehlo.Value, order []int) view {
	steps := rowMajor(to.Shape().Dimensions)
	out := view{value: to, dims: v.dims, steps: make([]int, len(steps))}
	for i, axis := range order {
		out.steps[axis] = steps[i]
	}
	return out
}

func rowMajor(dims []int) []int {
	steps := make([]int, len(dims))
	step := 1
	for i := len(dims) - 1; i >= 0; i-- {
		steps[i] = step
		step *= dims[i]
	}
	return steps
}

// permutation is that of a transposition, nil for any other statement.
func permutation(s *stablehlo.Statement) []int {
	if s.OpType.ToStableHLO() != "stablehlo.transpose" {
		return nil
	}
	order, ok := numbersIn(s.Attributes["permutation"], "array<i64")
	if !ok || len(order) != len(s.Inputs[0].Shape().Dimensions) {
		return nil
	}
	return order
}

// axis is one of a product's: its size and, for each array, the step along it, 0 if the array does not have it.
type axis struct{ size, a, b, c int }

// plan says how to compute a product: the numbers of the C side's struct, or nil if it should stay with XLA. With swapped
// they are those of b times a.
func plan(a, b, c view, s *stablehlo.Statement) (numbers []int, swapped bool) {
	for _, x := range []*stablehlo.Value{a.value, b.value, c.value} {
		if x.Shape().DType != dtypes.Float32 {
			return nil, false
		}
	}
	if _, ok := s.Attributes["algorithm"]; ok {
		return nil, false
	}
	if len(c.dims) == 0 {
		return nil, false
	}
	text := s.Attributes["dot_dimension_numbers"]
	aBatch, ok1 := numbersIn(text, "lhs_batching_dimensions = ")
	bBatch, ok2 := numbersIn(text, "rhs_batching_dimensions = ")
	aSum, ok3 := numbersIn(text, "lhs_contracting_dimensions = ")
	bSum, ok4 := numbersIn(text, "rhs_contracting_dimensions = ")
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return nil, false
	}
	var batches, m, n, k []axis
	at := 0 // the axis of c
	next := func() int { at++; return c.steps[at-1] }
	for i := range aBatch {
		batches = append(batches, axis{a.dims[aBatch[i]], a.steps[aBatch[i]], b.steps[bBatch[i]], next()})
	}
	for i := range a.dims {
		if !slices.Contains(aBatch, i) && !slices.Contains(aSum, i) {
			m = append(m, axis{a.dims[i], a.steps[i], 0, next()})
		}
	}
	for i := range b.dims {
		if !slices.Contains(bBatch, i) && !slices.Contains(bSum, i) {
			n = append(n, axis{b.dims[i], 0, b.steps[i], next()})
		}
	}
	for i := range aSum {
		k = append(k, axis{a.dims[aSum[i]], a.steps[aSum[i]], b.steps[bSum[i]], 0})
	}
	return arrange(merged(batches), merged(m), merged(n), merged(k))
}

// minProduct is the smallest product, in multiplications, that is worth a call. XLA writes smaller ones into the program.
const minProduct = 1 << 12

// arrange fits axes to the C side's loops: one of each kind, the innermost of c with step 1, and the others as batches.
func arrange(batches, m, n, k []axis) (numbers []int, swapped bool) {
	work := 1
	for _, kind := range [][]axis{batches, m, n, k} {
		for _, x := range kind {
			work *= x.size
		}
	}
	isRow := func(x axis) bool { return x.c == 1 }
	if !slices.ContainsFunc(n, isRow) && slices.ContainsFunc(m, isRow) {
		m, n, swapped = n, m, true
		for _, kind := range [][]axis{batches, m, n, k} {
			for i, x := range kind {
				kind[i].a, kind[i].b = x.b, x.a
			}
		}
	}
	row, n := take(n, isRow)
	most := 0
	for _, x := range m {
		most = max(most, x.size)
	}
	column, m := take(m, func(x axis) bool { return x.size == most })
	sum, k := take(k, func(axis) bool { return true })
	batches = slices.Concat(batches, m, n)
	if work < minProduct || row.c != 1 || len(k) > 0 || len(batches) > maxBatches {
		return nil, false
	}
	for len(batches) < maxBatches {
		batches = append([]axis{{size: 1}}, batches...)
	}
	each := func(of func(axis) int) {
		for _, x := range batches {
			numbers = append(numbers, of(x))
		}
	}
	each(func(x axis) int { return x.size })
	numbers = append(numbers, column.size, row.size, sum.size)
	each(func(x axis) int { return x.a })
	numbers = append(numbers, column.a, sum.a)
	each(func(x axis) int { return x.b })
	numbers = append(numbers, sum.b, row.b)
	each(func(x axis) int { return x.c })
	return append(numbers, column.c), swapped
}

// take takes the first axis that is wanted out of a list; where there is none, one of size 1.
func take(list []axis, want func(axis) bool) (axis, []axis) {
	i := slices.IndexFunc(list, want)
	if i < 0 {
		return axis{1, 1, 1, 1}, list
	}
	return list[i], slices.Delete(slices.Clone(list), i, i+1)
}

// merged joins neighbouring axes that can be walked as one in every array, and leaves out those of size 1.
func merged(list []axis) []axis {
	var out []axis
	for _, x := range list {
		if x.size == 1 {
			continue
		}
		if len(out) > 0 {
			last := &out[len(out)-1]
			if last.a == x.a*x.size && last.b == x.b*x.size && last.c == x.c*x.size {
				*last = axis{last.size * x.size, x.a, x.b, x.c}
				continue
			}
		}
		out = append(out, x)
	}
	return out
}

// numbersIn reads the list of numbers that follows a prefix in an attribute, up to the bracket that closes it.
func numbersIn(attribute any, prefix string) ([]int, bool) {
	x, ok := attribute.(interface{ ToStableHLO() string })
	if !ok {
		return nil, false
	}
	_, rest, ok := strings.Cut(x.ToStableHLO(), prefix)
	end := strings.IndexAny(rest, "]>")
	if !ok || end < 0 {
		return nil, false
	}
	var out []int
	for _, digits := range strings.FieldsFunc(rest[:end], func(r rune) bool { return r < '0' || r > '9' }) {
		i, err := strconv.Atoi(digits)
		if err != nil {
			return nil, false
		}
		out = append(out, i)
	}
	return out, true
}

// layout is the attribute that keeps an array row-major.
func layout(x *stablehlo.Value) string {
	rank := x.Shape().Rank()
	order := make([]int, rank)
	for i := range order {
		order[i] = rank - 1 - i
	}
	if rank == 1 {
		return "dense<0> : tensor<1xindex>"
	}
	return fmt.Sprintf("dense<[%s]> : tensor<%dxindex>", list(order), rank)
}

func list(numbers []int) string {
	text := make([]string, len(numbers))
	for i, x := range numbers {
		text[i] = strconv.Itoa(x)
	}
	return strings.Join(text, ", ")
}
