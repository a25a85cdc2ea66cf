package layout_test

import (
	"math"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/layout"
)

func TestNumbersOfOneScaleAreWrittenAlike(t *testing.T) {
	for _, c := range []struct {
		x, most float64
		want    string
	}{
		{0.31, 0.31, "0.31"}, {0.094, 0.31, "0.09"}, {-0.094, 0.31, "−0.09"}, {-0.001, 0.31, "0.00"}, {0.0031, 0.063, "0.003"},
		{4.21, 12, "4"}, {120, 120, "120"}, {1e-5, 1e-5, "1.0e−05"}, {0, 0, "0"}, {math.NaN(), 1, "–"}, {0, 0.31, "0"}, {0.5, math.NaN(), "5.0e−01"},
	} {
		if got := layout.NumberLike(c.x, c.most); got != c.want {
			t.Errorf("%g of at most %g is %s, expected %s", c.x, c.most, got, c.want)
		}
	}
}

func TestNumbersHaveTheSignOfMinus(t *testing.T) {
	for x, want := range map[float64]string{-0.5: "−0.50", -120: "−120", -2e-7: "−2e−07", math.Copysign(0, -1): "0"} {
		if got := layout.Number(x); got != want {
			t.Errorf("%g is %s, expected %s", x, got, want)
		}
	}
}
