package intervene_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/goldencase"
	"github.com/seed-516990b0/golxmert/analysis/intervene"
	"github.com/seed-516990b0/golxmert/analysis/patch"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/internal/roundingtest"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func whatIf(t *testing.T, eng lxmert.Engine, a *lxmert.Answer, changes ...intervene.Change) *intervene.Outcome {
	t.Helper()
	o, err := intervene.WhatIf(t.Context(), eng, a, analysis.Target{}, changes...)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// onEveryRow makes changes to every row of a batch, and returns the logits of each change, all rows one after another.
func onEveryRow(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, changes func(row int) []intervene.Change) [][]float64 {
	t.Helper()
	var out [][]float64
	for row := range b.Rows() {
		for i, c := range whatIf(t, eng, answer(t, eng, b, row), changes(row)...).After {
			if row == 0 {
				out = append(out, nil)
			}
			out[i] = append(out[i], logits(c.Answer)...)
		}
	}
	return out
}

// compare compares results on every backend, as far as rounding may carry.
func compare(t *testing.T, eng lxmert.Engine, golden goldencase.File, tolerance goldentest.Tolerance, results func(eng lxmert.Engine) map[string][]float64) {
	t.Helper()
	reach := roundingtest.Reach(t, eng, roundingtest.Float32, results)
	for name, got := range results(eng) {
		golden.CompareWide(name, got, tolerance.WithReach(reach[name]))
	}
}

func TestInterventionsEqualReference(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string) {
		golden := goldencase.Open(t, folder, "interv")
		uniform := lxmert.NewTensor(1, 1, 1, 1)
		uniform.Data[0] = 1 / float32(b.V())
		compare(t, eng, golden, goldentest.Tolerance{Relative: 3e-5, Absolute: 1e-5}, func(eng lxmert.Engine) map[string][]float64 {
			maps, err := eng.Run(t.Context(), b, lxmert.Request{Want: lxmert.All("x.0.ti")})
			if err != nil {
				t.Fatal(err)
			}
			got := onEveryRow(t, eng, b, func(row int) []intervene.Change {
				// Padding and other pictures' regions are part of what this golden exchanges, so it is made by edits.
				next := maps.Values["x.0.ti"].Row((row + 1) % b.Rows())
				next.Shape = append([]int{1}, next.Shape...)
				return []intervene.Change{
					intervene.HeadsOff("x.1.ti:1"),
					intervene.Edited("even attention", lxmert.Edit{Name: "x.0.ti", Op: lxmert.Set, Value: uniform}),
					intervene.Edited("attention of the next", lxmert.Edit{Name: "x.0.ti", Op: lxmert.Set, Value: next}),
				}
			})
			return map[string][]float64{
				"interv.head_off.x.1.ti.h1.qa_logits": got[0], "interv.uniform.x.0.ti.qa_logits": got[1], "interv.patch_att.x.0.ti.qa_logits": got[2],
			}
		})
	})
}

func TestCutsByNameEqualReference(t *testing.T) {
	eachGolden(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string) {
		golden := goldencase.Open(t, folder, "knockout")
		golden.Use("knockout.") // of which package lxrt compares all
		b = named(b)
		results := func(eng lxmert.Engine) map[string][]float64 {
			got := onEveryRow(t, eng, b, func(int) []intervene.Change {
				return []intervene.Change{
					intervene.Cut("[CLS]", "regions", "x.*.ti"), intervene.Cut("words", "regions"),
					intervene.Cut("[CLS]", "regions", "x.0.ti"), intervene.Cut("word 0", "regions", "x.1.ti"), intervene.Cut("[CLS]", "regions", "x.2.ti"),
				}
			})
			return map[string][]float64{"knockout.cls_all.qa": got[0], "knockout.words_all.qa": got[1], "knockout.cls.qa": slices.Concat(got[2:]...)}
		}
		compare(t, eng, golden, goldentest.Tolerance{Relative: 2e-5, Absolute: 3e-6}, results)
	})
}

