package suite_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/internal/goldencase"
	"github.com/seed-516990b0/golxmert/analysis/suite"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// scripted is a model whose match logits are those of a table, by sentence and picture. Sentences and pictures are numbers.
type scripted struct{ logits [][]suite.Pair }

func (scripted) Config() lxmert.Config {
	return lxmert.Config{Match: true, LM: true, Vocab: 9, Hidden: 1, MaxPositions: 8, TokenTypes: 1, FeatDim: 1, BoxDim: 4, Special: lxmert.SpecialIDs{Mask: 1}}
}

func (m scripted) Run(_ context.Context, b *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	if len(r.Want) != 1 || r.Want[0].Name != "out.match" {
		return nil, errors.New("only the match is scripted")
	}
	x := lxmert.NewTensor(b.Rows(), 2)
	for row, p := range b.Pairs {
		pair := m.logits[b.IDs[p[0]][0]][int(b.Feats.Data[p[1]])]
		x.Row(row).Data[0], x.Row(row).Data[1] = float32(pair[0]), float32(pair[1])
	}
	return &lxmert.Trace{Values: map[string]lxmert.Tensor{"out.match": x}}, nil
}

// numbered is the input of sentences and pictures that are letters: a is 0.
func numbered(_ context.Context, questions []lxmert.Question) (*lxmert.Batch, error) {
	b := &lxmert.Batch{Feats: lxmert.NewTensor(len(questions), 1, 1), Boxes: lxmert.NewTensor(len(questions), 1, 4), Pairs: [][2]int{}}
	for i, q := range questions {
		b.IDs = append(b.IDs, []int32{int32(q.Text[0] - 'a')})
		b.Feats.Data[i] = float32(q.Images[0][0] - 'a')
		b.Pairs = append(b.Pairs, [2]int{i, i})
	}
	return b, nil
}

func letter(i int) string { return string(rune('a' + i)) }

func run(t *testing.T, name string, logits [][]suite.Pair, items ...suite.Item) *suite.Result {
	t.Helper()
	s, err := suite.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := suite.Run(t.Context(), scripted{logits}, numbered, s, func(yield func(suite.Item, error) bool) {
		for _, x := range items {
			if !yield(x, nil) {
				return
			}
		}
	}, suite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if table := r.Table(); table.Check() != nil || len(table.Rows) == 0 {
		t.Errorf("%s: the table is %+v", name, table)
	}
	return r
}

// values are measures of all items, by name.
func values(r *suite.Result, names ...string) (all []float64) {
	for _, name := range names {
		value, _, _, _, _ := r.Value("", name)
		all = append(all, value)
	}
	return all
}

func near(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return math.Abs(x-y) < 1e-12 })
}

// TestMeasuresEqualReference of VALSE and of Winoground on the goldens' scores.
func TestMeasuresEqualReference(t *testing.T) {
	for _, folder := range goldentest.Folders(t, "analysis") {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			golden := goldencase.Open(t, folder, "valse")
			var got []float64
			for _, p := range slices.Collect(slices.Chunk(golden.Floats("valse.p_match"), 2)) {
				item := suite.Item{ID: "x", Images: []string{"a"}, Sentences: []string{"a", "b"}, Right: [][]int{{1}, {0}}}
				one := values(run(t, "valse", [][]suite.Pair{{{0, math.Log(p[0] / (1 - p[0]))}}, {{0, math.Log(p[1] / (1 - p[1]))}}}, item), "acc", "p_c", "p_f", "acc_r")
				if got == nil {
					got = make([]float64, len(one))
				}
				for i, x := range one {
					got[i] += x / float64(golden.Shape("valse.p_match")[0])
				}
			}
			golden.Compare("valse.acc_pc_pf_accr", got)

			golden = goldencase.Open(t, folder, "winoground")
			n := golden.Shape("winoground.s")[0]
			got = make([]float64, 3)
			for s := range slices.Chunk(golden.Floats("winoground.s"), 4) {
				item := suite.Item{ID: "x", Images: []string{"a", "b"}, Sentences: []string{"a", "b"}, Right: [][]int{{1, 0}, {0, 1}}}
				for i, x := range values(run(t, "winoground", [][]suite.Pair{{{0, s[0]}, {0, s[1]}}, {{0, s[2]}, {0, s[3]}}}, item), "text", "image", "group") {
					got[i] += x / float64(n)
				}
			}
			golden.Compare("winoground.text_image_group", got)
		})
	}
}

