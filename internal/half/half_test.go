package half

import (
	"math"
	"testing"
)

func TestHalfPrecisionIsRoundedToTheNearest(t *testing.T) {
	finite := 0
	for h := range uint16(0x7c00) {
		v := Widen(h)
		for sign := range uint16(2) {
			want := h | sign<<15
			if got := Round(Widen(want)); got != want {
				t.Fatalf("%#x becomes %#x", want, got)
			}
		}
		next := Widen(h + 1)
		if h+1 == 0x7c00 {
			next = 65536 // where the next number would be
		}
		middle := (v + next) / 2
		even := h + h&1
		for at, want := range map[float32]uint16{
			middle: even, math.Nextafter32(middle, 0): h, math.Nextafter32(middle, math.MaxFloat32): h + 1,
			-middle: even | 0x8000, -math.Nextafter32(middle, 0): h | 0x8000,
		} {
			if got := Round(at); got != want {
				t.Fatalf("%g becomes %#x, expected %#x: between %g and %g", at, got, want, v, next)
			}
		}
		finite++
	}
	if finite != 0x7c00 {
		t.Errorf("%d numbers", finite)
	}
	for v, want := range map[float32]uint16{float32(math.Inf(1)): 0x7c00, float32(math.Inf(-1)): 0xfc00, math.MaxFloat32: 0x7c00, math.SmallestNonzeroFloat32: 0} {
		if got := Round(v); got != want {
			t.Errorf("%g becomes %#x, expected %#x", v, got, want)
		}
	}
	if nan := Widen(Round(float32(math.NaN()))); nan == nan {
		t.Errorf("not a number becomes %g", nan)
	}
}
