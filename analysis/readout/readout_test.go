package readout_test

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/readout"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func readOut(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, opt readout.Options) *readout.Readout {
	t.Helper()
	r, err := readout.Read(t.Context(), eng, b, opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// guesses are the classes and probabilities of a head's sayings, by place.
func guesses(r *readout.Readout, head string, masked, picture bool) map[int][]readout.Guess {
	all := map[int][]readout.Guess{}
	for _, s := range r.Of(head, masked, picture) {
		top := slices.Clone(s.Top)
		for i := range top {
			if math.IsNaN(top[i].Distance) {
				top[i].Distance = 0
			}
			if math.IsNaN(top[i].Probability) {
				top[i].Probability = 0
			}
		}
		all[s.At] = top
	}
	return all
}

// TestWhatIsHiddenIsNotSeen: with another picture nothing changes of what is read without one, with another word or region
// in a hidden place nothing of what is guessed there.
func TestWhatIsHiddenIsNotSeen(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		for row := range b.Rows() {
			one := b.Part(row)
			r := readOut(t, eng, one, readout.Options{})
			inner := analysis.InnerWords(one, 0)

			picture := b.Part(row)
			for i := range picture.Feats.Data {
				picture.Feats.Data[i] = -3 * picture.Feats.Data[i]
			}
			other := readOut(t, eng, picture, readout.Options{})
			for _, head := range []string{"out.mlm", "out.match", "out.qa"} {
				for _, masked := range []bool{true, false} {
					if !reflect.DeepEqual(guesses(r, head, masked, false), guesses(other, head, masked, false)) {
						t.Errorf("row %d: what %s says without the picture depends on it", row, head)
					}
				}
			}
			if reflect.DeepEqual(guesses(r, "out.mlm", true, true), guesses(other, "out.mlm", true, true)) {
				t.Errorf("row %d: what out.mlm says with the picture does not depend on it", row)
			}

			word := b.Part(row)
			word.IDs = [][]int32{slices.Clone(word.IDs[0])}
			word.IDs[0][inner[0]] = (word.IDs[0][inner[0]]+1)%int32(eng.Config().Vocab-4) + 4
			other = readOut(t, eng, word, readout.Options{})
			if at := inner[0]; !reflect.DeepEqual(guesses(r, "out.mlm", true, true)[at], guesses(other, "out.mlm", true, true)[at]) {
				t.Errorf("row %d: what is guessed of a hidden word depends on the word", row)
			}

			region := b.Part(row)
			for i := range region.Feats.Row(0).Row(2).Data {
				region.Feats.Row(0).Row(2).Data[i] += 1
			}
			other = readOut(t, eng, region, readout.Options{})
			for _, head := range []string{"out.obj", "out.attr"} {
				if !reflect.DeepEqual(guesses(r, head, true, true)[2], guesses(other, head, true, true)[2]) {
					t.Errorf("row %d: what %s guesses of a hidden region depends on its feature", row, head)
				}
				if reflect.DeepEqual(guesses(r, head, false, true)[2], guesses(other, head, false, true)[2]) {
					t.Errorf("row %d: what %s says of a region that is seen does not depend on its feature", row, head)
				}
			}
		}
	})
}

// described is a batch of one row that knows its words, of which the first two pieces are one, and the detector's classes.
func described(b *lxmert.Batch) *lxmert.Batch {
	one := b.Part(0)
	n := len(one.IDs[0])
	w := lxmert.Words{Text: "ab c d e f", Pieces: []string{"[CLS]", "a", "##b", "c", "d", "e", "[SEP]"}, Start: []int{-1, 0, 1, 3, 5, 7, -1}, End: []int{-1, 1, 2, 4, 6, 8, -1}, Word: []int{-1, 0, 0, 1, 2, 3, -1}}
	if n != len(w.Pieces) {
		panic("the goldens' first sentence has another length")
	}
	one.Words = []lxmert.Words{w}
	one.Images = []lxmert.ImageInfo{{ID: "p", Objects: []string{"cat", "dog", "cat", "hat", "cup"}, ObjectIDs: []int32{0, 1, 0, 2, 7}, AttributeIDs: []int32{1, 1, 99, -1}}}
	return one
}

