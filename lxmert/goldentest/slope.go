package goldentest

import "math"

// Slopes differentiates numbers at 0 by finite differences, and says how far from the truth each slope may be, so that a
// gradient can be held to what the numbers allow, however bent their curve is and however coarsely they were computed. f
// gives as many numbers for each step.
//
// A central difference over a step h is off by what the curve bends, a multiple of h² where h is small, and by the numbers'
// rounding divided by h. Halving h tells the first, which extrapolation then removes (Richardson, 1911): what it moves is more
// than what it leaves. Steps of which a float32 sees next to nothing tell the second. Of steps from 1/16 down, the best counts.
func Slopes(f func(h float64) []float64) (slopes, within []float64) {
	const halvings, ulp = 12, 1.0 / (1 << 23)
	low, high := f(0), f(0)
	for k := 1.0; k <= 3; k++ {
		for _, h := range []float64{2 * k * ulp, -2 * k * ulp} {
			for i, y := range f(h) {
				low[i], high[i] = min(low[i], y), max(high[i], y)
			}
		}
	}
	slopes, within = make([]float64, len(low)), make([]float64, len(low))
	for i := range within {
		within[i] = math.Inf(1)
	}
	last, bend := make([]float64, len(low)), make([]float64, len(low))
	for step := range halvings {
		h := 1.0 / float64(int(16)<<step)
		ahead, behind := f(h), f(-h)
		for i := range low {
			slope := (ahead[i] - behind[i]) / (2 * h)
			moved := (slope - last[i]) / 3
			last[i] = slope
			if step == 0 {
				continue
			}
			// Two differences may agree by chance, so the bend counts as at least a quarter of the one before.
			bend[i] = max(math.Abs(moved), bend[i]/4)
			rounding := high[i] - low[i]
			if off := bend[i] + 1.5*rounding/h; off < within[i] {
				slopes[i], within[i] = slope+moved, off
			}
		}
	}
	return slopes, within
}
