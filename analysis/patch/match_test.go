package patch_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/patch"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// shuffled is a row's picture with its regions in another order, and where each went.
func shuffled(b *lxmert.Batch, row int) (*lxmert.Batch, []int) {
	out := b.Part(row)
	v := b.V()
	of := make([]int, v)
	for a := range v {
		to := (a + 2) % v
		of[a] = to
		copy(out.Feats.Row(0).Row(to).Data, b.Feats.Row(row).Row(a).Data)
		copy(out.Boxes.Row(0).Row(to).Data, b.Boxes.Row(row).Row(a).Data)
	}
	return out, of
}

// apart gives the regions of all pictures boxes of their own, which do not overlap.
func apart(b *lxmert.Batch) *lxmert.Batch {
	rows := make([]int, b.Rows())
	for n := range rows {
		rows[n] = n
	}
	out := b.Part(rows...)
	v := b.V()
	for i := range b.Rows() * v {
		x := float32(i%v) / float32(v)
		copy(out.Boxes.Data[4*i:], []float32{x, 0.2, x + 0.9/float32(v), 0.8})
	}
	return out
}

// listed names regions of a picture as results do.
func listed(b *lxmert.Batch, regions []int) string {
	var names []string
	for _, v := range regions {
		names = append(names, fmt.Sprintf("%d %s", v, b.Images[0].Objects[v]))
	}
	return strings.Join(names, ", ")
}

// TestRegionsOfTwoPicturesMatchByClassAndPlace, in whatever order they are, and what has no partner is listed.
func TestRegionsOfTwoPicturesMatchByClassAndPlace(t *testing.T) {
	onGo(t, func(t *testing.T, eng *engine, b *lxmert.Batch, _ string) {
		clean := apart(b)
		other, of := shuffled(clean, 0)
		one := clean.Part(0)
		m := patch.Match(one, other, 0, 0)
		if !slices.Equal(m.Of, of) || m.Clean != nil || m.Corrupted != nil || slices.ContainsFunc(m.IoU, func(x float64) bool { return math.Abs(x-1) > 1e-6 }) {
			t.Errorf("matched %v, expected %v; %+v", m.Of, of, m)
		}
		p, _, err := patch.NewMatchedPair(t.Context(), eng, one, other, analysis.Predicted(), 0)
		if err != nil {
			t.Fatal(err)
		}
		changes, err := p.Patch(t.Context(), patch.Noising, 0, patch.Levels(eng.Config(), b.T(), b.V()))
		if err != nil {
			t.Fatal(err)
		}
		clean0, corrupted0 := p.Metric(0)
		for _, x := range append(changes, clean0-corrupted0) {
			if math.Abs(x) > 1e-4*(1+math.Abs(clean0)) {
				t.Errorf("a picture in another order differs by %g", x)
			}
		}

		one.Images = []lxmert.ImageInfo{{Objects: slices.Repeat([]string{"star"}, b.V())}}
		other.Images = []lxmert.ImageInfo{{Objects: slices.Repeat([]string{"star"}, b.V())}}
		other.Images[0].Objects[of[1]] = "ring"
		other.Images[0].AttributeIDs = make([]int32, b.V())
		copy(other.Boxes.Row(0).Row(of[2]).Data, []float32{0, 0, 1, 0.1})
		p, all, err := patch.NewMatchedPair(t.Context(), eng, one, other, analysis.Predicted(), 0)
		if err != nil {
			t.Fatal(err)
		}
		lost := []int{of[1], of[2]}
		slices.Sort(lost)
		if m := all[0]; !slices.Equal(m.Clean, []int{1, 2}) || !slices.Equal(m.Corrupted, lost) || m.Of[1] != -1 || m.Of[0] != of[0] {
			t.Errorf("of another class or elsewhere: %+v", m)
		}
		note := fmt.Sprintf("taken away from both: 1 star, 2 star of the clean picture; %s of the corrupted one", listed(other, lost))
		exact, err := p.Exact(t.Context(), patch.Denoising, 0)
		if err != nil {
			t.Fatal(err)
		}
		estimated, err := p.Attribute(t.Context(), patch.AttributionOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range append(exact.Collection().Results, estimated[0].Atlas().Results...) {
			if notes := strings.Join(r.About().Notes, " "); !strings.Contains(notes, note) {
				t.Errorf("%s says %q, not %q", r.About().Method, notes, note)
			}
		}
		for _, d := range []patch.Direction{patch.Noising, patch.Denoising} {
			if there := analysis.ValidRegions(p.Batch(d), 0); there[1] || there[2] || !there[0] {
				t.Errorf("%s: regions without a partner are still there: %v", d, there)
			}
		}
		if _, err := patch.NewPair(t.Context(), eng, clean.Part(0), other, analysis.Predicted()); !errors.Is(err, patch.ErrPair) {
			t.Errorf("without a matching they pair: %v", err)
		}
		nothing := one.Part(0)
		nothing.Images = []lxmert.ImageInfo{{Objects: slices.Repeat([]string{"moon"}, b.V())}}
		if _, _, err := patch.NewMatchedPair(t.Context(), eng, one, nothing, analysis.Predicted(), 0); !errors.Is(err, patch.ErrPair) {
			t.Errorf("nothing in common: %v", err)
		}
	})
}
