package lxmert

import (
	"cmp"
	"math"
	"slices"
)

// LogProbabilities are the natural logarithms of [Probabilities], which stay finite where these would be 0.
func LogProbabilities(kind string, logits []float32) []float64 {
	out := make([]float64, len(logits))
	if len(logits) == 0 {
		return out
	}
	if kind == Sigmoid {
		for i, x := range logits {
			out[i] = -softplus(-float64(x))
		}
		return out
	}
	sum, largest := 0.0, float64(slices.Max(logits))
	for _, x := range logits {
		sum += math.Exp(float64(x) - largest)
	}
	for i, x := range logits {
		out[i] = float64(x) - largest - math.Log(sum)
	}
	return out
}

// softplus is ln(1 + e^x).
func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// RankOf is the place of a class when values are sorted, 1 for the largest; of equal values the first class comes first.
func RankOf(values []float64, class int) int {
	rank := 1
	for k, x := range values {
		if x > values[class] || x == values[class] && k < class {
			rank++
		}
	}
	return rank
}

// LargestOf are the classes of the n largest values, the largest first; of equal ones the first class.
func LargestOf(values []float64, n int) []int {
	order := make([]int, len(values))
	for k := range order {
		order[k] = k
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[b], values[a]) })
	return order[:min(n, len(order))]
}
