package datamap_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/datamap"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/dynamics"
)

// seen is what was recorded of examples, by example: probabilities and scores of each epoch.
func seen(probabilities, scores [][]float32) *dynamics.File {
	f := &dynamics.File{About: dynamics.About{Task: "vqa", Kind: lxmert.Sigmoid, Epochs: len(probabilities[0])}}
	for i := range probabilities {
		f.IDs = append(f.IDs, fmt.Sprint(i))
	}
	f.Parts = []dynamics.Part{{Splits: []string{"train"}, Examples: len(f.IDs)}}
	for e := range f.Epochs {
		var p, s []float32
		for i := range f.IDs {
			p, s = append(p, probabilities[i][e]), append(s, scores[i][e])
		}
		f.Probabilities, f.Scores = append(f.Probabilities, p), append(f.Scores, s)
	}
	return f
}

var nan = float32(math.NaN())

// made are six examples whose measures can be worked out by hand.
func made(t *testing.T) *datamap.Map {
	t.Helper()
	m, err := datamap.New(seen(
		[][]float32{{1, 1, 1}, {0.25, 0.75, nan}, {0, 0.5, 1}, {nan, nan, nan}, {0.125, 0.125, 0.125}, {0.5, 0.5, 0.5}, {0.25, 0.25, 0.25}},
		[][]float32{{1, 1, 1}, {0, 1, nan}, {0, 0.3, 0.9}, {0, 0, 1}, {0, 0, 0}, {1, 0, 1}, {0, 0, 1}}))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMeasuresOfAnExample(t *testing.T) {
	m := made(t)
	third := math.Sqrt(1. / 6) // of 0, 1/2 and 1: the squares of their distances from 1/2 are 1/4, 0 and 1/4
	for i, want := range []datamap.Example{
		{Number: 0, Confidence: 1, Correctness: 1, Epochs: 3, Region: datamap.Easy},
		{Number: 1, Confidence: 0.5, Variability: 0.25, Correctness: 0.5, Epochs: 2, Region: datamap.Ambiguous},
		{Number: 2, Confidence: 0.5, Variability: third, Correctness: 0.4, Epochs: 3, Region: datamap.Ambiguous},
		{Number: 4, Confidence: 0.125, Epochs: 3, Region: datamap.Hard},
		{Number: 5, Confidence: 0.5, Correctness: 2. / 3, Epochs: 3, Region: datamap.Easy},
		{Number: 6, Confidence: 0.25, Correctness: 1. / 3, Epochs: 3, Region: datamap.Hard},
	} {
		got := m.Examples[i]
		near := func(a, b float64) bool { return math.Abs(a-b) < 1e-7 }
		if got.Number != want.Number || got.ID != fmt.Sprint(want.Number) || got.Epochs != want.Epochs || got.Region != want.Region ||
			!near(got.Confidence, want.Confidence) || !near(got.Variability, want.Variability) || !near(got.Correctness, want.Correctness) {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	if m.Unseen != 1 || m.Epochs() != 3 {
		t.Errorf("%d unseen, %d epochs", m.Unseen, m.Epochs())
	}
}

func TestTheHardestHaveTheLowestConfidence(t *testing.T) {
	m := made(t)
	for n, want := range map[int]string{0: "[]", 3: "[4 6 5]", 100: "[4 6 5 1 2 0]"} { // of three with 1/2, that which varies least
		ids := []string{}
		for _, x := range m.Hardest(n) {
			ids = append(ids, x.ID)
		}
		if fmt.Sprint(ids) != want {
			t.Errorf("the %d hardest: %v, want %s", n, ids, want)
		}
	}
}

// TestAtMostAThirdIsAmbiguous, whatever the numbers are, and every example is in one region.
func TestAtMostAThirdIsAmbiguous(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for n := 1; n < 40; n++ {
		for _, levels := range []int{1, 2, 5, 1000} {
			var p, s [][]float32
			for range n {
				p = append(p, []float32{float32(random.IntN(levels)) / float32(levels), float32(random.IntN(levels)) / float32(levels)})
				s = append(s, []float32{0, 1})
			}
			m, err := datamap.New(seen(p, s))
			if err != nil {
				t.Fatal(err)
			}
			count := map[datamap.Region]int{}
			least, most := math.Inf(1), math.Inf(-1) // variability of ambiguous examples, and of others
			for _, x := range m.Examples {
				count[x.Region]++
				if x.Region == datamap.Ambiguous {
					least = min(least, x.Variability)
				} else {
					most = max(most, x.Variability)
				}
			}
			if 3*count[datamap.Ambiguous] > n || count[datamap.Easy]+count[datamap.Ambiguous]+count[datamap.Hard] != n || least <= most {
				t.Errorf("of %d examples: %v; %g, %g", n, count, least, most)
			}
			if rows := m.Table().Rows; rows[len(rows)-1][1] != n {
				t.Errorf("%v", rows)
			}
		}
	}
}

func TestARunThatHasSeenNothingHasNoMap(t *testing.T) {
	if _, err := datamap.New(seen([][]float32{{nan, nan}}, [][]float32{{nan, nan}})); !errors.Is(err, datamap.ErrNothing) {
		t.Errorf("%v", err)
	}
}

func TestResultsFitTheMap(t *testing.T) {
	m := made(t)
	all := m.Collection(nil)
	if err := all.Check(); err != nil {
		t.Fatal(err)
	}
	rows := fmt.Sprint(m.Table().Rows)
	for _, want := range []string{"[easy to learn 2 0.3333333333333333 0.75 0 ", "[ambiguous 2 ", "[hard to learn 2 0.3333333333333333 0.1875 0 ", "[all 6 1 "} {
		if !strings.Contains(rows, want) {
			t.Errorf("%s lacks %q", rows, want)
		}
	}
	points := 0
	for _, g := range m.Scatter().Groups {
		points += len(g.X)
	}
	if points != 6 {
		t.Errorf("%d points", points)
	}
	if _, ok := m.Kinds(); ok {
		t.Error("nobody has read the kinds of questions")
	}
	many := make([][]float32, 5000)
	for i := range many {
		many[i] = []float32{float32(i) / 5000, 0.5}
	}
	large, err := datamap.New(seen(many, many))
	if err != nil {
		t.Fatal(err)
	}
	s := large.Scatter()
	points = 0
	for _, g := range s.Groups {
		points += len(g.X)
	}
	if points != 2000 || !slices.ContainsFunc(s.Notes, func(n string) bool { return strings.Contains(n, "2000 of 5000") }) {
		t.Errorf("%d points, %q", points, s.Notes)
	}
}

// questions writes two splits of which a run has seen the first, and then the second.
func questions(t *testing.T) (dir string, m *datamap.Map) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{
		"train": `[{"question_id": 0, "img_id": "a", "sent": "what color?", "label": {"red": 0.3, "blue": 1}, "question_type": "color"},
			{"question_id": 1, "img_id": "b", "sent": "how many?", "label": {"2": 1}, "question_type": "count"},
			{"question_id": 9, "img_id": "b", "sent": "without a picture", "label": {"2": 1}}]`,
		"more": `[{"question_id": 2, "img_id": "c", "sent": "is it?", "label": {"yes": 1}, "question_type": "exist"}]`,
	} {
		path := filepath.Join(dir, "vqa", name+".json")
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	f := seen([][]float32{{0.5, 0.5}, {0.25, 0.25}, {0, 0}}, [][]float32{{1, 1}, {0, 0}, {0, 0}})
	f.Data, f.Parts = dir, []dynamics.Part{{Splits: []string{"train"}, Examples: 2}, {Splits: []string{"more"}, Examples: 1}}
	m, err := datamap.New(f)
	if err != nil {
		t.Fatal(err)
	}
	return dir, m
}

func TestQuestionsOfTheHardestAreReadFromTheirSplits(t *testing.T) {
	_, m := questions(t)
	hardest, err := m.Questions(t.Context(), "", m.Hardest(3))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, q := range hardest {
		got = append(got, q.Asked.Text+" "+q.Label()+" "+q.Kind)
	}
	if want := []string{"is it? yes exist", "how many? 2 count", "what color? blue color"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	kinds, ok := m.Kinds()
	if !ok || len(kinds.Rows) != 4 || kinds.Rows[0][0] != "exist" || kinds.Rows[0][6] != 1.0 || kinds.Rows[2][0] != "color" || kinds.Rows[2][6] != 0.0 {
		t.Errorf("%v, %v", ok, kinds.Rows)
	}
	if err := m.Collection(hardest).Check(); err != nil {
		t.Error(err)
	}
	// Of explained ones the row leads to the first explanation, of those that are not to none.
	hardest[0] = hardest[0].Explained(make([]analysis.Explanation, 2))
	hardest[2] = hardest[2].Explained(make([]analysis.Explanation, 1))
	all := m.Collection(hardest)
	for _, r := range all.Results {
		if table, ok := r.(analysis.Table); ok && table.Columns[0] == "id" && !slices.Equal(table.Examples, []int{1, 0, 3}) {
			t.Errorf("the rows of the hardest lead to %v", table.Examples)
		}
	}
	if err := all.Check(); err != nil || all.Examples() != 3 {
		t.Errorf("%d explanations, %v", all.Examples(), err)
	}
	if note := hardest[1].Note(); note != `Label "2"; its mean probability over 2 epochs of training was 0.250, with a standard deviation of 0.000, and the mean score of the answers 0.00: hard to learn.` {
		t.Errorf("%s", note)
	}
}

func TestQuestionsThatAreNotThereAreErrorsThatNameThem(t *testing.T) {
	dir, m := questions(t)
	if _, err := m.Questions(t.Context(), filepath.Join(dir, "moved"), nil); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "moved") {
		t.Errorf("another folder: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "vqa", "train.json"), []byte("[]"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Questions(t.Context(), "", m.Hardest(3)); err == nil || !strings.Contains(err.Error(), "train has the example 0") {
		t.Errorf("changed files: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Questions(ctx, "", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	other := *m
	other.About.Task = "somebody's"
	if _, err := other.Questions(t.Context(), "", nil); err == nil || !strings.Contains(err.Error(), "somebody's") {
		t.Errorf("another task: %v", err)
	}
}
