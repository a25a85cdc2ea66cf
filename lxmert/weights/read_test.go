package weights_test

import (
	"encoding/binary"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// TestWholeNumbersKeepTheirValues, up to the ends of each type's range.
func TestWholeNumbersKeepTheirValues(t *testing.T) {
	cases := map[weights.DType][]int64{
		weights.I64: {0, -1, math.MaxInt64, math.MinInt64}, weights.U64: {0, 1, math.MaxInt64, 5},
		weights.I32: {0, -1, math.MaxInt32, math.MinInt32}, weights.U32: {0, 1, math.MaxUint32, 5},
		weights.I16: {0, -1, math.MaxInt16, math.MinInt16}, weights.U16: {0, 1, math.MaxUint16, 5},
		weights.I8: {0, -1, math.MaxInt8, math.MinInt8}, weights.U8: {0, 1, math.MaxUint8, 5},
		weights.Bool: {0, 1, 1, 0},
	}
	var items []weights.Item
	for dtype, values := range cases {
		var b []byte
		for _, v := range values {
			b = append(b, binary.LittleEndian.AppendUint64(nil, uint64(v))[:dtype.Size()]...)
		}
		items = append(items, rawItem(string(dtype), dtype, []int{2, 2}, b))
	}
	items = append(items, rawItem("large", weights.U64, []int{1}, binary.LittleEndian.AppendUint64(nil, 1<<63)))
	path := filepath.Join(t.TempDir(), "x.safetensors")
	if err := weights.Write(path, items, nil); err != nil {
		t.Fatal(err)
	}
	f := open(t, path)
	for dtype, want := range cases {
		x := tensor(t, f, string(dtype))
		got, err := x.Int64s()
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v (%v), want %v", dtype, got, err, want)
		}
		wide, err := x.Float64s()
		for i, v := range want {
			if err != nil || wide[i] != float64(v) {
				t.Errorf("%s: %v (%v), want %v", dtype, wide[i], err, v)
			}
		}
	}
	if _, err := tensor(t, f, "large").Int64s(); err == nil || !strings.Contains(err.Error(), "beyond the range") {
		t.Errorf("2^63 as int64: error %v", err)
	}
	if err := tensor(t, f, "large").ReadFloat32(make([]float32, 2)); err == nil || !strings.Contains(err.Error(), "has room for 2") {
		t.Errorf("too large a destination: error %v", err)
	}
	if err := tensor(t, f, "large").ReadTransposed(make([]float32, 1)); err == nil || !strings.Contains(err.Error(), "only a matrix") {
		t.Errorf("a vector transposed: error %v", err)
	}
}

// BenchmarkRead measures bytes of the file per second, from the page cache.
func BenchmarkRead(b *testing.B) {
	const rows, cols = 3072, 4096
	data := make([]float32, rows*cols)
	for i := range data {
		data[i] = float32(i % 1000)
	}
	for _, dtype := range []weights.DType{weights.F32, weights.F16, weights.BF16} {
		path := filepath.Join(b.TempDir(), "x.pth")
		if err := weights.Write(path, []weights.Item{weights.FromFloats("x", []int{rows, cols}, data, dtype)}, nil); err != nil {
			b.Fatal(err)
		}
		x := tensor(b, open(b, path), "x")
		for name, read := range map[string]func([]float32) error{"plain": x.ReadFloat32, "transposed": x.ReadTransposed} {
			b.Run(string(dtype)+"/"+name, func(b *testing.B) {
				b.SetBytes(x.NumBytes())
				for b.Loop() {
					if err := read(data); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
