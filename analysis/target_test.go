package analysis_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func bind(t *testing.T, target analysis.Target, cfg lxmert.Config, b *lxmert.Batch) *analysis.Bound {
	t.Helper()
	bound, err := target.Bind(context.Background(), &fake{cfg: cfg}, b)
	if err != nil {
		t.Fatal(err)
	}
	return bound
}

func TestTargetsNameThemselves(t *testing.T) {
	for want, target := range map[string]analysis.Target{
		"logit of answer 3":                                          analysis.Answer(3),
		"logit of answer 3/1":                                        analysis.Answer(3, 1),
		"logit of the predicted answer":                              analysis.Predicted(),
		"logit of match":                                             analysis.Match(),
		"logit of match - logit of no match":                         analysis.MatchDifference(),
		"probability of answer 2":                                    analysis.Answer(2).As(lxmert.Probability),
		"logit of masked word 2, the most probable class":            analysis.MaskedWord(2),
		"logit of word 2, class 7":                                   analysis.MaskedWord(2).Class(7).Unmasked(),
		"logit of masked region 1, object class 4":                   analysis.MaskedRegion(1, "object").Class(4),
		"log-probability of masked region 1, attribute class 0":      analysis.MaskedRegion(1, "attr").Class(0).As(lxmert.LogProb),
		"0.5 x logit of answer 1 - 2 x logit of answer 0":            analysis.Sum(analysis.Times(.5, analysis.Answer(1)), analysis.Times(-2, analysis.Answer(0))),
		"-1 x logit of answer 1":                                     analysis.Times(-1, analysis.Answer(1)),
		"logit of masked region 2/0, object the most probable class": analysis.MaskedRegion(1, "object").At(2, 0),
		"nothing": {},
	} {
		if got := target.String(); got != want {
			t.Errorf("%q, expected %q", got, want)
		}
	}
}

func TestBoundTargetsSayWhatWasChosenInEachRow(t *testing.T) {
	bound := bind(t, analysis.Predicted(), small(), sentences())
	for n, name := range bound.Names {
		if !strings.HasPrefix(name, "logit of answer ") || !strings.HasSuffix(name, ", the most probable") {
			t.Errorf("row %d: %q", n, name)
		}
	}
	bound = bind(t, analysis.Answer(3, 1), small(), sentences())
	if want := []string{"logit of answer 3", "logit of answer 1"}; !slices.Equal(bound.Names, want) {
		t.Errorf("names %q, expected %q", bound.Names, want)
	}
	if got := bound.Terms[0]; got.Output != "out.qa" || !slices.Equal(got.Class, []int{3, 1}) || got.Position != nil {
		t.Errorf("term %+v", got)
	}
}

func TestARegionOfItsOwnIsHiddenInEachRow(t *testing.T) {
	bound := bind(t, analysis.MaskedRegion(0, "object").At(2, 1), small(), sentences())
	for n, hidden := range []int{2, 1} {
		for v := range 3 {
			if zero := bound.Batch.Feats.Row(n).Row(v).Data[0] == 0; zero != (v == hidden) {
				t.Errorf("row %d: region %d is hidden: %v", n, v, zero)
			}
		}
	}
	if place, err := bound.Place(); err != nil || place.Stream != analysis.RegionStream || !slices.Equal(place.Index, []int{2, 1}) {
		t.Errorf("place %+v (%v)", place, err)
	}
	if got := bound.Terms[0].Position; !slices.Equal(got, []int{2, 1}) {
		t.Errorf("positions %v", got)
	}
	if _, err := analysis.MaskedRegion(0, "object").At(0, 1, 2).Prepare(small(), sentences()); !errors.Is(err, analysis.ErrTarget) || !strings.Contains(err.Error(), "3 positions for 2 rows") {
		t.Errorf("three positions for two rows: %v", err)
	}
	if _, err := analysis.Match().At(1).Prepare(small(), sentences()); err == nil || !strings.Contains(err.Error(), "out.match has no positions") {
		t.Errorf("a position of the matching head: %v", err)
	}
}

func TestMaskedWordsAndRegionsAreHiddenInACopy(t *testing.T) {
	b := sentences()
	bound := bind(t, analysis.Sum(analysis.MaskedWord(2, 1), analysis.MaskedRegion(1, "object")), small(), b)
	if got := bound.Batch.IDs; !slices.Equal(got[0], []int32{1, 10, 3, 12, 2}) || !slices.Equal(got[1], []int32{1, 3, 2}) {
		t.Errorf("texts %v", got)
	}
	if b.IDs[0][2] != 11 {
		t.Error("the caller's texts were changed")
	}
	for n := range 2 {
		if slices.ContainsFunc(bound.Batch.Feats.Row(n).Row(1).Data, func(x float32) bool { return x != 0 }) || b.Feats.Row(n).Row(1).Data[0] == 0 {
			t.Errorf("row %d: region 1 is %v, the caller's %v", n, bound.Batch.Feats.Row(n).Row(1).Data, b.Feats.Row(n).Row(1).Data)
		}
		if bound.Batch.Feats.Row(n).Row(0).Data[0] == 0 {
			t.Errorf("row %d: region 0 was hidden too", n)
		}
	}
	if len(bound.Places) != 2 {
		t.Errorf("%d places, expected a word's and a region's", len(bound.Places))
	}
	if bound := bind(t, analysis.MaskedWord(1).Unmasked(), small(), b); bound.Batch.IDs[0][1] != 10 {
		t.Error("an unmasked target hides its word")
	}
}

