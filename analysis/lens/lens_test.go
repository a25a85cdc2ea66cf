package lens_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/goldencase"
	"github.com/seed-516990b0/golxmert/analysis/lens"
	"github.com/seed-516990b0/golxmert/analysis/lens/tune"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
)

var tunedTolerance = goldentest.Tolerance{Relative: 5.2e-5, Absolute: 3e-6}

// streams are what the goldens call them.
var streams = map[string]analysis.Stream{"t": analysis.WordStream, "i": analysis.RegionStream}

func logits(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target, tuned *lens.Tuned) (all [][]float64) {
	t.Helper()
	bound, err := target.Bind(context.Background(), eng, b)
	if err != nil {
		t.Fatal(err)
	}
	levels, _, err := lens.Logits(context.Background(), eng, bound, tuned)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range levels {
		all = append(all, x.Float64s())
	}
	return all
}

func TestLogitLensEqualsReference(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string) {
		golden, places := goldencase.Open(t, folder, "lens"), goldencase.Open(t, folder, "rel")
		places.Use("")
		results := func(eng lxmert.Engine) map[string][]float64 {
			out := map[string][]float64{}
			for name, target := range map[string]analysis.Target{
				"lens.mlm.t": analysis.MaskedWord(places.Ints("rel.mlm.masked_pos")...),
				"lens.obj.i": analysis.MaskedRegion(0, "object").At(places.Ints("rel.obj.masked_roi")...),
			} {
				for k, x := range logits(t, eng, b, target, nil) {
					out[fmt.Sprintf("%s.%d", name, k)] = x
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

func tuned(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, stream analysis.Stream, lambda float64) *lens.Tuned {
	t.Helper()
	fit := tune.New(eng, stream)
	for n := range b.Rows() { // in parts: what comes out does not depend on how
		if err := fit.Add(context.Background(), b.Part(n)); err != nil {
			t.Fatal(err)
		}
	}
	l, err := fit.Lens(lambda, "the goldens")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestTunedLensEqualsReference(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string) {
		golden := goldencase.Open(t, folder, "tunedlens")
		lambda := golden.Floats("tunedlens.lambda")[0]
		results := func(eng lxmert.Engine) map[string][]float64 {
			out := map[string][]float64{}
			for name, stream := range streams {
				l := tuned(t, eng, b, stream, lambda)
				target := analysis.MaskedWord(1).Unmasked()
				if stream == analysis.RegionStream {
					target = analysis.MaskedRegion(1, "object").Unmasked()
				}
				heads := logits(t, eng, b, target, l)
				for k, m := range l.Maps {
					at := fmt.Sprintf("tunedlens.%s.%d.", name, k)
					out[at+"A"], out[at+"b"], out[at+"logits"] = slices.Concat(m.A...), m.B, heads[k]
				}
				var means [2][]float64
				for i, map_ := range []*lens.Tuned{l, nil} {
					levels, err := lens.Divergences(context.Background(), eng, b, stream, map_)
					if err != nil {
						t.Fatal(err)
					}
					for k, rows := range levels {
						at, sum := fmt.Sprintf("tunedlens.%s.%d.%s", name, k, []string{"kl", "plain_kl"}[i]), 0.0
						for _, row := range rows { // the goldens pad them
							out[at] = append(append(out[at], row...), make([]float64, golden.Shape(at)[1]-len(row))...)
						}
						for _, x := range slices.Concat(rows...) {
							sum += x
						}
						means[i] = append(means[i], sum/float64(l.States))
					}
				}
				for k := range means[0] {
					out[fmt.Sprintf("tunedlens.%s.%d.mean", name, k)] = []float64{means[0][k], means[1][k]}
				}
			}
			return out
		}
		within := reach(t, folder, results)
		for name, got := range results(eng) {
			golden.CompareWide(name, got, tunedTolerance.WithReach(within[name]))
		}
	})
}

func read(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target, l *lens.Tuned) []lens.Reading {
	t.Helper()
	all, err := lens.Read(context.Background(), eng, b, target, l)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestTheLastLevelSaysWhatTheModelSays, through the plain lens: its most probable class is the target's own, and it diverges
// from the model by nothing; and the numbers of every level belong together.
func TestTheLastLevelSaysWhatTheModelSays(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		l := tuned(t, eng, b, analysis.WordStream, 0.1)
		for _, target := range []analysis.Target{analysis.Predicted(), analysis.MaskedWord(1), analysis.Match().Class(1)} {
			trace, err := eng.Run(context.Background(), b, lxmert.Request{Want: lxmert.All("out.match")})
			if err != nil {
				t.Fatal(err)
			}
			for n, r := range read(t, eng, b, target, l) {
				last := len(r.Levels) - 1
				plain := r.Views[0]
				if match := trace.Values["out.match"].Row(n).Data; strings.HasPrefix(r.Target, "logit of match") {
					want := 1 / (1 + math.Exp(float64(match[0]-match[1])))
					if math.Abs(plain.Probability[last]-want) > 1e-5 {
						t.Errorf("row %d: the last level gives a match %g, the model %g", n, plain.Probability[last], want)
					}
				} else if plain.Rank[last] != 1 {
					t.Errorf("row %d: %s is not the most probable at the last level", n, r.Target)
				}
				if len(r.Views) != 2 || math.Abs(plain.Divergence[last]) > 1e-6 {
					t.Errorf("row %d: %d views, the last level diverges from the model by %g", n, len(r.Views), plain.Divergence[last])
				}
				for _, v := range r.Views {
					for k := range r.Levels {
						top := v.Top[k][0].Probability
						if v.Divergence[k] < -1e-9 || v.Rank[k] < 1 || top < v.Probability[k] || (v.Rank[k] == 1) != (top == v.Probability[k]) {
							t.Errorf("row %d, %s, %s: divergence %g, rank %d, probability %g of %g", n, v.Name, r.Levels[k], v.Divergence[k], v.Rank[k], v.Probability[k], top)
						}
					}
				}
				if c := r.Curve(); c.Check() != nil || len(c.Series) != 2 || c.Rules["cross layers"] != float64(eng.Config().LangLayers+1) {
					t.Errorf("row %d: the curve is %+v", n, c)
				}
				if table := r.Table([]string{"a"}); table.Check() != nil || len(table.Rows) != 2*len(r.Levels) {
					t.Errorf("row %d: the table is %+v", n, table)
				}
				if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "fitted on the goldens, ") {
					t.Errorf("row %d does not say what the lens was fitted on: %+v", n, r.Meta)
				}
			}
		}
	})
}

// TestATunedLensOfTheLastLevelIsNearlyNothing: the weaker the penalty, the nearer to the identity.
func TestATunedLensOfTheLastLevelIsNearlyNothing(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		before := math.Inf(1)
		for _, lambda := range []float64{1, 1e-2, 1e-4} {
			levels, err := lens.Divergences(context.Background(), eng, b, analysis.RegionStream, tuned(t, eng, b, analysis.RegionStream, lambda))
			if err != nil {
				t.Fatal(err)
			}
			sum := 0.0
			for _, x := range slices.Concat(levels[len(levels)-1]...) {
				sum += x
			}
			if !(sum < before/2) {
				t.Errorf("lambda %g: the last level diverges by %g, with the penalty before by %g", lambda, sum, before)
			}
			before = sum
		}
	})
}

