//go:build gotch

package torch

import (
	"strings"
	"sync/atomic"
	"unsafe"

	"github.com/sugarme/gotch/libtch"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// libtorch's numbers for types.
const (
	kindInt64   = 4
	kindFloat32 = 6
)

// tensor is libtorch's handle of one. It belongs to the arena that made it.
type tensor = libtch.Ctensor

// arena makes tensors and frees all of them at once. Its methods are called by the owner only, and panic with a failure where
// libtorch reports an error.
type arena struct {
	device int // -1: the processor, else a GPU
	made   []tensor
	held   *atomic.Int64 // counts what is made and not yet freed; nil: nobody counts
}

// own takes tensors that the arena is to free.
func (a *arena) own(made ...tensor) {
	a.made = append(a.made, made...)
	if a.held != nil {
		a.held.Add(int64(len(made)))
	}
}

// free frees every tensor of the arena.
func (a *arena) free() {
	for _, t := range a.made {
		libtch.AtFree(t)
	}
	if a.held != nil {
		a.held.Add(-int64(len(a.made)))
	}
	a.made = nil
}

// check stops the computation if libtorch has reported an error.
func check() {
	if message := lastError(); message != "" {
		fail("libtorch: %s", message)
	}
}

// lastError is what libtorch has reported, in a line; "": nothing.
func lastError() string {
	message := libtch.GetAndResetLastErr()
	if message == nil {
		return ""
	}
	at := unsafe.Pointer(message)
	n := 0
	for *(*byte)(unsafe.Add(at, n)) != 0 {
		n++
	}
	return saidBy(string(unsafe.Slice((*byte)(at), n)))
}

// saidBy picks the line that says what is wrong: the first one, or, where libtorch tells the way through a module, that of the
// error at its end.
func saidBy(text string) string {
	const atTheEnd = "RuntimeError: "
	first, rest, _ := strings.Cut(text, "\n")
	if at := strings.LastIndex(rest, "\n"+atTheEnd); at >= 0 {
		first, _, _ = strings.Cut(rest[at+1+len(atTheEnd):], "\n")
	}
	return excerpt.Line(first, longestError)
}

// longestError bounds what is told of an error, in characters.
const longestError = 300

// op is a tensor that libtorch makes.
func (a *arena) op(f func(out *tensor)) tensor {
	var out tensor
	f(&out)
	check()
	a.own(out)
	return out
}

// data is a tensor of numbers that are copied to the device.
func (a *arena) data(at unsafe.Pointer, shape []int, size uint, kind int) tensor {
	dims := int64s(shape)
	t := libtch.AtTensorOfData(at, dims, uint(len(dims)), size, kind)
	check()
	a.own(t)
	if a.device < 0 {
		return t
	}
	return a.op(func(out *tensor) { libtch.AtgTo(out, t, int32(a.device)) })
}

func (a *arena) floats(x []float32, shape ...int) tensor {
	return a.data(unsafe.Pointer(unsafe.SliceData(append(x, 0)[:len(x)])), shape, 4, kindFloat32)
}

// ints are indices, which libtorch wants in 64 bits.
func (a *arena) ints(x []int32, shape ...int) tensor {
	return a.data(unsafe.Pointer(unsafe.SliceData(int64s(x))), shape, 8, kindInt64)
}

// host copies float32 values from the device.
func (a *arena) host(t tensor) []float32 {
	x := make([]float32, lxmert.Size(shapeOf(t)))
	if len(x) > 0 {
		libtch.AtCopyData(t, unsafe.Pointer(&x[0]), uint(len(x)), 4)
		check()
	}
	return x
}

func shapeOf(t tensor) []int {
	dims := make([]int64, libtch.AtDim(t), 8)
	check()
	libtch.AtShape(t, unsafe.Pointer(unsafe.SliceData(dims)))
	check()
	shape := make([]int, len(dims))
	for i, d := range dims {
		shape[i] = int(d)
	}
	return shape
}

// int64s always points to something, which libtorch wants of what is empty, too.
func int64s[T int | int32](x []T) []int64 {
	out := make([]int64, len(x), len(x)+1)
	for i, v := range x {
		out[i] = int64(v)
	}
	return out
}

// The operations of the model. Each is PyTorch's function of that name.

func (a *arena) binary(f func(out *tensor, x, y tensor), x, y tensor) tensor {
	return a.op(func(out *tensor) { f(out, x, y) })
}

func (a *arena) add(x, y tensor) tensor    { return a.binary(libtch.AtgAdd, x, y) }
func (a *arena) sub(x, y tensor) tensor    { return a.binary(libtch.AtgSub, x, y) }
func (a *arena) mul(x, y tensor) tensor    { return a.binary(libtch.AtgMul, x, y) }
func (a *arena) div(x, y tensor) tensor    { return a.binary(libtch.AtgDiv, x, y) }
func (a *arena) matmul(x, y tensor) tensor { return a.binary(libtch.AtgMatmul, x, y) }
func (a *arena) and(x, y tensor) tensor    { return a.binary(libtch.AtgLogicalAnd, x, y) }

func (a *arena) unary(f func(out *tensor, x tensor), x tensor) tensor {
	return a.op(func(out *tensor) { f(out, x) })
}

func (a *arena) scalar(f func(out *tensor, x tensor, y libtch.Cscalar), x tensor, y float64) tensor {
	s := libtch.AtsFloat(y)
	defer libtch.AtsFree(s)
	return a.op(func(out *tensor) { f(out, x, s) })
}

func (a *arena) times(x tensor, y float64) tensor { return a.scalar(libtch.AtgMulScalar, x, y) }
func (a *arena) plus(x tensor, y float64) tensor  { return a.scalar(libtch.AtgAddScalar, x, y) }
func (a *arena) above(x tensor, y float64) tensor { return a.scalar(libtch.AtgGt, x, y) }

// atLeast is the larger of each number and y.
func (a *arena) atLeast(x tensor, y float64) tensor { return a.scalar(libtch.AtgClampMin, x, y) }

// filled has y in all places.
func (a *arena) filled(like tensor, y float64) tensor {
	return a.scalar(libtch.AtgFullLike, like, y)
}

func (a *arena) where(condition, x, y tensor) tensor {
	return a.op(func(out *tensor) { libtch.AtgWhereSelf(out, condition, x, y) })
}

func (a *arena) detach(x tensor) tensor { return a.unary(libtch.AtgDetach, x) }

func (a *arena) linear(x, weight, bias tensor) tensor {
	return a.op(func(out *tensor) { libtch.AtgLinear(out, x, weight, bias) })
}

func (a *arena) softmax(x tensor) tensor {
	return a.op(func(out *tensor) { libtch.AtgSoftmax(out, x, -1, kindFloat32) })
}

func (a *arena) logSoftmax(x tensor) tensor {
	return a.op(func(out *tensor) { libtch.AtgLogSoftmax(out, x, -1, kindFloat32) })
}

func (a *arena) reshape(x tensor, shape ...int) tensor {
	return a.op(func(out *tensor) { libtch.AtgReshape(out, x, int64s(shape), len(shape)) })
}

func (a *arena) expand(x tensor, shape ...int) tensor {
	return a.op(func(out *tensor) { libtch.AtgExpand(out, x, int64s(shape), len(shape), 0) })
}

func (a *arena) transpose(x tensor, i, j int64) tensor {
	return a.op(func(out *tensor) { libtch.AtgTranspose(out, x, i, j) })
}

// rows takes entries along the first axis: those of an embedding table, or of a batch.
func (a *arena) rows(x, index tensor) tensor {
	return a.op(func(out *tensor) { libtch.AtgIndexSelect(out, x, 0, index) })
}

// first is the first n entries along an axis.
func (a *arena) first(x tensor, axis, n int64) tensor {
	return a.op(func(out *tensor) { libtch.AtgSlice(out, x, axis, 0, 0, n, 0, 1) })
}

func (a *arena) gather(x tensor, axis int64, index tensor) tensor {
	return a.op(func(out *tensor) { libtch.AtgGather(out, x, axis, index, 0) })
}

// sumLast and meanLast and most go along the last axis, which stays.
func (a *arena) sumLast(x tensor) tensor {
	return a.op(func(out *tensor) { libtch.AtgSumDimIntlist(out, x, []int64{-1}, 1, 1, kindFloat32) })
}

func (a *arena) meanLast(x tensor) tensor {
	return a.op(func(out *tensor) { libtch.AtgMeanDim(out, x, []int64{-1}, 1, 1, kindFloat32) })
}

func (a *arena) most(x tensor) tensor {
	return a.op(func(out *tensor) { libtch.AtgAmax(out, x, []int64{-1}, 1, 1) })
}

func (a *arena) sum(x tensor) tensor {
	return a.op(func(out *tensor) { libtch.AtgSum(out, x, kindFloat32) })
}

func (a *arena) exp(x tensor) tensor { return a.unary(libtch.AtgExp, x) }
func (a *arena) abs(x tensor) tensor { return a.unary(libtch.AtgAbs, x) }
