package analysis_test

import (
	"slices"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func TestScoresKnowWhichOfTheirWordsAndRegionsAreThere(t *testing.T) {
	b := sentences()
	b.IDs[1] = []int32{1, 20, 2, 0, 0}
	b.TextMask = [][]float32{{1, 1, 1, 1, 1}, {1, 1, 1, 0, 0}}
	b.RegionMask = [][]float32{{1, 1, 1}, {1, 0, 1}}
	words, regions := []float64{1, 2, 3, 4, 5}, []float64{6, 7, 8}
	for row, want := range []struct {
		inner, there []float64
		plain        bool
	}{{[]float64{2, 3, 4}, []float64{6, 7, 8}, true}, {[]float64{2}, []float64{6, 8}, false}} {
		s := analysis.NewScores(analysis.Meta{}, b, row, words, regions)
		if !slices.Equal(s.Inner(), want.inner) || !slices.Equal(s.Unmasked(), want.there) {
			t.Errorf("row %d: words %v, regions %v, expected %v and %v", row, s.Inner(), s.Unmasked(), want.inner, want.there)
		}
		if plain := s.InnerWords == nil && s.ValidRegions == nil; plain != want.plain {
			t.Errorf("row %d: %v and %v are listed", row, s.InnerWords, s.ValidRegions)
		}
	}
	if got := (analysis.Scores{Words: []float64{1, 2}}).Inner(); got != nil {
		t.Errorf("between two words are %v", got)
	}
}

func TestMergedScoresKeepTheirInnerWords(t *testing.T) {
	s := analysis.Scores{
		Words: []float64{9, 1, 2, 3, 8, 0}, InnerWords: []int{1, 2, 3},
		Text: lxmert.Words{
			Text: "colourful cat", Pieces: []string{"[CLS]", "colour", "##ful", "cat", "[SEP]", "[PAD]"},
			Word: []int{-1, 0, 0, 1, -1, -1}, Start: []int{-1, 0, 6, 10, -1, -1}, End: []int{-1, 6, 9, 13, -1, -1},
		},
	}.Merge(analysis.SumPieces)
	if !slices.Equal(s.InnerWords, []int{1, 2}) || !slices.Equal(s.Inner(), []float64{3, 3}) {
		t.Errorf("inner words %v of %v", s.InnerWords, s.Words)
	}
}

func TestAxesEndWithTheLastWordAndRegionThatIsThere(t *testing.T) {
	b := sentences()
	b.TextMask = [][]float32{{1, 1, 1, 0, 0}, {1, 1, 1}}
	b.RegionMask = [][]float32{{0, 1, 0}, {0, 0, 0}}
	for row, want := range [][2]int{{3, 2}, {3, 0}} {
		if words, regions := analysis.WordAxis(b, row), analysis.RegionAxis(b, row); len(words.Labels) != want[0] || len(regions.Labels) != want[1] {
			t.Errorf("row %d: words %q, regions %q", row, words.Labels, regions.Labels)
		}
	}
	if got := analysis.RegionAxis(b, 0).Labels; !slices.Equal(got, []string{"0 cat", "1 dog"}) {
		t.Errorf("regions %q", got)
	}
	if got := b.NoRegions(); got != lxmert.AttendNothing {
		t.Error("a picture without regions is asked about as if it had them")
	}
	b.RegionMask[1][2] = 1
	if got := b.NoRegions(); got != lxmert.UniformShift {
		t.Error("pictures with regions are asked about as if one had none")
	}
}
