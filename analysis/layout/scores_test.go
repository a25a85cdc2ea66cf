package layout_test

import (
	"math"
	"slices"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/layout"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func TestRegionsOfOneNameHaveTheirNumber(t *testing.T) {
	got := layout.RegionNames(lxmert.ImageInfo{Objects: []string{"cat", "dog", "cat", ""}}, 5)
	if want := []string{"cat 0", "dog", "cat 2", "region 3", "region 4"}; !slices.Equal(got, want) {
		t.Errorf("%q, expected %q", got, want)
	}
}

func TestTheLargestRegionsThatAreThereAreNamed(t *testing.T) {
	s := analysis.Scores{Regions: []float64{0.1, -3, math.NaN(), 0, 2, 9}, ValidRegions: []int{0, 1, 2, 3, 4}}
	for top, want := range map[int][]int{0: nil, -1: nil, 2: {1, 4}, 99: {1, 4, 0}} {
		if got := layout.NewScores(s, layout.ScoresOptions{Top: top}).Top; !slices.Equal(got, want) {
			t.Errorf("%d of them: %v, expected %v", top, got, want)
		}
	}
}
