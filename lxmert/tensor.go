package lxmert

import (
	"fmt"
	"math"
	"slices"
)

// Tensor is a dense array of float32 in row-major order. The zero value is not a tensor.
type Tensor struct {
	Shape []int
	Data  []float32
}

// NewTensor returns a tensor of zeros. Like make, it panics if the size is impossible.
func NewTensor(shape ...int) Tensor {
	return Tensor{Shape: shape, Data: make([]float32, Size(shape))}
}

// Size is the number of elements of a shape; 1 for no axes. Of a shape that nothing can have, with a negative axis or more
// elements than an int counts, it is math.MaxInt, so that it never equals the length of a slice.
func Size(shape []int) int {
	if slices.ContainsFunc(shape, func(d int) bool { return d < 0 }) {
		return math.MaxInt
	}
	if slices.Contains(shape, 0) {
		return 0
	}
	n := 1
	for _, d := range shape {
		if d > math.MaxInt/n {
			return math.MaxInt
		}
		n *= d
	}
	return n
}

// IsZero reports whether t is not a tensor at all.
func (t Tensor) IsZero() bool { return t.Shape == nil && t.Data == nil }

// Row returns the i-th slice along the first axis. It shares t's memory. Like indexing a slice, it panics out of range.
func (t Tensor) Row(i int) Tensor {
	n := Size(t.Shape[1:])
	return Tensor{Shape: t.Shape[1:], Data: t.Data[i*n : (i+1)*n : (i+1)*n]}
}

// Float64s returns the elements in float64, in a slice of its own.
func (t Tensor) Float64s() []float64 {
	out := make([]float64, len(t.Data))
	for i, x := range t.Data {
		out[i] = float64(x)
	}
	return out
}

// At returns one element. Like indexing a slice, it panics out of range.
func (t Tensor) At(index ...int) float32 {
	if len(index) != len(t.Shape) {
		panic(fmt.Sprintf("lxmert: %d indices for a tensor of shape %v", len(index), t.Shape))
	}
	at := 0
	for axis, i := range index {
		if i < 0 || i >= t.Shape[axis] {
			panic(fmt.Sprintf("lxmert: index %v out of range for a tensor of shape %v", index, t.Shape))
		}
		at = at*t.Shape[axis] + i
	}
	return t.Data[at]
}

// check says whether the data has the size of the shape.
func (t Tensor) check(name string) error {
	if Size(t.Shape) != len(t.Data) {
		return fmt.Errorf("%s: shape %v does not fit %d values", name, t.Shape, len(t.Data))
	}
	return nil
}

// checkFinite names the first entry that is not a number or infinite. Shape and data must fit each other.
func (t Tensor) checkFinite(name string) error {
	for i, x := range t.Data {
		if x-x == 0 {
			continue
		}
		return fmt.Errorf("%s: entry %v is %g", name, t.indexOf(i), x)
	}
	return nil
}

// indexOf is the index along each axis of an element of Data.
func (t Tensor) indexOf(i int) []int {
	index := make([]int, len(t.Shape))
	for axis := len(index) - 1; axis >= 0; axis-- {
		index[axis] = i % t.Shape[axis]
		i /= t.Shape[axis]
	}
	return index
}