// TestEachChangeIsMadeToItsOwnRowAlone: together in one batch they do what each does alone, and the question as it was stays.
func TestEachChangeIsMadeToItsOwnRowAlone(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string) {
		b = named(b)
		results := func(eng lxmert.Engine) map[string][]float64 {
			a := answer(t, eng, b, 0)
			changes := []intervene.Change{
				intervene.Without(), intervene.Without("star", "ring 1"), intervene.Instead(b.Part(2)), intervene.HeadsOff("x.0.ti:0,2"),
				intervene.HeadsOff("x.0.ti:1").As("another head"), intervene.Cut("regions", "words"), intervene.WithRegion("region 2", b.Part(3), "region 4"),
				intervene.Patch(reworded(b, 0, 1), "hid.t.1"), intervene.Together(intervene.Without("cross"), intervene.HeadsOff("l.*.tt:0")),
			}
			o := whatIf(t, eng, a, changes...)
			out := map[string][]float64{"before": logits(o.Before.Answer), "asked": logits(a)}
			for i, c := range changes {
				out["together "+c.String()] = logits(o.After[i].Answer)
				out["alone "+c.String()] = logits(whatIf(t, eng, a, c).After[0].Answer)
			}
			return out
		}
		reach := roundingtest.Reach(t, eng, roundingtest.Float32, results)
		got := results(eng)
		same := func(x, y string) {
			within := reach[x] + reach[y] + 1e-6
			for i := range got[x] {
				if math.Abs(got[x][i]-got[y][i]) > within {
					t.Errorf("%s and %s: logit %d is %g and %g, they may be %g apart", x, y, i, got[x][i], got[y][i], within)
				}
			}
		}
		same("before", "asked")
		for name := range got {
			if change, ok := strings.CutPrefix(name, "together "); ok {
				same(name, "alone "+change)
				if slices.Equal(got[name], got["asked"]) {
					t.Errorf("%s changes nothing", change)
				}
			}
		}
	})
}

func TestWhatWasChangedIsMarked(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string) {
		b = named(b)
		a := answer(t, eng, b, 0)
		other := reworded(b, 0, 2)
		for _, c := range []struct {
			change         intervene.Change
			words, regions []int
		}{
			{intervene.Instead(other), []int{2}, nil},
			{intervene.Without("ring"), nil, []int{1, 4}},
			{intervene.WithRegion("region 3", b.Part(1), "region 0"), nil, []int{3}},
			{intervene.Cut("word 1", "cross"), []int{1}, []int{2}},
			{intervene.Cut("[CLS]", "regions"), []int{0}, nil},
			{intervene.HeadsOff("x.*.ti"), nil, nil},
		} {
			o := whatIf(t, eng, a, c.change)
			for _, x := range []intervene.Case{o.Before, o.After[0]} {
				if !slices.Equal(x.Words[0], c.words) || !slices.Equal(x.Regions[0], c.regions) {
					t.Errorf("%s: words %v and regions %v are marked, expected %v and %v", c.change, x.Words, x.Regions, c.words, c.regions)
				}
			}
			if err := o.Collection().Check(); err != nil {
				t.Errorf("%s: %v", c.change, err)
			}
			table := o.Table()
			if last := table.Rows[1]; last[0] != c.change.String() || last[4] != o.After[0].Score-o.Before.Score || table.Rows[0][4] != 0.0 {
				t.Errorf("%s: the table has %v", c.change, table.Rows)
			}
		}
	})
}

