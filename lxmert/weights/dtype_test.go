package weights_test

import (
	"math"
	"path/filepath"
	"slices"
	"sort"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// half is the value of an IEEE half by its definition.
func half(bits int) float64 {
	sign, exp, frac := 1.0, bits>>10&31, float64(bits&1023)
	if bits&0x8000 != 0 {
		sign = -1
	}
	switch exp {
	case 31:
		if frac == 0 {
			return sign * math.Inf(1)
		}
		return math.NaN()
	case 0:
		return sign * frac * math.Pow(2, -24)
	}
	return sign * (1 + frac/1024) * math.Pow(2, float64(exp-15))
}

// halves are all finite values from 0 on, ascending; the last stands for infinity.
var halves = func() []float64 {
	var v []float64
	for bits := range 0x7c00 {
		v = append(v, half(bits))
	}
	return append(v, 65536)
}()

// nearestHalf rounds by searching.
func nearestHalf(f float32) float32 {
	x := math.Abs(float64(f))
	i := sort.SearchFloat64s(halves, x)
	switch {
	case i == len(halves):
		i--
	case i > 0:
		below, above := x-halves[i-1], halves[i]-x
		if below < above || below == above && i%2 == 1 {
			i--
		}
	}
	y := halves[i]
	if i == len(halves)-1 {
		y = math.Inf(1)
	}
	return float32(math.Copysign(y, float64(f)))
}

// through writes values in a type and reads them back.
func through(t *testing.T, values []float32, dtype weights.DType) []float32 {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.safetensors")
	if err := weights.Write(path, []weights.Item{weights.FromFloats("x", []int{len(values)}, values, dtype)}, nil); err != nil {
		t.Fatal(err)
	}
	return floats(t, tensor(t, open(t, path), "x"))
}

func TestEveryHalfSurvives(t *testing.T) {
	var values []float32
	for bits := range 1 << 16 {
		values = append(values, float32(half(bits)))
	}
	for i, got := range through(t, values, weights.F16) {
		if want := values[i]; got != want && (got == got || want == want) || math.Signbit(float64(got)) != math.Signbit(float64(want)) && want == want {
			t.Fatalf("%04x: %v, want %v", i, got, want)
		}
	}
}

func TestRoundingIsToNearestEven(t *testing.T) {
	var values []float32
	for i := 1; i < len(halves); i++ {
		middle := float32((halves[i-1] + halves[i]) / 2) // exact: one bit more than a half
		values = append(values, middle, -middle, math.Nextafter32(middle, 0), math.Nextafter32(middle, 1e9))
	}
	values = append(values, 1e-30, 3.4e38, float32(math.Inf(-1)), math.SmallestNonzeroFloat32, 65519.996, 65520)
	for i, got := range through(t, values, weights.F16) {
		if want := nearestHalf(values[i]); got != want {
			t.Fatalf("%v becomes %v, want %v", values[i], got, want)
		}
	}
	for _, c := range []struct{ bits, want uint32 }{
		{0x3f808000, 0x3f800000}, {0x3f818000, 0x3f820000}, {0x3f808001, 0x3f810000}, {0x3f807fff, 0x3f800000},
		{0x7f7fffff, 0x7f800000}, {0x80000001, 0x80000000}, {0xff800000, 0xff800000},
	} {
		got := math.Float32bits(through(t, []float32{math.Float32frombits(c.bits)}, weights.BF16)[0])
		if got != c.want {
			t.Errorf("%08x becomes bfloat16 %08x, want %08x", c.bits, got, c.want)
		}
	}
	if got := through(t, []float32{float32(math.NaN())}, weights.BF16)[0]; got == got {
		t.Errorf("NaN becomes %v", got)
	}
}

// TestDoublesAreRoundedOnce: 1 + 2^-11 + 2^-40 lies above the middle between two halves; going through float32 would
// put it on the middle and round it down.
func TestDoublesAreRoundedOnce(t *testing.T) {
	x := 1 + math.Pow(2, -11) + math.Pow(2, -40)
	dir := t.TempDir()
	items := []weights.Item{rawItem("x", weights.F64, []int{3}, float64Bytes(x, -x, 1e300))}
	if err := weights.Write(filepath.Join(dir, "x.pth"), items, nil); err != nil {
		t.Fatal(err)
	}
	wide := tensor(t, open(t, filepath.Join(dir, "x.pth")), "x")
	for dtype, want := range map[weights.DType][]float32{
		weights.F16:  {1 + 1.0/1024, -1 - 1.0/1024, float32(math.Inf(1))},
		weights.BF16: {1, -1, float32(math.Inf(1))},
	} {
		path := filepath.Join(dir, string(dtype)+".pth")
		if err := weights.Write(path, []weights.Item{weights.FromTensor("x", wide, dtype)}, nil); err != nil {
			t.Fatal(err)
		}
		if got := floats(t, tensor(t, open(t, path), "x")); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", dtype, got, want)
		}
	}
}
