package bench

import (
	"math"
	"testing"
)

func TestBestAndMedian(t *testing.T) {
	for _, c := range []struct {
		values       []float64
		best, median float64
	}{
		{nil, 0, 0},
		{[]float64{3}, 3, 3},
		{[]float64{4, 1}, 1, 2.5},
		{[]float64{9, 1, 5}, 1, 5},
		{[]float64{8, 2, 6, 4}, 2, 5},
		{[]float64{1, 1, 1, 100}, 1, 1},
	} {
		if b, m := best(c.values), median(c.values); b != c.best || m != c.median {
			t.Errorf("%v: best %g, median %g; want %g, %g", c.values, b, m, c.best, c.median)
		}
	}
}

func TestMedianLeavesItsArgumentAlone(t *testing.T) {
	values := []float64{3, 1, 2}
	median(values)
	if values[0] != 3 || values[1] != 1 || values[2] != 2 {
		t.Errorf("sorted to %v", values)
	}
}

func TestDifferenceOfLogits(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		name string
		a, b [][]float32
		want float64
	}{
		{"equal", [][]float32{{1, -2}}, [][]float32{{1, -2}}, 0},
		{"all zero", [][]float32{{0}}, [][]float32{{0}}, 0},
		{"relative to the largest", [][]float32{{1, -4}, {0, 0}}, [][]float32{{1, -4}, {0, 1}}, 0.25},
		{"no rows", nil, nil, math.NaN()},
		{"other rows", [][]float32{{1}}, [][]float32{{1}, {1}}, math.NaN()},
		{"other classes", [][]float32{{1, 2}}, [][]float32{{1}}, math.NaN()},
		{"not a number", [][]float32{{nan}}, [][]float32{{1}}, math.NaN()},
	} {
		got := difference(c.a, c.b)
		if got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
			t.Errorf("%s: %g, want %g", c.name, got, c.want)
		}
	}
}

// resultOf is a measured process with two batch sizes.
func resultOf(totalS float64, rss int64, one, eight []float64) Result {
	return Result{Engine: "E", Device: "D", PeakRSS: rss, Opening: Opening{TotalS: totalS, StartS: totalS / 2}, Rows: []Timing{
		{Batch: 1, TimesMS: one, CompileS: 4}, {Batch: 8, TimesMS: eight, CompileS: 6}}}
}

func TestSidePoolsItsProcesses(t *testing.T) {
	s := newSide([]Result{
		resultOf(5, 100, []float64{10, 30}, []float64{80, 80}),
		resultOf(3, 300, []float64{20, 40}, []float64{100, 90}),
	}, "X=1", 2e9, 400)
	if s.Processes != 2 || s.PeakRSS != 300 || s.Opening.TotalS != 3 || s.Opening.StartS != 1.5 || s.MedianS != 4 || s.Setting != "X=1" {
		t.Errorf("side %+v", s)
	}
	want := []Row{
		{Batch: 1, BestMS: 10, MedianMS: 25, Examples: 100, GFLOPS: 200, Share: 0.5, CompileS: 4, Runs: 4},
		{Batch: 8, BestMS: 80, MedianMS: 85, Examples: 100, GFLOPS: 200, Share: 0.5, CompileS: 6, Runs: 4},
	}
	for i, row := range s.Rows {
		if row != want[i] {
			t.Errorf("row %+v, want %+v", row, want[i])
		}
	}
}

func TestComparisonTakesTheBetterSettingOfEachRow(t *testing.T) {
	ours := newSide([]Result{resultOf(1, 0, []float64{10}, []float64{100})}, "", 1, 0)
	a := newSide([]Result{resultOf(1, 0, []float64{15}, []float64{300})}, passive, 1, 0)
	b := newSide([]Result{resultOf(1, 0, []float64{40}, []float64{50})}, "", 1, 0)
	want := []Versus{
		{Batch: 1, OursBestMS: 10, OursMedianMS: 10, TorchBestMS: 15, TorchMedianMS: 15, RatioBest: 1.5, RatioMedian: 1.5},
		{Batch: 8, OursBestMS: 100, OursMedianMS: 100, TorchBestMS: 50, TorchMedianMS: 50, RatioBest: 0.5, RatioMedian: 0.5},
	}
	for i, v := range compare(ours, []Side{a, b}) {
		if v != want[i] {
			t.Errorf("%+v, want %+v", v, want[i])
		}
	}
}