// TestATargetIsThatOfTheQuestionAsItWas: the answer whose logit is compared is one for all rows, as are a masked word and its
// place.
func TestATargetIsThatOfTheQuestionAsItWas(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string) {
		a := answer(t, eng, b, 0)
		o, err := intervene.WhatIf(t.Context(), eng, a, analysis.Predicted(), intervene.Without(), intervene.HeadsOff("*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []intervene.Case{o.Before, o.After[0], o.After[1]} {
			if want := logits(c.Answer)[a.Best().Class]; math.Abs(c.Score-want) > 1e-6*(1+math.Abs(want)) {
				t.Errorf("%q: the score is %g, the answer's logit %g", c.Change, c.Score, want)
			}
		}
		if o.Unit != "logit" || !strings.Contains(o.Target, "answer") {
			t.Errorf("the target is %q in %q", o.Target, o.Unit)
		}
		word, err := intervene.WhatIf(t.Context(), eng, a, analysis.MaskedWord(2), intervene.Without())
		if err != nil {
			t.Fatal(err)
		}
		bound, err := analysis.MaskedWord(2).Bind(t.Context(), eng, a.Batch)
		if err != nil {
			t.Fatal(err)
		}
		trace, err := eng.Run(t.Context(), bound.Batch, lxmert.Request{Grad: bound.Grad()})
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(word.Before.Score-float64(trace.Score[0])) > 1e-5*(1+math.Abs(word.Before.Score)) || word.After[0].Score == word.Before.Score {
			t.Errorf("the masked word's logit is %g, and %g without regions, expected %g", word.Before.Score, word.After[0].Score, trace.Score[0])
		}
	})
}

func TestChangesThatCannotBeMadeSayWhy(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, folder string) {
		b = named(b)
		a := answer(t, eng, b, 0)
		longer := b.Part(0)
		longer.IDs = [][]int32{append(slices.Clone(longer.IDs[0]), 5)}
		longer.Words, longer.Segments, longer.TextMask = nil, nil, nil
		says := fmt.Sprintf("%d word pieces in one input and %d in the other", len(analysis.InnerWords(b, 0))+2, len(longer.IDs[0]))
		far := b.Part(4)
		both := b.Part(0)
		w := &both.Words[0]
		w.Text, w.Start, w.End = "star", slices.Repeat([]int{-1}, len(w.Start)), slices.Repeat([]int{-1}, len(w.End))
		w.Start[1], w.End[1] = 0, 4
		twice := answer(t, eng, both, 0)
		for what, c := range map[string]struct {
			a      *lxmert.Answer
			change intervene.Change
			says   string
			pair   bool
		}{
			"nobody":          {a, intervene.Cut("nobody", "regions"), `nothing is called "nobody"; there are [CLS]`, false},
			"no region":       {a, intervene.Without("moon"), "star, ring, cross", false},
			"a word":          {a, intervene.Without("[CLS]"), "is a word, not a region", false},
			"beyond":          {a, intervene.Without("region 5"), "no region 5; there are 5", false},
			"several":         {a, intervene.WithRegion("star", b, "region 1"), `"star" stands for 2 regions`, false},
			"a head":          {a, intervene.HeadsOff("x.0.ti:3"), "heads 0 to 2", false},
			"no map":          {a, intervene.HeadsOff("hid.t.0"), "not an attention map", false},
			"no activation":   {a, intervene.Patch(b.Part(0), "hid.t.77"), "hid.t.77", false},
			"no edge":         {a, intervene.Cut("words", "regions", "x.*.it"), "leads from words to regions", false},
			"other length":    {a, intervene.Patch(longer, "hid.t.1"), says, true},
			"other picture":   {a, intervene.Patch(far, "hid.i.1"), "take the same picture with one region replaced", true},
			"no words there":  {a, intervene.Patch(b.Part(0), "hid.i.1", "words"), "hid.i.1 has no words", false},
			"no heads there":  {a, intervene.Patch(b.Part(0), "hid.t.1", "head 0"), "has no heads", false},
			"nothing":         {a, intervene.Together(), "nothing is changed", false},
			"word and region": {twice, intervene.Cut("star", "regions"), `say "word star" or "region star"`, false},
			"second picture":  {a, intervene.OnPicture(1, intervene.Without()), "no picture 1", false},
		} {
			_, err := intervene.WhatIf(t.Context(), eng, c.a, analysis.Target{}, c.change)
			if !errors.Is(err, intervene.ErrChange) || errors.Is(err, patch.ErrPair) != c.pair || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %v, must say %q", what, err, c.says)
			}
		}
		if _, err := intervene.WhatIf(t.Context(), eng, a, analysis.Target{}); !errors.Is(err, intervene.ErrChange) {
			t.Errorf("no change: %v", err)
		}
	})
}
