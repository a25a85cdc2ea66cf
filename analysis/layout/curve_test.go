package layout_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/layout"
)

func TestAxesOfWholeNumbersHaveWholeTicks(t *testing.T) {
	for _, x := range [][]float64{{1, 2, 3}, {0, 1}, {3}, {0, 7, 14}} {
		y := make([]float64, len(x))
		c := layout.NewCurve(analysis.Curve{X: x, Series: []analysis.CurveSeries{{Name: "a", Y: y}}})
		for _, w := range []float64{40, 100, 400} {
			ticks, _ := c.Ticks(int(w/20), 5)
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
	c := layout.NewCurve(analysis.Curve{X: []float64{0, 0.25, 1}, Series: []analysis.CurveSeries{{Name: "a", Y: make([]float64, 3)}}})
	if ticks, _ := c.Ticks(20, 5); len(ticks) < 3 {
		t.Errorf("shares have the ticks %v", ticks)
	}
}

func TestTicksAreRoundAndWithinTheRange(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		most      int
		want      []float64
	}{
		{0, 0.31, 5, []float64{0, 0.1, 0.2, 0.3}}, {0, 1, 6, []float64{0, 0.2, 0.4, 0.6, 0.8, 1}}, {-0.21, 0.21, 5, []float64{-0.2, -0.1, 0, 0.1, 0.2}},
		{0, 14, 10, []float64{0, 2, 4, 6, 8, 10, 12, 14}}, {3, 3, 5, []float64{3}}, {95, 99.2, 5, []float64{95, 96, 97, 98, 99}},
	} {
		got := layout.Ticks(c.low, c.high, c.most)
		if !slices.EqualFunc(got, c.want, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }) {
			t.Errorf("from %g to %g: %v, expected %v", c.low, c.high, got, c.want)
		}
	}
}

func TestAnAxisBeginsAtZeroOrIsBroken(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		zero, cut bool
	}{{0.38, 0.72, true, false}, {0, 1, true, false}, {95, 99, false, true}, {-1, 3, false, false}, {0, 0, true, false}, {math.Inf(1), math.Inf(-1), true, false}} {
		from, to, cut := layout.Extent(c.low, c.high)
		if (from == 0) != c.zero || cut != c.cut || !(from < to) || c.low <= c.high && (from > c.low || to < c.high) {
			t.Errorf("numbers from %g to %g: axis from %g to %g, broken %v", c.low, c.high, from, to, cut)
		}
	}
}

func TestFamiliesShareAColourAndNoTwoSeriesLookAlike(t *testing.T) {
	var series []analysis.CurveSeries
	for k := range 20 {
		series = append(series, analysis.CurveSeries{Name: fmt.Sprintf("m%d, negative", k)}, analysis.CurveSeries{Name: fmt.Sprintf("m%d, positive", k), Style: "dashed"})
	}
	series = append(series, analysis.CurveSeries{Name: "m0, third"}, analysis.CurveSeries{Name: "random", Style: "random"})
	seen := map[layout.Look]string{}
	looks := layout.Looks(series, layout.Families(series))
	for i, l := range looks {
		if other, twice := seen[l]; twice {
			t.Errorf("%s looks like %s", series[i].Name, other)
		}
		seen[l] = series[i].Name
	}
	if looks[0].Color != looks[1].Color || looks[0].Marker != looks[1].Marker {
		t.Errorf("the two orders of a method: %v and %v", looks[0], looks[1])
	}
}

// TestAnAreaIsOfItsFamily: it has the colour of the lines beside it, no marker, a word of its own in the legend, and 0, where it
// begins, on the axis.
func TestAnAreaIsOfItsFamily(t *testing.T) {
	line := []float64{0.7, 0.8}
	c := layout.NewCurve(analysis.Curve{X: []float64{0, 1}, Series: []analysis.CurveSeries{
		{Name: "colour, probe", Y: line}, {Name: "colour, control task", Style: "dashed", Y: line}, {Name: "colour, selectivity", Style: "area", Y: line},
	}})
	a := c.Looks[2]
	if !a.Area || a.Dashed || a.Marker != layout.NoMarker || a.Color != c.Looks[0].Color || c.Looks[0].Area || c.Y0 > 0 {
		t.Errorf("looks %+v, the axis begins at %g", c.Looks, c.Y0)
	}
	var texts []string
	for _, k := range c.Keys {
		texts = append(texts, k.Text)
	}
	if want := []string{"probe", "control task", "selectivity", "colour"}; !slices.Equal(texts, want) || len(c.Keys[3].Looks) != 3 || !c.Keys[2].Looks[0].Area {
		t.Errorf("the legend has %q", texts)
	}
}

// TestNumbersBelowAMatrixsOwnScale are told, those of a scale around 0 and of one without a range of its own are on it.
func TestNumbersBelowAMatrixsOwnScale(t *testing.T) {
	values := []analysis.MatrixPanel{{Values: [][]float64{{-0.1, 0.5, math.NaN()}}}}
	for _, c := range []struct {
		low, high float64
		under     bool
	}{{0, 1, true}, {0, 0, false}, {-1, 1, false}, {0.6, 1, true}} {
		m := layout.NewMatrix(analysis.Matrix{Panels: values, Low: c.low, High: c.high}, layout.Viridis)
		if m.Under != c.under || m.IsUnder(-0.1) != c.under || m.IsUnder(0.5) != (c.low == 0.6) || m.IsUnder(math.NaN()) {
			t.Errorf("%g to %g: %v", c.low, c.high, m.Under)
		}
	}
}
