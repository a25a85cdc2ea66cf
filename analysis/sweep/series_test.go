package sweep_test

import (
	"slices"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/sweep"
)

// TestPlacesOfASeries are numbers in the names of its weights, and are called what all names call them.
func TestPlacesOfASeries(t *testing.T) {
	for _, c := range []struct {
		names []string
		at    []float64
		axis  string
	}{
		{[]string{"snap/Epoch01_LXRT.pth", "snap/Epoch20_LXRT.pth"}, []float64{1, 20}, "epoch"},
		{[]string{"run2/epoch-3", "run1/my epoch 12.safetensors"}, []float64{3, 12}, "epoch"},
		{[]string{"a_step100.pth", "b_step200.pth"}, []float64{100, 200}, "step"},
		{[]string{"epoch1.pth", "other2.pth"}, []float64{1, 2}, "number in the weights' names"},
		{[]string{"epoch1_seed2.pth", "epoch2_seed3.pth"}, []float64{2, 3}, "number in the weights' names"},
		{[]string{"epoch1_b.pth", "epoch1_a.pth"}, []float64{1, 2}, "place in the series"},
		{[]string{"BEST.pth", "LAST.pth"}, []float64{1, 2}, "place in the series"},
	} {
		if at, axis := sweep.Places(c.names); !slices.Equal(at, c.at) || axis != c.axis {
			t.Errorf("%q are at %v by %q, expected %v by %q", c.names, at, axis, c.at, c.axis)
		}
	}
}