// TestMeasuresByHand: each published measure on a few numbers.
func TestMeasuresByHand(t *testing.T) {
	// Sentences by pictures: {no match, match}.
	logits := [][]suite.Pair{
		{{0, 2}, {0, -1}, {0, 3}},
		{{0, 1}, {2, 1}, {0, 0}},
		{{1, 2}, {0, 4}, {0, 1}},
	}
	item := func(group string, sentences, images string, right ...[]int) suite.Item {
		x := suite.Item{ID: "x", Group: group, Right: right}
		for _, s := range sentences {
			x.Sentences = append(x.Sentences, string(s))
		}
		for _, i := range images {
			x.Images = append(x.Images, string(i))
		}
		return x
	}
	// The captions a and b match picture a, the foils b and a too; equal match logits, of a and c, are not right.
	r := run(t, "valse", logits, item("", "ab", "a", []int{1}, []int{0}), item("", "ba", "a", []int{1}, []int{0}), item("", "ac", "a", []int{1}, []int{0}))
	if got := values(r, "p_c", "p_f", "acc", "acc_r", "acc_r by probability"); !near(got, []float64{1, 0, 0.5, 1.0 / 3, 2.0 / 3}) {
		t.Errorf("VALSE: %v", got)
	}
	// A foil with two equal logits does not count.
	r = run(t, "valse", logits, item("", "ab", "a", []int{1}, []int{0}), item("", "ab", "c", []int{1}, []int{0}))
	if _, _, _, _, n := r.Value("", "p_f"); n != 1 {
		t.Errorf("VALSE counts %d items, one has a foil with equal logits", n)
	}
	// Sentence a: right picture a matches, wrong picture b does not; b: neither; the pair of a and a stands twice.
	r = run(t, "svo", logits, item("subj", "a", "ab", []int{1, 0}), item("verb", "a", "ac", []int{1, 0}), item("obj", "b", "bc", []int{1, 0}))
	if got := values(r, "positives", "negatives", "average"); !near(got, []float64{0.5, 2.0 / 3, (0.5 + 2.0/3) / 2}) {
		t.Errorf("SVO-Probes: %v", got)
	}
	if value, _, _, _, _ := r.Value("verb", "average"); value != 0.5 {
		t.Errorf("SVO-Probes, verbs: %g", value)
	}
	// Told right: that a belongs to a, that b does not belong to b; wrong: that a belongs to c.
	for _, name := range []string{"vsr", "foil"} {
		r = run(t, name, logits, item("", "a", "a", []int{1}), item("", "b", "b", []int{0}), item("", "a", "c", []int{0}))
		if got := values(r, "accuracy", "accuracy on right ones", "accuracy on wrong ones"); !near(got, []float64{2.0 / 3, 1, 0.5}) {
			t.Errorf("%s: %v", name, got)
		}
	}
	// Of three words the first is wrong, and without it (a) the caption matches best; then without another (c, which is like a): not found.
	for _, name := range []string{"foil-word", "foil-correction"} {
		r = run(t, name, logits, item("", "ab", "a", []int{1}, []int{0}), item("", "abc", "a", []int{1}, []int{0}, []int{0}), item("", "ba", "a", []int{1}, []int{0}))
		if got := values(r, "accuracy"); !near(got, []float64{1.0 / 3}) {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, name := range []string{"sugarcrepe", "aro"} {
		r = run(t, name, logits, item("g", "ab", "a", []int{1}, []int{0}), item("h", "ac", "b", []int{1}, []int{0}), item("h", "ca", "b", []int{1}, []int{0}))
		if got := values(r, "acc_r"); !near(got, []float64{2.0 / 3}) {
			t.Errorf("%s: %v", name, got)
		}
		for _, row := range r.Table().Rows {
			if row[0] == "mean of groups" && row[2] != 0.75 {
				t.Errorf("%s: the mean of groups is %v", name, row[2])
			}
		}
	}
	// Picture a: a before b and c, as c is equal; picture b: c; sentence a: c before a.
	all := item("", "abc", "abc", []int{1, 0, 0}, []int{1, 0, 0}, []int{0, 1, 0})
	r = run(t, "retrieval", logits, all)
	// Texts: of picture a the first right one, a, is second, behind the equal c; of b it is c. Images: of a, a behind c; of b, a
	// with the equal b before it; of c, b.
	if got := values(r, "text R@1", "text R@5", "text median rank", "image R@1", "image R@5", "image median rank"); !near(got, []float64{0.5, 1, 1.5, 1.0 / 3, 1, 2}) {
		t.Errorf("retrieval: %v", got)
	}
	if _, low, _, blind, _ := r.Value("", "text R@1"); !math.IsNaN(low) || !math.IsNaN(blind) {
		t.Errorf("of one item the interval begins at %g, and without pictures retrieval is %g", low, blind)
	}
	// Sentence b has equal logits with pictures a and b.
	r = run(t, "pairs", logits, item("", "ac", "cb", []int{1, 0}, []int{0, 1}), item("", "ab", "ab", []int{1, 0}, []int{0, 1}))
	if got := values(r, "all right", "accuracy"); !near(got, []float64{0.5, 5.0 / 8}) {
		t.Errorf("pairs: %v", got)
	}
}

func TestItemsWithoutTheirPictureAreCounted(t *testing.T) {
	s, err := suite.Find("pairs")
	if err != nil {
		t.Fatal(err)
	}
	x := suite.Item{ID: "1", Images: []string{"known"}, Sentences: []string{"a"}, Right: [][]int{{1}}}
	y := suite.Item{ID: "2", Images: []string{"unknown"}, Sentences: []string{"a"}, Right: [][]int{{1}}}
	opt := suite.Options{Picture: func(name string) (string, bool) { return letter(0), name == "known" }}
	list := func(all ...suite.Item) func(yield func(suite.Item, error) bool) {
		return func(yield func(suite.Item, error) bool) {
			for _, x := range all {
				if !yield(x, nil) {
					return
				}
			}
		}
	}
	r, err := suite.Run(t.Context(), scripted{[][]suite.Pair{{{0, 1}}}}, numbered, s, list(x, y, x), opt)
	if err != nil || r.Items != 2 || r.Missing != 1 || r.Example != "unknown" || len(r.Notes) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := suite.Run(t.Context(), scripted{}, numbered, s, list(y), opt); !errors.Is(err, suite.ErrItem) {
		t.Errorf("without any picture: %v", err)
	}
	if _, err := suite.Run(t.Context(), scripted{}, numbered, s, list(), opt); !errors.Is(err, suite.ErrItem) {
		t.Errorf("without any item: %v", err)
	}
	if _, err := suite.Run(t.Context(), scripted{[][]suite.Pair{{{0, math.NaN()}}}}, numbered, s, list(x), opt); err == nil {
		t.Error("logits that are not numbers were compared")
	}
}
