package modality_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/modality"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func perceptual(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, labels [][]float64, opt modality.PerceptualOptions) *modality.Perception {
	t.Helper()
	p, err := modality.Perceptual(context.Background(), eng, b, labels, opt)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// deaf and blind are models of one modality.
func blind() *made {
	return newMade(func(x seen) []float64 {
		var y []float64
		for c := range classes {
			y = append(y, x.ofWords(c))
		}
		return y
	})
}

func TestAModelThatIsBlindHasNoUseForPictures(t *testing.T) {
	b := examples(12, 5, 3, 1)
	sampled := perceptual(t, blind(), b, nil, modality.PerceptualOptions{Seed: 3})
	all, err := project(t, blind(), b, modality.EMAPOptions{}).Perception(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]*modality.Perception{"drawn": sampled, "all": all} {
		picture, text := p.Scores()
		if picture != 0 || !(text > 0.1) {
			t.Errorf("%s permutations: scores %g of pictures and %g of texts", name, picture, text)
		}
	}
	for u, s := range shapley(t, blind(), b.Part(0, 1, 2), targetAnswer(1), modality.ShapleyOptions{}) {
		if s.Picture() != 0 {
			t.Errorf("example %d: V-SHAP %g", u, s.Picture())
		}
	}
}

// TestAllPermutationsAreTheMeanOfEach enumerates the permutations of four examples.
func TestAllPermutationsAreTheMeanOfEach(t *testing.T) {
	b := examples(4, 5, 3, 2)
	labels := [][]float64{{1, 0, 0.3, 0}, {0, 0.6, 0, 1}, {0.9, 0, 0, 0.1}, {0, 1, 0, 0.5}}
	got, err := project(t, interacting(), b, modality.EMAPOptions{}).Perception(labels)
	if err != nil {
		t.Fatal(err)
	}
	picture, n := make([]float64, 4), 0
	var permute func(order []int)
	permute = func(order []int) {
		if len(order) == 4 {
			n++
			exchanged := *b
			for i, j := range order {
				exchanged.Pairs = append(exchanged.Pairs, [2]int{i, j})
			}
			trace, err := interacting().Run(context.Background(), &exchanged, lxmert.Request{Want: lxmert.All("out.qa")})
			if err != nil {
				t.Fatal(err)
			}
			for i := range order {
				logits := trace.Values["out.qa"].Row(i).Data
				picture[i] += labels[i][slices.Index(logits, slices.Max(logits))]
			}
			return
		}
		for i := range 4 {
			if !slices.Contains(order, i) {
				permute(append(slices.Clone(order), i))
			}
		}
	}
	permute(nil)
	for i, sum := range picture {
		if math.Abs(got.OtherPicture[i]-sum/float64(n)) > 1e-12 {
			t.Errorf("example %d is worth %g with another picture, over %d permutations %g", i, got.OtherPicture[i], n, sum/float64(n))
		}
	}
}

func TestPerceptualScoresComeFromTheSeed(t *testing.T) {
	b := examples(9, 5, 3, 4)
	opt := modality.PerceptualOptions{Permutations: 2, Seed: 1, RowsPerRun: 7}
	first, again := perceptual(t, interacting(), b, nil, opt), perceptual(t, interacting(), b, nil, opt)
	opt.Seed = 2
	other := perceptual(t, interacting(), b, nil, opt)
	if !slices.Equal(first.OtherPicture, again.OtherPicture) || slices.Equal(first.OtherPicture, other.OtherPicture) {
		t.Errorf("seed 1 gives %v and %v, seed 2 %v", first.OtherPicture, again.OtherPicture, other.OtherPicture)
	}
}

func TestBadLabelsAreErrors(t *testing.T) {
	b := examples(2, 3, 2, 5)
	for want, labels := range map[string][][]float64{
		"labels of 1 examples": {{1, 0, 0, 0}},
		"labels of 2 classes":  {{1, 0, 0, 0}, {1, 0}},
	} {
		if _, err := modality.Perceptual(context.Background(), interacting(), b, labels, modality.PerceptualOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, expected one with %q", err, want)
		}
		if _, err := project(t, interacting(), b, modality.EMAPOptions{}).Perception(labels); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, expected one with %q", err, want)
		}
	}
}
