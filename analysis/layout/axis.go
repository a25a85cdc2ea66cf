package layout

import (
	"fmt"
	"math"
	"strings"
)

// Ticks returns the multiples of a round number (1, 2 or 5 times a power of ten) from low to high: as many as there can be
// without being more than most.
func Ticks(low, high float64, most int) []float64 {
	span := high - low
	if !(span > 0) || math.IsInf(span, 0) {
		return []float64{low}
	}
	base := math.Pow(10, math.Floor(math.Log10(span))-1)
	for _, f := range []float64{0.5, 1, 2, 5, 10, 20, 50, 100} {
		step := base * f
		first := math.Ceil(low/step - 1e-6)
		last := math.Floor(high/step + 1e-6)
		if n := int(last-first) + 1; n > most {
			continue
		}
		var out []float64
		for k := first; k <= last; k++ {
			out = append(out, k*step+0) // + 0: there is no negative zero
		}
		if out == nil {
			break
		}
		return out
	}
	return []float64{low, high}
}

// TickText writes a multiple of a round number.
func TickText(x float64) string { return strings.Replace(fmt.Sprintf("%.6g", x), "-", "−", 1) }

// Extent is the range of an axis of numbers that are drawn from low to high. Where 0 is not far it begins there, because
// the eye compares heights; else cut says that the axis must be marked as broken.
func Extent(low, high float64) (from, to float64, cut bool) {
	if low > high { // nothing but gaps
		low, high = 0, 1
	}
	if low == high {
		d := math.Max(0.5*math.Abs(low), 0.5)
		low, high = low-d, high+d
		if low < 0 && high-d >= 0 {
			low = 0
		}
	}
	pad := 0.05 * (high - low)
	from, to = low-pad, high+pad
	if high <= 1 && to > 1 {
		to = 1 // shares end there
	}
	if low >= 0 && low <= 0.7*high {
		from = 0
	}
	if cut = from > 0; cut {
		from = math.Max(0, low-0.15*(high-low)) // room for the marks of the break
	}
	return from, to, cut
}
