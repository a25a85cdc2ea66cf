package analysis_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
)

func TestRunningMeansHaveTheIntervalsOfMeans(t *testing.T) {
	for _, n := range []int{2, 40, 1000, 30_000} {
		random := rand.New(rand.NewPCG(3, uint64(n)))
		var values []float64
		var r analysis.Running
		for i := range n {
			values = append(values, random.NormFloat64()+5)
			r.Add(i, values[i])
		}
		low, high := analysis.NewResamples(n, 2000, 0.95, random).Interval(&r)
		// The standard error says where the ends must be; of two examples a bootstrap knows only the values.
		mean, squares := analysis.Mean(values), 0.0
		for _, x := range values {
			squares += (x - mean) * (x - mean)
		}
		e := 1.96 * math.Sqrt(squares) / float64(n)
		if math.Abs(r.Mean()-mean) > 1e-9 || r.N() != n {
			t.Errorf("mean %g of %d, expected %g of %d", r.Mean(), r.N(), mean, n)
		}
		if n > 2 && (math.Abs(low-(mean-e)) > 0.15*e || math.Abs(high-(mean+e)) > 0.15*e) {
			t.Errorf("%d values: %g to %g, expected %g to %g", n, low, high, mean-e, mean+e)
		}
		if n == 2 && (low != min(values[0], values[1]) || high != max(values[0], values[1])) {
			t.Errorf("two values %v: %g to %g", values, low, high)
		}
	}
}

func TestRunningMeansLeaveOutWhatIsNotDefined(t *testing.T) {
	var r analysis.Running
	if low, high := analysis.NewResamples(3, 10, 0.95, rand.New(rand.NewPCG(1, 1))).Interval(&r); !math.IsNaN(r.Mean()) || !math.IsNaN(low) || !math.IsNaN(high) {
		t.Errorf("of nothing: %g, %g to %g", r.Mean(), low, high)
	}
	r.Add(0, math.NaN())
	r.Add(1, 2)
	r.Add(1, 4)
	if r.Mean() != 3 || r.N() != 2 {
		t.Errorf("mean %g of %d", r.Mean(), r.N())
	}
}
