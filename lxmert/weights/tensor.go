package weights

import (
	"fmt"
	"math"
	"slices"
	"sync"
)

// Tensor is one tensor of an open [File]. Its values are read when they are asked for.
type Tensor struct {
	Name  string
	DType DType
	Shape []int

	strides []int64 // elements; nil: contiguous
	offset  int64   // elements into the storage
	storage *storage
}

// storage is a run of values in a file, of which tensors are views.
type storage struct {
	src  *source
	key  string // as the file calls it
	off  int64  // bytes from the file's start
	size int64  // bytes

	// crc is what the bytes' CRC-32 must be, checked when they are first read. 0: the file does not say, as most formats,
	// and torch with set_crc32_options(False).
	crc      uint32
	checkCRC sync.Once
	crcErr   error
}

// Len is the number of elements.
func (t *Tensor) Len() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// NumBytes is the size of the values, contiguous and in the file's type.
func (t *Tensor) NumBytes() int64 { return int64(t.Len()) * int64(t.DType.Size()) }

// Contiguous reports whether the values lie in row-major order without gaps.
func (t *Tensor) Contiguous() bool { return t.strides == nil }

// SharesStorage reports whether both tensors are views of one run of values in their file, as tied parameters are.
func (t *Tensor) SharesStorage(o *Tensor) bool { return t.storage == o.storage }

// sameView reports whether both tensors are the very same values of one storage.
func (t *Tensor) sameView(o *Tensor) bool {
	return t.storage == o.storage && t.DType == o.DType && t.offset == o.offset &&
		slices.Equal(t.Shape, o.Shape) && slices.Equal(t.strides, o.strides)
}

// Path is the file that holds the values.
func (t *Tensor) Path() string { return t.storage.src.path }

// newView checks a view of a storage and returns it as a tensor. No strides mean contiguous. All numbers may be hostile.
func newView(st *storage, dtype DType, offset int64, shape []int, strides []int64) (*Tensor, error) {
	item := int64(dtype.Size())
	capacity := st.size / item
	n := int64(1)
	for _, d := range shape {
		if d < 0 {
			return nil, fmt.Errorf("shape %v has a negative size", shape)
		}
		if d == 0 {
			n = 0
		}
	}
	for _, d := range shape {
		if n > 0 && int64(d) > math.MaxInt64/8/n {
			return nil, fmt.Errorf("shape %v is impossibly large", shape)
		}
		n *= int64(d)
	}
	last := n - 1 // greatest element that is read
	if strides != nil {
		if len(strides) != len(shape) {
			return nil, fmt.Errorf("%d strides for shape %v", len(strides), shape)
		}
		last = 0
		contiguous, expect := true, int64(1)
		for i := len(shape) - 1; i >= 0; i-- {
			d, s := int64(shape[i]), strides[i]
			if s < 0 {
				return nil, fmt.Errorf("stride %d is negative", s)
			}
			if d > 1 {
				contiguous = contiguous && s == expect
				if s > math.MaxInt64/2/d || last > math.MaxInt64/2-(d-1)*s {
					return nil, fmt.Errorf("strides %v are impossibly large", strides)
				}
				last += (d - 1) * s
			}
			expect *= d
		}
		if contiguous || n == 0 {
			strides = nil
		}
	}
	if n > 0 && (offset < 0 || last >= capacity || offset > capacity-1-last) {
		return nil, fmt.Errorf("a view of shape %v from element %d on does not fit in storage %q of %d elements", shape, offset, st.key, capacity)
	}
	// A stride of 0 repeats values, so a small file could ask for any amount of memory.
	if limit := st.src.size + 1<<20; n*item > limit {
		return nil, fmt.Errorf("a repeating view of shape %v would need %d bytes, more than the file has", shape, n*item)
	}
	return &Tensor{DType: dtype, Shape: shape, strides: strides, offset: offset, storage: st}, nil
}

// describe is the tensor as errors call it.
func (t *Tensor) describe() string {
	return fmt.Sprintf("%s: tensor %q %s %v", t.storage.src.path, t.Name, t.DType, t.Shape)
}

// Storage identifies the run of values that the tensor is a view of; see [Tensor.SharesStorage]. It is good for a map's
// key and nothing else.
func (t *Tensor) Storage() any { return t.storage }
