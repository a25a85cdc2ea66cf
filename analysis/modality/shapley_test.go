package modality_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/goldencase"
	"github.com/seed-516990b0/golxmert/analysis/modality"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func shapley(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target, opt modality.ShapleyOptions) []modality.Shares {
	t.Helper()
	s, err := modality.Shapley(context.Background(), eng, b, target, opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// players are the values of the words and regions that can be absent, words first.
func players(s modality.Shares) []float64 {
	var list []float64
	list = append(list, s.Scores[0].Inner()...)
	for _, row := range s.Scores {
		list = append(list, row.Unmasked()...)
	}
	return list
}

func TestShapleyValuesEqualReference(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string) {
		golden := goldencase.Open(t, folder, "shap")
		golden.Use("shap.perm", "shap.mask.coalitions", "shap.pad.coalitions", "shap.mask.itm.values", "shap.mask.qa.values", "shap.pad.itm.values", "shap.pad.qa.values")
		words := golden.Shape("shap.mask.coalitions")[1] - b.V()
		whole := golden.Floats("shap.mask.qa.values")
		// The file says how many words the sample has and what it is worth, not which it is.
		sample, off := -1, math.Inf(1)
		for row := range b.Rows() {
			if len(analysis.InnerWords(b, row)) == words {
				s := shapley(t, eng, b.Part(row), analysis.Predicted(), modality.ShapleyOptions{})
				if d := math.Abs(s[0].Whole - whole[len(whole)-1]); d < off {
					sample, off = row, d
				}
			}
		}
		if sample < 0 {
			t.Fatalf("no sample has %d words", words)
		}
		results := func(eng lxmert.Engine) map[string][]float64 {
			out := map[string][]float64{}
			for word, absent := range map[string]modality.AbsentWord{"mask": modality.MaskWord, "pad": modality.PadWord} {
				for name, target := range map[string]analysis.Target{"itm": analysis.Match().As(lxmert.Probability), "qa": analysis.Predicted()} {
					s := shapley(t, eng, b.Part(sample), target, modality.ShapleyOptions{AbsentWord: absent})[0]
					key := "shap." + word + "." + name
					out[key+".phi"], out[key+".tshap_vshap"] = players(s), []float64{s.Text(), s.Picture()}
				}
			}
			return out
		}
		within := reach(t, folder, results)
		for name, got := range results(eng) {
			golden.CompareWithin(name, got, within[name])
		}
	})
}

// product is a game whose words and regions interact, and in which word 1 and region 0 do nothing, and words 2 and 3 do the same.
func product() *made {
	return newMade(func(x seen) []float64 {
		there := func(t int) float64 {
			if x.words[t] > maskID {
				return 1
			}
			return 0
		}
		lit := func(v int) float64 {
			if f := x.regions[v]; f != nil && f[0] != 0 {
				return 1
			}
			return 0
		}
		y := make([]float64, classes)
		y[2] = 1 + (there(2)+there(3))*(3*lit(1)-0.5*lit(2)*lit(1)) + 0.25*there(4)
		return y
	})
}

func TestShapleyAxioms(t *testing.T) {
	b := examples(1, 4, 3, 7)
	for name, opt := range map[string]modality.ShapleyOptions{
		"exact":    {},
		"sampled":  {Exact: -1, Orders: 3, Seed: 1},
		"one pair": {Exact: -1, Orders: 1, Seed: 2},
		"deleted":  {AbsentWord: modality.DeleteWord, AbsentRegion: modality.DeleteRegion},
	} {
		t.Run(name, func(t *testing.T) {
			s := shapley(t, product(), b, analysis.Answer(2), opt)[0]
			sum := 0.0
			for _, x := range players(s) {
				sum += x
			}
			if math.Abs(sum-(s.Whole-s.Nothing)) > 1e-12 || s.Nothing != 1 || s.Whole != 1+2*2.5+0.25 {
				t.Errorf("efficiency: the sum is %g of %g to %g", sum, s.Nothing, s.Whole)
			}
			if w, r := s.Scores[0].Words[1], s.Scores[0].Regions[0]; w != 0 || r != 0 {
				t.Errorf("dummy: what changes nothing has %g and %g", w, r)
			}
			if x, y := s.Scores[0].Words[2], s.Scores[0].Words[3]; opt.Exact == 0 && math.Abs(x-y) > 1e-12 {
				t.Errorf("symmetry: words that do the same have %g and %g", x, y)
			}
			if x := s.Scores[0].Words[4]; math.Abs(x-0.25) > 1e-12 {
				t.Errorf("a word that adds a quarter to every set has %g", x)
			}
			if w := s.Scores[0].Words; w[0] != 0 || w[len(w)-1] != 0 {
				t.Errorf("[CLS] and [SEP], which are always there, have %g and %g", w[0], w[len(w)-1])
			}
		})
	}
	t.Run("linearity", func(t *testing.T) {
		both := analysis.Sum(analysis.Times(3, analysis.Answer(2)), analysis.Times(-2, analysis.Answer(1)))
		eng := product()
		other := interacting()
		eng.logits = func(x seen) []float64 {
			y := product().logits(x)
			y[1] = other.logits(x)[1]
			return y
		}
		one, two := players(shapley(t, eng, b, analysis.Answer(2), modality.ShapleyOptions{})[0]), players(shapley(t, eng, b, analysis.Answer(1), modality.ShapleyOptions{})[0])
		for i, got := range players(shapley(t, eng, b, both, modality.ShapleyOptions{})[0]) {
			// Scores are float32, 2 ^ 7 of them in each value.
			if want := 3*one[i] - 2*two[i]; math.Abs(got-want) > 0x1p-20*(math.Abs(3*one[i])+math.Abs(2*two[i])+100) {
				t.Errorf("value %d of 3 x one game - 2 x another is %g, expected %g", i, got, want)
			}
		}
	})
}

