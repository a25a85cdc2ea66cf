package sweep

import (
	"math"

	"github.com/seed-516990b0/golxmert/analysis"
)

// student is the mean of values and half the width of its 95 % interval by Student's t; NaN of a single value.
func student(values []float64) (mean, half float64) {
	mean = analysis.Mean(values)
	n := float64(len(values))
	if n < 2 {
		return mean, math.NaN()
	}
	squares := 0.0
	for _, x := range values {
		squares += (x - mean) * (x - mean)
	}
	return mean, studentWithin(level, len(values)-1) * math.Sqrt(squares/(n-1)/n)
}

// studentWithin is the t that a Student's t of whole degrees of freedom stays within, on both sides, with a probability
// from 0 to 1 (Abramowitz and Stegun, 26.7.3 and 26.7.4, solved by halving).
func studentWithin(probability float64, freedom int) float64 {
	within := func(t float64) float64 {
		angle := math.Atan(t / math.Sqrt(float64(freedom)))
		sin, cos := math.Sincos(angle)
		term, sum := 1.0, 0.0
		if freedom%2 == 1 {
			term = cos
			for k := 1; k <= freedom-2; k += 2 {
				sum += term
				term *= cos * cos * float64(k+1) / float64(k+2)
			}
			return 2 / math.Pi * (angle + sin*sum)
		}
		for k := 0; k <= freedom-2; k += 2 {
			sum += term
			term *= cos * cos * float64(k+1) / float64(k+2)
		}
		return sin * sum
	}
	low, high := 0.0, 1.0
	for within(high) < probability {
		high *= 2
	}
	for range 100 {
		if middle := (low + high) / 2; within(middle) < probability {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}