func TestLensesThatDoNotFitAreErrors(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		ctx := context.Background()
		words := tuned(t, eng, b, analysis.WordStream, 0.1)
		fewer := *words
		fewer.Maps = words.Maps[1:]
		narrow := *words
		narrow.Maps = slices.Clone(words.Maps)
		narrow.Maps[2].A = slices.Clone(narrow.Maps[2].A)
		narrow.Maps[2].A[1] = nil
		for want, l := range map[string]*lens.Tuned{"levels, the model": &fewer, "the map of level 2": &narrow} {
			if _, err := lens.Read(ctx, eng, b, analysis.MaskedWord(1), l); !errors.Is(err, lens.ErrTuned) || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want an error with %q", err, want)
			}
		}
		if _, err := lens.Read(ctx, eng, b, analysis.MaskedRegion(1, "object"), words); !errors.Is(err, lens.ErrTuned) {
			t.Errorf("a lens for words looked at regions: %v", err)
		}
		two := analysis.Sum(analysis.Answer(0), analysis.Match())
		if _, err := lens.Read(ctx, eng, b, two, nil); !errors.Is(err, analysis.ErrTarget) {
			t.Errorf("one lens looked through two heads: %v", err)
		}
		if _, err := tune.New(eng, analysis.WordStream).Lens(0.1, "nothing"); err == nil {
			t.Error("a lens was fitted to nothing")
		}
		fit := tune.New(eng, analysis.WordStream)
		if err := fit.Add(ctx, b); err != nil {
			t.Fatal(err)
		}
		if _, err := fit.Lens(0, "all"); err == nil || !strings.Contains(err.Error(), "greater than 0") {
			t.Errorf("a lens was fitted without a penalty: %v", err)
		}
	})
}
