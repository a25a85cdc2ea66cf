package toy

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/region"
)

// TestMinimalPairsDifferInOneObject: in the features of the RoIs that show it, and in nothing else; and both pictures have the
// answer that is said.
func TestMinimalPairsDifferInOneObject(t *testing.T) {
	w, err := Make(t.Context(), filepath.Join(t.TempDir(), "world"), Options{Scale: 0.02})
	if err != nil {
		t.Fatal(err)
	}
	pairs, err := w.MinimalPairs("heldout", 10)
	if err != nil {
		t.Fatal(err)
	}
	attributes := map[string]int{}
	for i, p := range pairs {
		attributes[p.Attribute]++
		shows := p.Shows()
		if !slices.Equal(p.Regions[0].Boxes, p.Regions[1].Boxes) || p.Clean.ID == p.Changed.ID {
			t.Errorf("pair %d: the boxes, or nothing, changed", i)
		}
		for roi := range p.Clean.ROIs() {
			a, b := p.Regions[0].Features[roi*FeatDim:(roi+1)*FeatDim], p.Regions[1].Features[roi*FeatDim:(roi+1)*FeatDim]
			if slices.Equal(a, b) == slices.Contains(shows, roi) {
				t.Errorf("pair %d: RoI %d differs, the object is shown in %v", i, roi, shows)
			}
		}
		for side, s := range []*Scene{p.Clean, p.Changed} {
			o := s.Objects[p.Object]
			value := map[string]string{KindColor: o.Color, KindShape: o.Shape}[p.Attribute]
			if value != p.Answers[side] || !trained(o.Shape, o.Color) || s.check() != nil {
				t.Errorf("pair %d: a %s %s, the answer is %s", i, o.Color, o.Shape, p.Answers[side])
			}
			r, err := p.Find(t.Context(), s.ID)
			if err != nil || r.Check() != nil || r != p.Regions[side] {
				t.Errorf("pair %d: %v", i, err)
			}
		}
	}
	if attributes[KindColor] != 5 || attributes[KindShape] != 5 {
		t.Errorf("attributes are %v", attributes)
	}
	again, err := w.MinimalPairs("heldout", 10)
	if err != nil || !slices.Equal(again[3].Regions[1].Features, pairs[3].Regions[1].Features) {
		t.Errorf("made again they are others, %v", err)
	}
	if _, err := pairs[0].Find(t.Context(), "nowhere"); !errors.Is(err, region.ErrNotFound) {
		t.Errorf("a picture that is not there: %v", err)
	}
	if _, err := w.MinimalPairs("heldout", 10000); err == nil {
		t.Error("there are 10000 pairs in twenty pictures")
	}
}
