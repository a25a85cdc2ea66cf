package train

import (
	"fmt"
	"math"
)

// Schedule is how the learning rate goes from the first step to the last, as in BertAdam: x is the step divided by the
// total number of steps, from 0.
type Schedule struct {
	Kind   string  // "linear" (the default), "constant" or "cosine"
	Warmup float64 // the part of all steps in which the rate rises to its peak, 0 to below 1; -1: none
	Total  int     // steps; -1: the rate stays at its peak
}

// Check returns an error for a schedule that BertAdam does not have.
func (s Schedule) Check() error {
	switch s.Kind {
	case "", "linear", "constant", "cosine":
	default:
		return fmt.Errorf("train: no learning rate schedule %q; there are linear, constant and cosine", s.Kind)
	}
	if s.Warmup != -1 && !(s.Warmup >= 0 && s.Warmup < 1) {
		return fmt.Errorf("train: warm-up %g, must be from 0 to below 1, or -1 for none", s.Warmup)
	}
	return nil
}

// Factor multiplies the peak learning rate at a step, counted from 0. With warm-up the first step has rate 0, and with
// linear and no warm-up at all (-1) the first has half the peak: both are the reference's.
func (s Schedule) Factor(step int) float64 {
	if s.Total < 0 {
		return 1
	}
	return s.at(float64(step) / float64(s.Total))
}

// at is the factor at a part of all steps.
func (s Schedule) at(x float64) float64 {
	w := s.Warmup
	if x < w {
		return x / w
	}
	switch s.Kind {
	case "constant":
		return 1
	case "cosine":
		return 0.5 * (1 + math.Cos(math.Pi*x))
	default:
		return max((x-1)/(w-1), 0)
	}
}