func TestPiecesOfAWordAreHiddenTogether(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		whole, bare := described(b), described(b)
		bare.Words = nil
		together := readOut(t, eng, whole, readout.Options{Words: []int{2}})
		if got := together.Of("out.mlm", true, true); len(got) != 2 || got[0].At != 1 || got[1].At != 2 {
			t.Errorf("hiding one piece of a word asks about %v", got)
		}
		hidden := whole.Part(0)
		hidden.IDs = [][]int32{slices.Clone(hidden.IDs[0])}
		for _, at := range []int{1, 2} {
			hidden.IDs[0][at] = eng.Config().Special.Mask
		}
		want := say(t, eng, hidden, []readout.Ask{at("out.mlm", 0, 1, int(whole.IDs[0][1]))})[0]
		if got := together.Of("out.mlm", true, true)[0]; math.Abs(got.Bits-want.Bits) > 1e-4 {
			t.Errorf("%g bits, %g of a sentence without the word", got.Bits, want.Bits)
		}
		if got := readOut(t, eng, bare, readout.Options{Words: []int{2}}).Of("out.mlm", true, true); len(got) != 1 {
			t.Errorf("where nobody says which pieces are a word, hiding one asks about %v", got)
		}
	})
}

// TestTheVocabularyKnowsTheMask where the weights' configuration does not, as with a vocabulary of one's own.
func TestTheVocabularyKnowsTheMask(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		cfg := eng.Config()
		cfg.Special.Mask = 0
		names := lxmert.ClassNames{Words: slices.Repeat([]string{"x"}, cfg.Vocab)}
		names.Words[eng.Config().Special.Mask] = "[MASK]"
		want, got := readOut(t, eng, b.Part(0), readout.Options{}), readOut(t, headless{eng, cfg}, b.Part(0), readout.Options{Names: names})
		if !reflect.DeepEqual(guesses(got, "out.mlm", true, true), guesses(want, "out.mlm", true, true)) {
			t.Error("another id stood for hidden words")
		}
	})
}

func TestTheDetectorsClassesAreTheTruthOfRegions(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		r := readOut(t, eng, described(b), readout.Options{})
		truths := func(head string) (all []int) {
			for _, s := range r.Of(head, true, true) {
				all = append(all, s.Truth)
				if (s.Truth < 0) != math.IsNaN(s.Bits) && head != "out.feat" {
					t.Errorf("%s: class %d has %g bits", head, s.Truth, s.Bits)
				}
			}
			return all
		}
		if got := truths("out.obj"); !slices.Equal(got, []int{0, 1, 0, 2, 7}) {
			t.Errorf("objects %v", got)
		}
		if got := truths("out.attr"); !slices.Equal(got, []int{1, 1, -1, -1, -1}) {
			t.Errorf("attributes %v: those that the head does not have, and those that nobody says, are not known", got)
		}
		if got := truths("out.feat"); !slices.Equal(got, []int{0, 1, 2, 3, 4}) {
			t.Errorf("features %v", got)
		}
	})
}

// TestEveryFormOfAReadoutSaysTheSame, with names where there are any and numbers where not.
func TestEveryFormOfAReadoutSaysTheSame(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		names := lxmert.ClassNames{Objects: []string{"cat", "dog", "hat", "x3", "x4", "x5", "x6", "cup"}, Answers: []string{"yes"}}
		r := readOut(t, eng, described(b), readout.Options{Names: names, Top: 2})
		table, cfg := r.Table(), eng.Config()
		if err := table.Check(); err != nil || len(table.Rows) != len(r.Sayings) {
			t.Errorf("%d rows of %d sayings: %v", len(table.Rows), len(r.Sayings), err)
		}
		if want := 2*2 + 2*2*5 + 2*3*5; len(r.Sayings) != want { // match and answer; words; three heads of regions
			t.Errorf("%d sayings, want %d", len(r.Sayings), want)
		}
		c := r.Collection()
		if err := c.Check(); err != nil || len(c.Results) != 3+4 {
			t.Errorf("%d results: %v", len(c.Results), err)
		}
		for _, result := range c.Results {
			var text bytes.Buffer
			if err := result.CSV(&text); err != nil || text.Len() == 0 {
				t.Errorf("%s: %v", analysis.KindOf(result), err)
			}
			if about := result.About(); about.Params["match"] != "class 1 of out.match" || about.N != 1 {
				t.Errorf("%s is about %+v", analysis.KindOf(result), about)
			}
		}
		text := r.String()
		for _, want := range []string{"match (class 1 of out.match)", "without the picture", "ab c d e f", "object of regions, hidden", "object of regions, seen", "4 cup", "distance", "word piece "} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in\n%s", want, text)
			}
		}
		match, ok := r.Match(true)
		said := r.Of("out.match", false, true)[0]
		if !ok || len(said.Top) != 2 || math.Abs(said.Top[0].Probability+said.Top[1].Probability-1) > 1e-12 {
			t.Errorf("a match is %g (%v) of %v", match, ok, said.Top)
		}
		explanation := r.Explanation()
		saved := explanation.All()[len(explanation.All())-1]
		for _, s := range r.Of("out.mlm", true, false) {
			with := explanation.Scores.Words[s.At]
			if math.Abs(saved.Words[s.At]-(s.Bits-with)) > 1e-12 {
				t.Errorf("word %d: the picture saves %g bits of %g and %g", s.At, saved.Words[s.At], s.Bits, with)
			}
		}
		for _, s := range r.Of("out.obj", true, true) {
			if explanation.Scores.Regions[s.At] != s.Bits {
				t.Errorf("region %d has %g bits in the picture and %g in the table", s.At, explanation.Scores.Regions[s.At], s.Bits)
			}
		}
		if cfg.ClassCount("out.feat") > 0 && len(r.Notes) != 1 {
			t.Errorf("nobody says that features of regions that are seen were not trained: %v", r.Notes)
		}
	})
}

