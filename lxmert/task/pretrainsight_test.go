package task

import (
	"context"
	"maps"
	"math"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
	"github.com/seed-516990b0/golxmert/lxmert/train"
)

func TestMatchAUCIsTheShareOfPairsInOrder(t *testing.T) {
	pairs := func(category string, margins ...float64) (list []scoredPair) {
		for _, m := range margins {
			list = append(list, scoredPair{category, m})
		}
		return list
	}
	// a: 3 beats 1 and 2, 1 beats nothing and equals 1: 2.5 of 4. b: 0 beats neither. All: of 3 x 4 pairs, 3 wins over all of
	// 1, 2, -1 and loses to 5; 1 wins over -1 and equals 1; 0 wins over -1: 3 + 1.5 + 1.
	own := append(pairs("a", 3, 1), pairs("b", 0)...)
	other := append(pairs("a", 1, 2), pairs("b", 5, -1)...)
	want := map[string]float64{"": 5.5 / 12, "a": 2.5 / 4, "b": 0.5}
	if got := matchAUC(own, other); !maps.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
	if got := matchAUC(nil, nil); got != nil {
		t.Errorf("of nothing: %v", got)
	}
}

// TestGainsAreMeansOverWordsWithAnIntervalOverPictures is computed by hand: picture x has 3 words that gain 6 in all, y has 1
// that gains 0. So the gain is 6/4 = 1.5, pictures differ from it by 6-4.5 and 0-1.5, and the standard error is
// sqrt((1.5^2+1.5^2) * 2/1) / 4 = 0.75.
func TestGainsAreMeansOverWordsWithAnIntervalOverPictures(t *testing.T) {
	var s sight
	s.gains([]wordLoss{{"x", 1, 1, 3}, {"x", 2, 2, 6}, {"y", 1, 1, 1}})
	want := sight{words: 4, with: 1, without: 2.5, gain: 1.5, low: 1.5 - 1.96*0.75, high: 1.5 + 1.96*0.75}
	for _, x := range [][2]float64{{s.with, want.with}, {s.without, want.without}, {s.gain, want.gain}, {s.low, want.low}, {s.high, want.high}} {
		if math.Abs(x[0]-x[1]) > 1e-12 {
			t.Errorf("%+v, not %+v", s, want)
		}
	}
	s = sight{}
	s.gains([]wordLoss{{"x", 1, 1, 3}})
	if !math.IsInf(s.high, 1) || !math.IsInf(s.low, -1) {
		t.Errorf("one picture has the interval %g to %g", s.low, s.high)
	}
	line := map[string]any{}
	s.put(line)
	if line["valid.words.gain.high"] != "+Inf" || line["valid.words.gain"] != 2.0 {
		t.Errorf("%v", line)
	}
}

// TestWhatIsSeenIsWhatTheLossesSay: with the own picture, masked words cost what their loss says, and the margins of matching
// are those of its loss. Bounds are those of sums in float32.
func TestWhatIsSeenIsWhatTheLossesSay(t *testing.T) {
	b := backendtest.Open(t, "cpu")
	o := pretrainOptions(t)
	p := newPretraining(t, b, &o)
	tr, err := train.NewTrainer(t.Context(), b.Backend, p.cfg, &train.Initial{Config: p.cfg, Seed: 1, Range: 0.3}, p.objective(), train.Options{Optimizer: "bert", Schedule: train.Schedule{Warmup: -1, Total: -1}})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	var index []int
	for i := range 40 {
		index = append(index, i)
	}
	loss := func(rate float64, which int) float64 {
		var examples []*dataset.Masked
		var n counts
		for _, i := range index {
			e, err := p.sightExample(t.Context(), i, rate)
			if err != nil {
				t.Fatal(err)
			}
			n.words += masked(e.Words)
			examples = append(examples, e)
		}
		part, err := p.part(examples, n, 1)
		if err != nil {
			t.Fatal(err)
		}
		_, outputs, err := tr.Evaluate(t.Context(), part)
		if err != nil {
			t.Fatal(err)
		}
		return float64(outputs[which].([]float32)[0])
	}
	words, err := p.wordsBoth(t.Context(), tr.Model(), index)
	if err != nil {
		t.Fatal(err)
	}
	var s sight
	s.gains(words)
	if want := loss(o.Pretraining.WordMaskRate, 0); math.Abs(s.with-want) > 1e-5*(1+want) || s.words == 0 || s.without == s.with {
		t.Errorf("masked words cost %+v, their loss is %g", s, want)
	}
	own, other, err := p.matchBoth(t.Context(), tr.Model(), index)
	if err != nil {
		t.Fatal(err)
	}
	mean, same := 0.0, 0
	for k, x := range own {
		mean += math.Log1p(math.Exp(-x.margin)) / float64(len(own))
		if other[k].margin == x.margin {
			same++
		}
	}
	if want := loss(0, 1); math.Abs(mean-want) > 1e-5*(1+want) || same == len(own) {
		t.Errorf("margins have the loss %g, not %g; %d of %d pairs are alike with another picture", mean, want, same, len(own))
	}
}

// TestTheKeptWeightsKnowPicturesThatTheyHaveNotSeen: the toy world's pre-trained weights tell captions of held-out pictures from
// those of others, and fill in words with the picture better than without it, beyond the interval.
func TestTheKeptWeightsKnowPicturesThatTheyHaveNotSeen(t *testing.T) {
	b := backendtest.Open(t, "cpu")
	o := pretrainOptions(t)
	t.Setenv(toy.FolderEnv, openWorld(t).Dir)
	named, err := toy.FindWeights(toy.Pretrained)
	if err != nil {
		t.Fatal(err)
	}
	o.FromScratch, o.Load, o.Valid = false, named.Weights, []string{"heldout"}
	p := newPretraining(t, b, &o)
	m, err := lxrt.Open(b, named.Weights, named.Config, lxrt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	s, err := p.see(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	if !(s.auc["mscoco"] > 0.9) || !(s.low > 0) || s.words < 100 {
		t.Errorf("of %d pairs and %d words: %v", s.pairs, s.words, s)
	}
}

func TestThePublishedLossesStandBesideTheirOwnEpoch(t *testing.T) {
	c := lxmert.LXR955()
	if text := published(c, 11); !strings.Contains(text, "Mask_LM: 1.1908 ") || !strings.Contains(text, "0.3092") {
		t.Errorf("%q", text)
	}
	small := c
	small.LangLayers = 2
	if text := published(c, 10) + published(small, 11); text != "" {
		t.Errorf("%q", text)
	}
}

// TestWithoutItsTaskNothingIsSeen: heads that learn nothing are not judged.
func TestWithoutItsTaskNothingIsSeen(t *testing.T) {
	b := backendtest.Open(t, "go")
	o := pretrainOptions(t)
	o.Pretraining.Objects = true
	p := newPretraining(t, b, &o)
	s, err := p.see(context.Background(), nil)
	if err != nil || s.String() != "" {
		t.Errorf("%v, %v", s, err)
	}
}