func TestAnswersComeFromTheFineTunedHeadWhereThereIsOne(t *testing.T) {
	cfg := small()
	cfg.TaskClasses, cfg.TaskImages = 2, 2
	bound := bind(t, analysis.Answer(1), cfg, sentences())
	if got := bound.Terms[0]; got.Output != "out.task" || len(got.Class) != 1 || bound.Group() != 2 {
		t.Errorf("term %+v for groups of %d rows", got, bound.Group())
	}
}

func TestTargetsThatDoNotFitAreErrors(t *testing.T) {
	bare := small()
	bare.LM, bare.Match, bare.Objects, bare.Answers, bare.Special = false, false, 0, 0, lxmert.SpecialIDs{}
	unknownMask := small()
	unknownMask.Special = lxmert.SpecialIDs{}
	pairs := small()
	pairs.TaskClasses, pairs.TaskImages = 2, 2
	for _, c := range []struct {
		name   string
		target analysis.Target
		cfg    lxmert.Config
		want   string
	}{
		{"class", analysis.Answer(6), small(), "out of range, out.qa has 6"},
		{"negative class", analysis.Answer(-1), small(), "out of range"},
		{"classes", analysis.Answer(1, 2, 3), small(), "3 classes for 2 rows"},
		{"no answers", analysis.Predicted(), bare, "the model has no answer head; it has out.attr (5 classes)"},
		{"no matching", analysis.Match(), bare, "no such output"},
		{"position", analysis.MaskedWord(3), small(), "row 1 has nothing at position 3"},
		{"positions", analysis.MaskedWord(1, 1, 1), small(), "3 positions for 2 rows"},
		{"no position", analysis.MaskedWord(), small(), "needs a position"},
		{"region", analysis.MaskedRegion(3, "object"), small(), "nothing at position 3"},
		{"head", analysis.MaskedRegion(0, "colour"), small(), `"colour"`},
		{"[MASK]", analysis.MaskedWord(1), unknownMask, "[MASK]"},
		{"nothing", analysis.Sum(), small(), "no parts"},
		{"rows", analysis.Sum(analysis.Answer(0), analysis.Match()), pairs, "pairs of rows"},
	} {
		_, err := c.target.Bind(context.Background(), &fake{cfg: c.cfg}, sentences())
		if !errors.Is(err, analysis.ErrTarget) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, expected one with %q", c.name, err, c.want)
		}
	}
}

func TestSeparateRowsHaveTextsAndImagesOfTheirOwn(t *testing.T) {
	b := sentences()
	b.Pairs = [][2]int{{1, 0}, {0, 0}, {1, 1}}
	got := analysis.Separate(b)
	if err := got.Check(small()); err != nil {
		t.Fatal(err)
	}
	for n, p := range b.Pairs {
		if !slices.Equal(got.IDs[n], b.IDs[p[0]]) || !slices.Equal(got.Feats.Row(n).Data, b.Feats.Row(p[1]).Data) || got.Images[n].ID != b.Images[p[1]].ID {
			t.Errorf("row %d is not pair %v", n, p)
		}
	}
	s := analysis.NewScores(analysis.Meta{}, b, 0, make([]float64, 5), []float64{1, 2, 3})
	if len(s.Words) != 3 || s.Image.ID != "a" || s.Features != "a.tsv" || len(s.Boxes) != 3 {
		t.Errorf("scores of pair %v are %+v", b.Pairs[0], s)
	}
}

func TestSelectRepeatsScores(t *testing.T) {
	bound := bind(t, analysis.Answer(3, 1), small(), sentences()).Select([]int{1, 1, 0})
	if got := bound.Terms[0].Class; !slices.Equal(got, []int{1, 1, 3}) || bound.Batch.Rows() != 3 || len(bound.Batch.IDs[2]) != 5 {
		t.Errorf("classes %v, texts %v", got, bound.Batch.IDs)
	}
}

func TestInnerWordsLeaveOutTheEnds(t *testing.T) {
	b := &lxmert.Batch{IDs: [][]int32{{1, 9, 9, 2, 0, 0}, {1, 2}, {1, 9, 2}}, TextMask: [][]float32{{1, 1, 1, 1, 0, 0}, {1, 1}, {1, 1, 1}}}
	for n, want := range [][]int{{1, 2}, nil, {1}} {
		if got := analysis.InnerWords(b, n); !slices.Equal(got, want) {
			t.Errorf("text %d: %v, expected %v", n, got, want)
		}
	}
}
