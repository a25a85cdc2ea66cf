package lxmert

import (
	"math"
	"slices"
	"testing"
)

func TestLogProbabilitiesAreThoseOfProbabilities(t *testing.T) {
	logits := []float32{2, -1, 0.5, 2, -30}
	for _, kind := range []string{Softmax, Sigmoid} {
		p := Probabilities(kind, logits)
		for i, x := range LogProbabilities(kind, logits) {
			if math.Abs(x-math.Log(p[i])) > 1e-12*(1+math.Abs(x)) {
				t.Errorf("%s, class %d: %g, the logarithm of the probability is %g", kind, i, x, math.Log(p[i]))
			}
		}
	}
	// The probability itself is 0 in float64.
	for _, kind := range []string{Softmax, Sigmoid} {
		if x := LogProbabilities(kind, []float32{0, -2000}); math.Abs(x[1]+2000) > 1 {
			t.Errorf("%s: %g, want about -2000", kind, x[1])
		}
	}
	if len(LogProbabilities(Softmax, nil)) != 0 {
		t.Error("no logits have probabilities")
	}
}

func TestRanksOfEqualValuesGoByClass(t *testing.T) {
	values := []float64{1, 3, 3, 0}
	order := LargestOf(values, 9)
	if !slices.Equal(order, []int{1, 2, 0, 3}) {
		t.Errorf("sorted %v", order)
	}
	for place, class := range order {
		if rank := RankOf(values, class); rank != place+1 {
			t.Errorf("class %d has rank %d at place %d", class, rank, place)
		}
	}
	if got := LargestOf(values, 1); !slices.Equal(got, []int{1}) {
		t.Errorf("the largest is %v", got)
	}
}
