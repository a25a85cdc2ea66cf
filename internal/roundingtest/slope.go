package roundingtest

import "math"

// slopeSteps are those of finite differences, from 1/16 down, each half of the one before. Over the last, a float32 of about 1
// changes by some hundred of the steps that it has.
const slopeSteps = 13

// Slopes differentiates numbers at 0 by finite differences, and says how far from the truth each slope may be, so that a
// gradient can be held to what the numbers allow, however bent their curve is and however coarsely they were computed. f
// gives as many numbers for each step.
//
// A central difference over a step h is off by what the curve bends, a multiple of h² where h is small, and by the numbers'
// rounding divided by h. Halving h tells the first, which extrapolation then removes (Richardson, 1911): what it moves is more
// than what it leaves. Steps of which a float32 sees next to nothing tell the second. Of all steps the best counts, unless
// finer ones see another slope than their rounding explains: a curve may bend more sharply than a coarse step can see.
func Slopes(f func(h float64) []float64) (slopes, within []float64) {
	at := f(0)
	noise := make([]float64, len(at))
	for k := range 6 {
		h := float64(k+1) * 0x1p-22
		ahead, behind := f(h), f(-h)
		for i := range at {
			// Of six the largest may be a small one; and a last bit or two are lost in any case.
			noise[i] = max(noise[i], 2*math.Abs(ahead[i]-2*at[i]+behind[i]), 0x1p-22*math.Abs(at[i]))
		}
	}
	steps := make([][]float64, slopeSteps) // central differences
	for k := range steps {
		ahead, behind := f(slopeStep(k)), f(-slopeStep(k))
		steps[k] = make([]float64, len(at))
		for i := range at {
			steps[k][i] = (ahead[i] - behind[i]) / (2 * slopeStep(k))
			if k >= slopeSteps-2 {
				noise[i] = max(noise[i], 2*math.Abs(ahead[i]-2*at[i]+behind[i]))
			}
		}
	}
	slopes, within = make([]float64, len(at)), make([]float64, len(at))
	for i := range at {
		curve := make([]float64, slopeSteps)
		for k := range curve {
			curve[k] = steps[k][i]
		}
		slopes[i], within[i] = extrapolated(curve, noise[i])
	}
	return slopes, within
}

func slopeStep(k int) float64 { return 1.0 / float64(int(16)<<k) }

// extrapolated makes one slope of central differences of numbers that may be off by noise.
func extrapolated(differences []float64, noise float64) (slope, within float64) {
	type estimate struct{ slope, bend, noise float64 }
	var all []estimate
	for k := 1; k < len(differences); k++ {
		moved := (differences[k] - differences[k-1]) / 3
		e := estimate{differences[k] + moved, math.Abs(moved), 1.5 * noise / slopeStep(k)}
		if k > 1 { // two differences may agree by chance, so the bend counts as at least a quarter of the one before
			e.bend = max(e.bend, all[k-2].bend/4)
		}
		all = append(all, e)
	}
	within = math.Inf(1)
	for k, e := range all[:len(all)-1] {
		off := max(e.bend, math.Abs(all[k+1].slope-e.slope))
		for _, finer := range all[k+2:] {
			off = max(off, math.Abs(finer.slope-e.slope)-finer.noise)
		}
		if off += e.noise; off < within {
			slope, within = e.slope, off
		}
	}
	return slope, within
}