// headless is an engine without some heads.
type headless struct {
	lxmert.Engine
	cfg lxmert.Config
}

func (h headless) Config() lxmert.Config { return h.cfg }

func TestReadoutsThatCannotBeAreErrors(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		one, cfg := b.Part(0), eng.Config()
		for want, read := range map[string]func() error{
			"the batch has 8 rows": func() error { _, err := readout.Read(t.Context(), eng, b, readout.Options{}); return err },
			"no word at position 0, words are at [1 2 3 4 5]": func() error {
				_, err := readout.Read(t.Context(), eng, one, readout.Options{Words: []int{0}})
				return err
			},
			"no region 5": func() error {
				_, err := readout.Read(t.Context(), eng, one, readout.Options{Regions: []int{5}})
				return err
			},
			"nothing is as": func() error { _, _, err := readout.Say(t.Context(), eng, one, nil, 1); return err },
			"no head out.task": func() error {
				_, _, err := readout.Say(t.Context(), eng, one, []readout.Ask{at("out.task", 0, -1, 0)}, 1)
				return err
			},
			"of row 1, the batch has 1": func() error {
				_, _, err := readout.Say(t.Context(), eng, one, []readout.Ask{at("out.mlm", 1, 0, 0)}, 1)
				return err
			},
			"it is about regions, of which there are 5": func() error {
				_, _, err := readout.Say(t.Context(), eng, one, []readout.Ask{at("out.obj", 0, 5, 0)}, 1)
				return err
			},
			"class 8 of out.obj, which has 8": func() error {
				_, _, err := readout.Say(t.Context(), eng, one, []readout.Ask{at("out.obj", 0, 0, 8)}, 1)
				return err
			},
			"compared with features of shape []": func() error {
				_, _, err := readout.Say(t.Context(), eng, one, []readout.Ask{at("out.feat", 0, 0, 0)}, 1)
				return err
			},
			"which word piece is [MASK]": func() error {
				c := cfg
				c.Special.Mask = 0
				_, err := readout.Read(t.Context(), headless{eng, c}, one, readout.Options{})
				return err
			},
		} {
			if err := read(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want an error with %q", err, want)
			}
		}
		bare := cfg
		bare.LM, bare.Match, bare.FeatHead, bare.Objects, bare.Attributes, bare.Answers = false, false, false, 0, 0, 0
		if _, err := readout.Read(t.Context(), headless{eng, bare}, one, readout.Options{}); !errors.Is(err, readout.ErrNoHeads) {
			t.Errorf("a model without heads: %v", err)
		}
	})
}

// TestHeadsThatAModelLacksAreLeftOut instead of being errors: published models differ.
func TestHeadsThatAModelLacksAreLeftOut(t *testing.T) {
	onGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		cfg := eng.Config()
		cfg.LM, cfg.Objects, cfg.FeatHead = false, 0, false
		r := readOut(t, headless{eng, cfg}, described(b), readout.Options{})
		for _, s := range r.Sayings {
			if s.Head == "out.mlm" || s.Head == "out.obj" || s.Head == "out.feat" {
				t.Errorf("%s said something", s.Head)
			}
		}
		if err := r.Collection().Check(); err != nil || len(r.Sayings) == 0 || r.String() == "" {
			t.Errorf("%d sayings: %v", len(r.Sayings), err)
		}
	})
}
