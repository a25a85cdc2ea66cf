package lxmert

import (
	"math"
	"slices"
	"testing"
)

func TestSizeOfImpossibleShapesIsNoLength(t *testing.T) {
	for _, c := range []struct {
		shape []int
		want  int
	}{
		{nil, 1},
		{[]int{}, 1},
		{[]int{3}, 3},
		{[]int{2, 3, 4}, 24},
		{[]int{2, 0, 4}, 0},
		{[]int{math.MaxInt, math.MaxInt, 0}, 0},
		{[]int{1 << 32, 1 << 32}, math.MaxInt},
		{[]int{1 << 31, 1 << 31, 4}, math.MaxInt},
		{[]int{math.MaxInt, 1}, math.MaxInt},
		{[]int{-2, -3}, math.MaxInt},
		{[]int{0, -1}, math.MaxInt},
	} {
		if got := Size(c.shape); got != c.want {
			t.Errorf("%v has size %d, expected %d", c.shape, got, c.want)
		}
	}
}

func TestRowAndAtSeeTheSameMemory(t *testing.T) {
	x := NewTensor(2, 3, 4)
	for i := range x.Data {
		x.Data[i] = float32(i)
	}
	row := x.Row(1)
	if !slices.Equal(row.Shape, []int{3, 4}) || row.At(2, 3) != 23 || x.At(1, 2, 3) != 23 {
		t.Errorf("row %v %v", row.Shape, row.Data)
	}
	row.Data[0] = 99
	if x.At(1, 0, 0) != 99 {
		t.Error("a row is a copy")
	}
	first := x.Row(0)
	if _ = append(first.Data, -1); x.At(1, 0, 0) != 99 {
		t.Error("appending to a row writes into the next")
	}
	if (Tensor{Data: []float32{5}}).At() != 5 {
		t.Error("a number without axes has no entry")
	}
}

func TestAtPanicsOutOfRange(t *testing.T) {
	for _, index := range [][]int{{}, {0}, {0, 3}, {2, 0}, {-1, 0}, {0, 0, 0}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%v of a tensor of shape [2,3] is something", index)
				}
			}()
			NewTensor(2, 3).At(index...)
		}()
	}
}

func TestZeroTensorIsNone(t *testing.T) {
	if !(Tensor{}).IsZero() || NewTensor(0).IsZero() || NewTensor(2).IsZero() || (Tensor{Data: []float32{1}}).IsZero() {
		t.Error("IsZero holds for a tensor")
	}
}
