package suite_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/suite"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt/lxrttest"
)

func TestMain(m *testing.M) { backendtest.Main(m) }

// ofRows is the input of sentences and pictures that are rows of a batch, by their numbers, each once.
func ofRows(b *lxmert.Batch) suite.Input {
	return func(_ context.Context, questions []lxmert.Question) (*lxmert.Batch, error) {
		var texts, images []int
		at := func(list *[]int, name string) int {
			n := 0
			if _, err := fmt.Sscan(name, &n); err != nil {
				panic(err)
			}
			if i := slices.Index(*list, n); i >= 0 {
				return i
			}
			*list = append(*list, n)
			return len(*list) - 1
		}
		pairs := [][2]int{}
		for _, q := range questions {
			pairs = append(pairs, [2]int{at(&texts, q.Text), at(&images, q.Images[0])})
		}
		out, pictures := b.Part(texts...), b.Part(images...)
		out.Feats, out.Boxes, out.RegionMask, out.Pairs = pictures.Feats, pictures.Boxes, pictures.RegionMask, pairs
		for i, row := range texts {
			n := 0
			for _, there := range analysis.ValidWords(b, row) {
				if there {
					n++
				}
			}
			out.IDs[i] = out.IDs[i][:n] // sentences of different lengths
			if out.TextMask != nil {
				out.TextMask[i] = out.TextMask[i][:n]
			}
			w := lxmert.Words{Text: fmt.Sprint(row)}
			for t := range n {
				w.Pieces, w.Start, w.End, w.Word = append(w.Pieces, fmt.Sprintf("w%d", t)), append(w.Start, 0), append(w.End, 0), append(w.Word, -1)
			}
			out.Words = append(out.Words, w)
		}
		return out, nil
	}
}

func names(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprint(i))
	}
	return all
}

// TestAGridIsEveryPairAskedAlone, and asks each tower once.
func TestAGridIsEveryPairAskedAlone(t *testing.T) {
	lxrttest.OnGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		counted := &towersCounted{Engine: eng}
		input := ofRows(b)
		sentences, images := names(8), names(5)
		grid, from, err := suite.Grid(t.Context(), counted, input, sentences, images, nil)
		if err != nil || from.Backend == "" {
			t.Fatal(err, from)
		}
		for i, s := range sentences {
			for j, v := range images {
				one, err := input(t.Context(), []lxmert.Question{{Text: s, Images: []string{v}}})
				if err != nil {
					t.Fatal(err)
				}
				trace, err := eng.Run(t.Context(), one, lxmert.Request{Want: lxmert.All("out.match")})
				if err != nil {
					t.Fatal(err)
				}
				for k, x := range trace.Values["out.match"].Data {
					if math.Abs(grid[i][j][k]-float64(x)) > 1e-4*(1+math.Abs(float64(x))) {
						t.Errorf("sentence %d and picture %d: logit %d is %g, alone %g", i, j, k, grid[i][j][k], x)
					}
				}
			}
		}
		if counted.texts != len(sentences) || counted.images != len(images) {
			t.Errorf("the towers ran for %d sentences and %d pictures", counted.texts, counted.images)
		}
	})
}

// towersCounted counts the sentences and pictures whose towers run.
type towersCounted struct {
	lxmert.Engine
	texts, images int
}

func (e *towersCounted) Run(ctx context.Context, b *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	if len(r.Edits) == 0 {
		for _, w := range r.Want {
			switch {
			case strings.HasPrefix(w.Name, "hid.t"):
				e.texts += len(b.IDs)
			case strings.HasPrefix(w.Name, "hid.i"):
				e.images += b.Feats.Shape[0]
			default:
				e.texts, e.images = e.texts+len(b.IDs), e.images+b.Feats.Shape[0]
			}
		}
	}
	return e.Engine.Run(ctx, b, r)
}

// TestTheBlindColumnIsOfSentencesAlone: what a picture shows does not change it.
func TestTheBlindColumnIsOfSentencesAlone(t *testing.T) {
	lxrttest.OnGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		s, err := suite.Find("sugarcrepe")
		if err != nil {
			t.Fatal(err)
		}
		other := b.Part(0, 1, 2, 3, 4, 5, 6, 7)
		for i := range other.Feats.Data {
			other.Feats.Data[i] *= -2
		}
		var blinds, seen []float64
		for _, pictures := range []*lxmert.Batch{b, other} {
			for right := range 4 {
				x := suite.Item{ID: "1", Images: []string{"3"}, Sentences: []string{fmt.Sprint(right), fmt.Sprint(right + 1)}, Right: [][]int{{1}, {0}}}
				r, err := suite.Run(t.Context(), eng, ofRows(pictures), s, func(yield func(suite.Item, error) bool) { yield(x, nil) }, suite.Options{Blind: true,
					Each: func(s suite.Scored) error { seen = append(seen, s.Pairs[0][0][1]); return nil }})
				if err != nil {
					t.Fatal(err)
				}
				_, _, _, blind, _ := r.Value("", "acc_r")
				blinds = append(blinds, blind)
			}
		}
		if !slices.Equal(blinds[:4], blinds[4:]) || slices.ContainsFunc(blinds, math.IsNaN) {
			t.Errorf("blind %v", blinds)
		}
		if slices.Equal(seen[:4], seen[4:]) {
			t.Errorf("the match does not depend on the picture: %v", seen)
		}
	})
}

func TestGuidedMaskingReadsTheHiddenWord(t *testing.T) {
	lxrttest.OnGo(t, func(t *testing.T, eng lxmert.Engine, b *lxmert.Batch, _ string) {
		s, err := suite.Find("masked")
		if err != nil {
			t.Fatal(err)
		}
		input := ofRows(b)
		x := suite.Item{ID: "1", Images: []string{"2"}, Sentences: []string{"0"}, Right: [][]int{{1}}, Mask: "w2"}
		var got suite.Scored
		r, err := suite.Run(t.Context(), eng, input, s, func(yield func(suite.Item, error) bool) { yield(x, nil) }, suite.Options{Each: func(s suite.Scored) error { got = s; return nil }})
		if err != nil {
			t.Fatal(err)
		}
		one, err := input(t.Context(), []lxmert.Question{{Text: "0", Images: []string{"2"}}})
		if err != nil {
			t.Fatal(err)
		}
		bound, err := analysis.MaskedWord(2).Class(int(one.IDs[0][2])).As(lxmert.LogProb).Bind(t.Context(), eng, one)
		if err != nil {
			t.Fatal(err)
		}
		for picture := range 2 {
			if picture == 1 {
				bound.Batch.RegionMask = [][]float32{make([]float32, one.V())}
			}
			trace, err := eng.Run(t.Context(), bound.Batch, lxmert.Request{Grad: bound.Grad(), NoRegions: lxmert.AttendNothing})
			if err != nil {
				t.Fatal(err)
			}
			if want := -float64(trace.Score[0]) / math.Ln2; math.Abs(got.Word[picture].Bits-want) > 1e-4*(1+want) {
				t.Errorf("picture taken away %d times: %g bits, want %g", picture, got.Word[picture].Bits, want)
			}
		}
		if value, _, _, _, n := r.Value("", "bits with the picture"); n != 1 || value != got.Word[0].Bits {
			t.Errorf("the measure is %g of %d", value, n)
		}
		x.Mask = "nothing"
		if _, err := suite.Run(t.Context(), eng, input, s, func(yield func(suite.Item, error) bool) { yield(x, nil) }, suite.Options{}); err == nil || !strings.Contains(err.Error(), `no word "nothing"`) {
			t.Errorf("a word that is not there: %v", err)
		}
	})
}
