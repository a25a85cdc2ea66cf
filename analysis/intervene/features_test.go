package intervene_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/dictionary"
	"github.com/seed-516990b0/golxmert/analysis/intervene"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// identity reads x and -x, and writes x again.
func identity(at string, width int) *dictionary.Dictionary {
	d := &dictionary.Dictionary{Name: "identity", At: at, Into: at, Activation: dictionary.ReLU,
		Encoder: lxmert.NewTensor(width, 2*width), EncoderBias: make([]float32, 2*width), Decoder: lxmert.NewTensor(2*width, width), DecoderBias: make([]float32, width)}
	for i := range width {
		d.Encoder.Row(i).Data[i], d.Encoder.Row(i).Data[width+i] = 1, -1
		d.Decoder.Row(i).Data[i], d.Decoder.Row(width + i).Data[i] = 1, -1
	}
	return d
}

// random is a dictionary of some features, all of which are on somewhere.
func random(at, into string, width, features, written int) *dictionary.Dictionary {
	rng := rand.New(rand.NewPCG(1, 2))
	draw := func(shape ...int) lxmert.Tensor {
		x := lxmert.NewTensor(shape...)
		for i := range x.Data {
			x.Data[i] = float32(rng.NormFloat64())
		}
		return x
	}
	return &dictionary.Dictionary{Name: "random", At: at, Into: into, Activation: dictionary.ReLU,
		Encoder: draw(width, features), EncoderBias: draw(features).Data, Decoder: draw(features, written), DecoderBias: draw(written).Data}
}

// difference is by how much two answers' logits differ at most, as a share of the largest of them.
func difference(a, b *lxmert.Answer) float64 {
	x, y := logits(a), logits(b)
	most, largest := 0.0, 0.0
	for i := range x {
		most, largest = max(most, math.Abs(x[i]-y[i])), max(largest, math.Abs(y[i]))
	}
	return most / largest
}

// rounding is how far that may be for two rows, or two batches, that compute the same in float32, which blocks of another size
// may round differently: some times what the goldens of outputs allow.
const rounding = 1e-4

func TestADictionaryThatIsTheIdentityChangesNothing(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		cfg := eng.Config()
		for at, width := range map[string]int{"hid.t.1": cfg.Hidden, "hid.i.1": cfg.Hidden, "l.0.ffn": cfg.Intermediate, "out.pooled": cfg.Hidden} {
			d := identity(at, width)
			for row := range b.Rows() {
				o := whatIf(t, eng, answer(t, eng, b, row), intervene.Features(d, []dictionary.Change{dictionary.Scale(0, 1)}), intervene.Reconstructed(d, nil))
				if got := difference(o.After[0].Answer, o.Before.Answer); got > rounding {
					t.Errorf("%s, row %d: nothing changed, with the error kept, changes logits by %g", at, row, got)
				}
				if got := difference(o.After[1].Answer, o.Before.Answer); got > rounding {
					t.Errorf("%s, row %d: the reconstruction changes logits by %g", at, row, got)
				}
			}
		}
	})
}

