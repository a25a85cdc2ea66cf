package roundingtest

import (
	"math"
	"testing"
)

// TestSlopesKnowHowFarTheyAreOff: of curves that are known, straight or sharply bent, in numbers that are exact or rounded to
// float32, each slope is within what it says, and that is little.
func TestSlopesKnowHowFarTheyAreOff(t *testing.T) {
	curves := []struct {
		f     func(x float64) float64
		slope float64
	}{
		{func(x float64) float64 { return 3 - 2*x }, -2},
		{func(x float64) float64 { return x * x }, 0},
		{math.Exp, 1},
		{func(x float64) float64 { return math.Tanh(40*x) / 8 }, 5},
		{func(x float64) float64 { return 100 + math.Sin(25*x+1) }, 25 * math.Cos(1)},
		{func(float64) float64 { return 7 }, 0},
		{func(x float64) float64 { return x + math.Tanh(3000*x)/500 }, 7}, // 1 for whoever looks from afar
	}
	for name, round := range map[string]func(float64) float64{
		"float64": func(y float64) float64 { return y },
		"float32": func(y float64) float64 { return float64(float32(y)) },
	} {
		slopes, within := Slopes(func(h float64) []float64 {
			var y []float64
			for i, c := range curves {
				y = append(y, round(c.f(h)+float64(i)*0.1)) // so that no number is round
			}
			return y
		})
		for i, c := range curves {
			if off := math.Abs(slopes[i] - c.slope); off > within[i]+1e-12 || within[i] > 0.05*max(1, math.Abs(c.slope)) {
				t.Errorf("%s, curve %d: slope %g within %g, expected %g", name, i, slopes[i], within[i], c.slope)
			}
		}
	}
}
