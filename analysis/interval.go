package analysis

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Mean is the mean of the values that are numbers; NaN if there is none.
func Mean(values []float64) float64 {
	sum, n := 0.0, 0.0
	for _, x := range values {
		if !math.IsNaN(x) {
			sum, n = sum+x, n+1
		}
	}
	return sum / n
}

// Bootstrap is the percentile interval of a statistic of n examples: it is computed for resamples of the examples, each
// drawn n times with replacement, and the interval holds the given share (level, such as 0.95) of the results. Resamples
// whose statistic is NaN are left out; with none left, or no examples, both ends are NaN.
func Bootstrap(n, resamples int, level float64, random *rand.Rand, statistic func(examples []int) float64) (low, high float64) {
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	var results []float64
	drawn := make([]int, n)
	for range resamples {
		for i := range drawn {
			drawn[i] = random.IntN(n)
		}
		if x := statistic(drawn); !math.IsNaN(x) {
			results = append(results, x)
		}
	}
	slices.Sort(results)
	return Quantile(results, (1-level)/2), Quantile(results, (1+level)/2)
}

// MeanInterval is the mean of values and its [Bootstrap] interval.
func MeanInterval(values []float64, resamples int, level float64, random *rand.Rand) (mean, low, high float64) {
	low, high = Bootstrap(len(values), resamples, level, random, func(examples []int) float64 {
		sum, n := 0.0, 0.0
		for _, i := range examples {
			if x := values[i]; !math.IsNaN(x) {
				sum, n = sum+x, n+1
			}
		}
		return sum / n
	})
	return Mean(values), low, high
}

// Quantile is the value below which a share q of ascending values lies, between two values in proportion; NaN of nothing.
func Quantile(ascending []float64, q float64) float64 {
	if len(ascending) == 0 {
		return math.NaN()
	}
	at := min(max(q, 0), 1) * float64(len(ascending)-1)
	i := min(int(at), len(ascending)-1)
	if i+1 == len(ascending) {
		return ascending[i]
	}
	return ascending[i] + (at-float64(i))*(ascending[i+1]-ascending[i])
}