// TestFeaturesAreChangedAsByHand makes the same edits of what a run has there.
func TestFeaturesAreChangedAsByHand(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		cfg := eng.Config()
		one := named(b).Part(0)
		for _, c := range []struct {
			d     *dictionary.Dictionary
			place string
			at    []int // positions that are meant
		}{
			{random("hid.t.1", "hid.t.1", cfg.Hidden, 11, cfg.Hidden), "word 2", []int{2}},
			{random("hid.i.1", "hid.i.1", cfg.Hidden, 11, cfg.Hidden), "region 1", []int{1}},
			{random("l.0.att", "l.0.ffn.out", cfg.Hidden, 11, cfg.Hidden), "word 1", []int{1}}, // a transcoder
		} {
			trace, err := eng.Run(t.Context(), one, lxmert.Request{Want: lxmert.All(slices.Compact([]string{c.d.At, c.d.Into})...), NoRegions: one.NoRegions()})
			if err != nil {
				t.Fatal(err)
			}
			read, was := trace.Values[c.d.At].Row(0), trace.Values[c.d.Into].Row(0)
			changes := []dictionary.Change{dictionary.Off(3), dictionary.Set(5, 2), dictionary.Scale(7, 3)}
			add, set := lxmert.NewTensor(append([]int{1}, was.Shape...)...), lxmert.NewTensor(append([]int{1}, was.Shape...)...)
			copy(set.Data, was.Data)
			for _, p := range c.at {
				f := c.d.Encode(read.Row(p).Data)
				for i := range was.Shape[1] {
					whole := float64(c.d.DecoderBias[i])
					for j := range f {
						w := float64(c.d.Decoder.At(j, i))
						to := map[int]float64{3: 0, 5: 2, 7: 3 * f[7]}
						after, changed := to[j]
						if !changed {
							after = f[j]
						}
						add.Row(0).Row(p).Data[i] += float32((after - f[j]) * w)
						whole += after * w
					}
					set.Row(0).Row(p).Data[i] = float32(whole)
				}
			}
			o := whatIf(t, eng, answer(t, eng, named(b), 0),
				intervene.Features(c.d, changes, c.place), intervene.Edited("added", lxmert.Edit{Name: c.d.Into, Op: lxmert.Add, Value: add}),
				intervene.Reconstructed(c.d, changes, c.place), intervene.Edited("set", lxmert.Edit{Name: c.d.Into, Op: lxmert.Set, Value: set}))
			for i := 0; i < 4; i += 2 {
				if got := difference(o.After[i].Answer, o.After[i+1].Answer); got > rounding {
					t.Errorf("%s into %s: %q differs from the edit by hand by %g", c.d.At, c.d.Into, o.After[i].Change, got)
				}
				if difference(o.After[i].Answer, o.Before.Answer) < 1e-3 {
					t.Errorf("%s into %s: %q changes nothing", c.d.At, c.d.Into, o.After[i].Change)
				}
			}
		}
	})
}

// TestFeaturesReadWhatEarlierChangesLeft: off after a reconstruction that has set a feature to 3 is as off at once.
func TestFeaturesReadWhatEarlierChangesLeft(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		d := identity("hid.t.1", eng.Config().Hidden)
		off := intervene.Features(d, []dictionary.Change{dictionary.Off(0), dictionary.Off(eng.Config().Hidden)})
		o := whatIf(t, eng, answer(t, eng, b, 0), off, intervene.Together(intervene.Features(d, []dictionary.Change{dictionary.Set(0, 3)}), off))
		if got := difference(o.After[0].Answer, o.After[1].Answer); got > rounding {
			t.Errorf("logits differ by %g", got)
		}
	})
}

func TestFeaturesSayWhatIsWrong(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		b = named(b)
		width := eng.Config().Hidden
		d := identity("hid.t.1", width)
		off := []dictionary.Change{dictionary.Off(0)}
		for want, c := range map[string]intervene.Change{
			"no feature is changed":             intervene.Features(d, nil),
			"identity has no feature":           intervene.Features(d, []dictionary.Change{dictionary.Off(2 * width)}),
			"hid.t.1 has no regions":            intervene.Features(d, off, "region 1"),
			"there is no word 99":               intervene.Features(d, off, "word 99"),
			"identity: W_enc is":                intervene.Features(identity("hid.t.1", width+1), off),
			"identity: no activation is called": intervene.Reconstructed(identity("hid.t.77", width), nil),
		} {
			_, err := intervene.WhatIf(t.Context(), eng, answer(t, eng, b, 0), analysis.Target{}, c)
			if !errors.Is(err, intervene.ErrChange) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want a line with %q", err, want)
			}
		}
	})
}

func TestChangesOfFeaturesAreMarkedWhereTheyAreMade(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		d := identity("hid.t.1", eng.Config().Hidden)
		c := intervene.Features(d, []dictionary.Change{dictionary.Off(0), dictionary.Scale(1, 2)}, "word 2")
		o := whatIf(t, eng, answer(t, eng, named(b), 0), c)
		if !slices.Equal(o.After[0].Words[0], []int{2}) || o.After[0].Change != "identity: 0=0, 1*2 at word 2" {
			t.Errorf("words %v of %q", o.After[0].Words, o.After[0].Change)
		}
	})
}
