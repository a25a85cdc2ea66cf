package figure

import (
	"math"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
)

func TestAxesOfWholeNumbersHaveWholeTicks(t *testing.T) {
	for _, x := range [][]float64{{1, 2, 3}, {0, 1}, {3}, {0, 7, 14}} {
		y := make([]float64, len(x))
		g := newGraph(analysis.Curve{X: x, Series: []analysis.CurveSeries{{Name: "a", Y: y}}}, nil)
		for _, w := range []float64{40, 100, 400} {
			ticks, _ := g.ticks(w, 100)
			if len(ticks) == 0 {
				t.Errorf("%v on %g points has no ticks", x, w)
			}
			for _, tick := range ticks {
				if math.Abs(tick-math.Round(tick)) > 1e-9 {
					t.Errorf("%v on %g points has a tick at %g", x, w, tick)
				}
			}
		}
	}
	g := newGraph(analysis.Curve{X: []float64{0, 0.25, 1}, Series: []analysis.CurveSeries{{Name: "a", Y: make([]float64, 3)}}}, nil)
	if ticks, _ := g.ticks(400, 100); len(ticks) < 3 {
		t.Errorf("shares have the ticks %v", ticks)
	}
}