func TestAWordThatIsHiddenIsNoPlayer(t *testing.T) {
	b := examples(1, 4, 3, 7)
	b.IDs[0][2] = maskID
	s := shapley(t, product(), b, analysis.Answer(2), modality.ShapleyOptions{AbsentWord: modality.PadWord})[0]
	if s.Scores[0].Words[2] != 0 || s.Scores[0].Words[3] == 0 {
		t.Errorf("values of words %v: the third was hidden from the beginning", s.Scores[0].Words)
	}
}

func TestSampledShapleyValuesComeFromTheSeedAndTheExamplesNumber(t *testing.T) {
	b := examples(3, 6, 4, 8)
	opt := modality.ShapleyOptions{Exact: -1, Orders: 4, Seed: 5}
	first, again := shapley(t, product(), b, analysis.Answer(2), opt), shapley(t, product(), b, analysis.Answer(2), opt)
	opt.First = 2
	part := shapley(t, product(), b.Part(2), analysis.Answer(2), opt)
	opt.Seed = 6
	other := shapley(t, product(), b.Part(2), analysis.Answer(2), opt)
	if !slices.Equal(players(first[2]), players(again[2])) || !slices.Equal(players(first[2]), players(part[0])) {
		t.Errorf("example 2 has %v, again %v, alone %v", players(first[2]), players(again[2]), players(part[0]))
	}
	if slices.Equal(players(other[0]), players(part[0])) {
		t.Error("another seed draws the same orders")
	}
	for i, e := range slices.Concat(first[2].WordErrors[0], first[2].RegionErrors[0]) {
		if !(e >= 0) {
			t.Errorf("standard error %d is %g", i, e)
		}
	}
	if exact := shapley(t, product(), b, analysis.Answer(2), modality.ShapleyOptions{}); exact[0].WordErrors != nil || exact[0].RegionErrors != nil {
		t.Error("exact values have standard errors")
	}
}

// TestNothingAtAllHasNoShare: a model that always says the same gives all values 0, of which there are no shares.
func TestNothingAtAllHasNoShare(t *testing.T) {
	s := shapley(t, newMade(func(seen) []float64 { return []float64{1, 2, 3, 4} }), examples(1, 3, 2, 9), analysis.Predicted(), modality.ShapleyOptions{})[0]
	if !math.IsNaN(s.Text()) || !math.IsNaN(s.Picture()) {
		t.Errorf("shares %g and %g of nothing", s.Text(), s.Picture())
	}
}

func TestMeanFeatureIsThatOfRegionsThatAreThere(t *testing.T) {
	b := examples(2, 3, 2, 10)
	b.RegionMask = [][]float32{{1, 0}, {1, 1}}
	want := (b.Feats.At(0, 0, 0) + b.Feats.At(1, 0, 0) + b.Feats.At(1, 1, 0)) / 3
	if got := modality.MeanFeature(b)[0]; math.Abs(float64(got-want)) > 1e-6 {
		t.Errorf("mean %g, expected %g", got, want)
	}
	// With one region, its own feature is the mean, so that taking it away changes nothing.
	one := b.Part(0)
	s := shapley(t, interacting(), one, analysis.Answer(1), modality.ShapleyOptions{AbsentRegion: modality.MeanRegion})[0]
	if s.Scores[0].Regions[0] != 0 {
		t.Errorf("the only region has %g", s.Scores[0].Regions[0])
	}
}

func TestBadShapleyOptionsAreErrors(t *testing.T) {
	b := examples(2, 3, 2, 11)
	nameless := product()
	nameless.config.Special.Mask = 0
	empty := &lxmert.Batch{IDs: [][]int32{{clsID, sepID}}, Feats: lxmert.NewTensor(1, 0, 2), Boxes: lxmert.NewTensor(1, 0, 4)}
	for want, c := range map[string]struct {
		eng lxmert.Engine
		b   *lxmert.Batch
		opt modality.ShapleyOptions
	}{
		"which word piece is [MASK]": {nameless, b, modality.ShapleyOptions{}},
		"no AbsentWord 7":            {product(), b, modality.ShapleyOptions{AbsentWord: 7}},
		"no AbsentRegion -1":         {product(), b, modality.ShapleyOptions{AbsentRegion: -1}},
		"neither words nor regions":  {product(), empty, modality.ShapleyOptions{}},
	} {
		if _, err := modality.Shapley(context.Background(), c.eng, c.b, analysis.Answer(0), c.opt); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, expected one with %q", err, want)
		}
	}
}
