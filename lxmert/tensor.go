package lxmert

import "fmt"

// Tensor is a dense array of float32 in row-major order. The zero value is no tensor.
type Tensor struct {
	Shape []int
	Data  []float32
}

// NewTensor returns a tensor of zeros.
func NewTensor(shape ...int) Tensor {
	return Tensor{Shape: shape, Data: make([]float32, Size(shape))}
}

// Size is the number of elements of a shape; 1 for no axes.
func Size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// IsZero reports whether t is no tensor at all.
func (t Tensor) IsZero() bool { return t.Shape == nil && t.Data == nil }

// Row returns the i-th slice along the first axis. It shares t's memory.
func (t Tensor) Row(i int) Tensor {
	n := Size(t.Shape[1:])
	return Tensor{Shape: t.Shape[1:], Data: t.Data[i*n : (i+1)*n : (i+1)*n]}
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
	for _, d := range t.Shape {
		if d < 0 {
			return fmt.Errorf("%s has the impossible shape %v", name, t.Shape)
		}
	}
	if Size(t.Shape) != len(t.Data) {
		return fmt.Errorf("%s has shape %v but %d values", name, t.Shape, len(t.Data))
	}
	return nil
}
