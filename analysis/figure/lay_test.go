package figure

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
)

func TestTicksAreRoundAndWithinTheRange(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		most      int
		want      []float64
	}{
		{0, 0.31, 5, []float64{0, 0.1, 0.2, 0.3}}, {0, 1, 6, []float64{0, 0.2, 0.4, 0.6, 0.8, 1}}, {-0.21, 0.21, 5, []float64{-0.2, -0.1, 0, 0.1, 0.2}},
		{0, 14, 10, []float64{0, 2, 4, 6, 8, 10, 12, 14}}, {3, 3, 5, []float64{3}}, {95, 99.2, 5, []float64{95, 96, 97, 98, 99}},
	} {
		got := round(c.low, c.high, c.most)
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
		from, to, cut := extent(c.low, c.high)
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
	seen := map[look]string{}
	looks := looksOf(series, familiesOf(series))
	for i, l := range looks {
		if other, twice := seen[l]; twice {
			t.Errorf("%s looks like %s", series[i].Name, other)
		}
		seen[l] = series[i].Name
	}
	if looks[0].color != looks[1].color || looks[0].marker != looks[1].marker {
		t.Errorf("the two orders of a method: %v and %v", looks[0], looks[1])
	}
}

func TestPlatesStayInThePictureAndOffOtherLines(t *testing.T) {
	picture := rect{0, 0, 200, 200}
	box, around := rect{60, 40, 40, 40}, rect{50, 30, 100, 100}
	lines := ring(around, 4)
	plate := place(picture, box, 60, 10, []weighed{{lines, 4}, {[]rect{box}, 0.05}})
	for _, l := range append(lines, box) {
		if plate.overlap(l) > 0 {
			t.Errorf("plate %v covers %v", plate, l)
		}
	}
	for _, corner := range []rect{{0, 0, 20, 20}, {180, 180, 20, 20}, {0, 0, 200, 200}} {
		if p := place(picture, corner, 60, 10, nil); p.overlap(picture) < 60*10-1e-9 {
			t.Errorf("the plate of %v is at %v, outside", corner, p)
		}
	}
}

func TestRegionsOfOneNameHaveTheirNumber(t *testing.T) {
	s := analysis.Scores{}
	s.Image.Objects = []string{"cat", "dog", "cat", ""}
	for j, want := range []string{"cat #0", "dog", "cat #2", "#3", "#4"} {
		if got := regionName(s, j); got != want {
			t.Errorf("region %d is %q, expected %q", j, got, want)
		}
	}
}
