package analysis_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// oneOfEach has a result of every kind, by its name.
func oneOfEach() map[string]analysis.Result {
	nan := math.NaN()
	s := analysis.Scores{
		Meta: analysis.Meta{Method: "m", N: 1}, Words: []float64{1, nan, 3}, Regions: []float64{2}, Boxes: [][4]float64{{0, 0, 1, 1}},
		Text: lxmert.Words{Text: "a", Pieces: []string{"[CLS]", "a", "[SEP]"}}, Image: lxmert.ImageInfo{ID: "1", File: "1.png"},
	}
	m := analysis.Matrix{Panels: []analysis.MatrixPanel{{Name: "p", Values: [][]float64{{1, nan}}}}}
	c := analysis.Curve{X: []float64{0, 1}, Series: []analysis.CurveSeries{{Name: "s", Y: []float64{1, nan}, Low: []float64{0, 0}, High: []float64{2, 2}}}}
	t := analysis.Table{Columns: []string{"name", "n", "x"}, Rows: [][]any{{"a", 1, 2.0}, {"b", 2, nan}}}
	maps := map[string]lxmert.Tensor{"x.0.ti": lxmert.NewTensor(1, 3, 1)}
	x := analysis.Explanation{Scores: s, Methods: []analysis.Scores{s}, Maps: maps, Answers: []analysis.Candidate{{Text: "yes", Probability: 0.5}, {Text: "no", Probability: nan}}}
	return map[string]analysis.Result{
		"scatter": analysis.Scatter{Groups: []analysis.Points{{Name: "g", X: []float64{1, nan}, Y: []float64{2, 3}, Labels: []string{"a", "b"}}}, Diagonal: true},
		"bars":    analysis.Bars{Parts: []string{"p", "q"}, Bars: []analysis.Bar{{Name: "a", Values: []float64{1, nan}, Error: 0.5}}, Waterfall: true, Start: 2},
		"scores":  s, "matrix": m, "curve": c, "table": t, "explanation": x, "maps": analysis.Maps{Maps: maps},
		"collection": analysis.Collection{Title: "all", Meta: analysis.Meta{Seed: 7}, Results: []analysis.Result{t, c, m, s, x}},
	}
}

func TestKindsListsEveryKind(t *testing.T) {
	all := oneOfEach()
	for _, k := range analysis.Kinds() {
		r, ok := all[k.Name]
		if !ok || reflect.TypeOf(r) != reflect.TypeOf(k.Zero) || analysis.KindOf(r) != k.Name {
			t.Errorf("%s: %T, and a %T is of kind %s", k.Name, k.Zero, r, analysis.KindOf(r))
		}
		delete(all, k.Name)
	}
	for name := range all {
		t.Errorf("%s is not listed", name)
	}
}

// TestEveryKindComesBackFromJSON, compared as text: NaN is not itself.
func TestEveryKindComesBackFromJSON(t *testing.T) {
	for name, r := range oneOfEach() {
		if err := r.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		raw, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		back := reflect.New(reflect.TypeOf(r))
		if err := json.Unmarshal(raw, back.Interface()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, want := fmt.Sprint(back.Elem()), fmt.Sprint(r); got != want {
			t.Errorf("%s: %s, expected %s", name, got, want)
		}
	}
	var c analysis.Collection
	if err := json.Unmarshal([]byte(`{"results":[{"kind":"sculpture","result":{}}]}`), &c); err == nil {
		t.Error("a sculpture is read")
	}
}

func TestPointersAreTakenAsWhatTheyPointTo(t *testing.T) {
	s := oneOfEach()["scores"].(analysis.Scores)
	r, err := analysis.Value(&s)
	if _, ok := r.(analysis.Scores); !ok || err != nil || analysis.KindOf(&s) != "scores" {
		t.Errorf("%T, error %v", r, err)
	}
	for _, r := range []analysis.Result{nil, (*analysis.Scores)(nil)} {
		if _, err := analysis.Value(r); !errors.Is(err, analysis.ErrNoResult) {
			t.Errorf("%T: error %v", r, err)
		}
	}
}

// TestScoresAreReplacedWhereverTheyAre, in a copy.
func TestScoresAreReplacedWhereverTheyAre(t *testing.T) {
	seen := map[string]int{}
	for name, r := range oneOfEach() {
		moved, err := analysis.WithScores(r, func(s analysis.Scores) analysis.Scores {
			if s.Image.File != "1.png" {
				t.Errorf("%s: the result that was given has changed", name)
			}
			s.Image.File = "elsewhere"
			seen[name]++
			return s
		})
		if err != nil || analysis.KindOf(moved) != name {
			t.Errorf("%s: %T, error %v", name, moved, err)
		}
		again := 0
		_, _ = analysis.WithScores(moved, func(s analysis.Scores) analysis.Scores {
			if s.Image.File == "elsewhere" {
				again++
			}
			return s
		})
		if again != seen[name] {
			t.Errorf("%s: %d of %d scores are replaced", name, again, seen[name])
		}
	}
	if want := map[string]int{"scores": 1, "explanation": 2, "collection": 3}; !reflect.DeepEqual(seen, want) {
		t.Errorf("scores that were seen: %v, expected %v", seen, want)
	}
}

// TestScoresTravelWithTheirEmptyLists: that every region is masked, or that there is no inner word, is said by a list that is empty
// and not nil.
func TestScoresTravelWithTheirEmptyLists(t *testing.T) {
	for _, s := range []analysis.Scores{
		{}, {Words: []float64{}, InnerWords: []int{}}, {Regions: []float64{1}, ValidRegions: []int{}}, {Regions: []float64{}, InnerWords: []int{1}, Boxes: [][4]float64{{1}}},
	} {
		raw, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var sent bytes.Buffer
		if err := gob.NewEncoder(&sent).Encode(analysis.Explanation{Scores: s}); err != nil {
			t.Fatal(err)
		}
		var x analysis.Explanation
		if err := gob.NewDecoder(&sent).Decode(&x); err != nil {
			t.Fatal(err)
		}
		var read analysis.Scores
		if err := json.Unmarshal(raw, &read); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(x.Scores, s) {
			t.Errorf("%#v has become %#v on the way", s, x.Scores)
		}
		if !reflect.DeepEqual(read, s) {
			t.Errorf("%#v has become %#v in JSON", s, read)
		}
	}
}
