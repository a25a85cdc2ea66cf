package analysis_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

func TestResultsWithNaNSurviveJSON(t *testing.T) {
	nan := math.NaN()
	meta := analysis.Meta{Method: "m", Target: "t", N: 3, Level: 0.95, Params: map[string]string{"a": "b"}}
	for _, c := range []struct{ from, to any }{
		{&analysis.Scores{Meta: meta, Words: []float64{1, nan}, Boxes: [][4]float64{{0, .5, 1, 1}}, Answer: "yes"}, &analysis.Scores{}},
		{&analysis.Matrix{Meta: meta, Rows: analysis.Axis{Name: "head", Labels: []string{"0"}}, Panels: []analysis.MatrixPanel{{Name: "p", Values: [][]float64{{nan, 2}}}}, High: 1}, &analysis.Matrix{}},
		{&analysis.Curve{Meta: meta, X: []float64{0, 1}, Series: []analysis.CurveSeries{{Name: "s", Y: []float64{nan, 1}, Low: []float64{nan, 0}, High: []float64{1, 2}, Style: "dashed", Area: .5}}, Rules: map[string]float64{"x": 3}}, &analysis.Curve{}},
		{&analysis.Table{Meta: meta, Columns: []string{"a", "b", "c", "d", "e"}, Rows: [][]any{{"x", 3, 4.0, nan, true}, {"y", -1, 1e-20, 0.5, false}}}, &analysis.Table{}},
	} {
		raw, err := json.Marshal(c.from)
		if err != nil {
			t.Errorf("%T: %v", c.from, err)
			continue
		}
		if err := json.Unmarshal(raw, c.to); err != nil {
			t.Errorf("%T: %v", c.from, err)
			continue
		}
		again, err := json.Marshal(c.to)
		if err != nil || string(again) != string(raw) {
			t.Errorf("%T: %s became %s (%v)", c.from, raw, again, err)
		}
		if got := reflect.Indirect(reflect.ValueOf(c.to)).FieldByName("Meta").Interface(); !reflect.DeepEqual(got, meta) {
			t.Errorf("%T: meta %+v", c.from, got)
		}
	}
	var s analysis.Scores
	if err := json.Unmarshal([]byte(`{"words":[1,null]}`), &s); err != nil || !math.IsNaN(s.Words[1]) || s.Words[0] != 1 {
		t.Errorf("words %v (%v)", s.Words, err)
	}
	for _, damaged := range []string{`{"words":["a"]}`, `{"words":3}`, `[`} {
		if err := json.Unmarshal([]byte(damaged), &s); err == nil {
			t.Errorf("%s was read", damaged)
		}
	}
}

func TestResultsAsCSV(t *testing.T) {
	var b strings.Builder
	check := func(name string, err error, want string) {
		t.Helper()
		if got := b.String(); err != nil || got != want {
			t.Errorf("%s: %v\n%s", name, err, got)
		}
		b.Reset()
	}
	s := analysis.Scores{
		Words: []float64{0, math.NaN()}, Regions: []float64{.25}, Boxes: [][4]float64{{0, .5, 1, 1}},
		Text: lxmert.Words{Pieces: []string{"[CLS]", "a,b"}}, Image: lxmert.ImageInfo{Objects: []string{"cat"}},
	}
	check("scores", s.CSV(&b), "modality,index,label,value,x0,y0,x1,y1\nword,0,[CLS],0,,,,\nword,1,\"a,b\",NaN,,,,\nregion,0,cat,0.25,0,0.5,1,1\n")
	m := analysis.Matrix{Rows: analysis.Axis{Name: "head"}, Cols: analysis.Axis{Labels: []string{"x", "y"}}, Panels: []analysis.MatrixPanel{{Name: "p", Values: [][]float64{{1, 2}}}}}
	check("matrix", m.CSV(&b), "panel,head,column,value\np,0,x,1\np,0,y,2\n")
	c := analysis.Curve{X: []float64{0, 1}, Series: []analysis.CurveSeries{{Name: "s", Y: []float64{3, 4}}, {Name: "u", Y: []float64{1}, Low: []float64{0}, High: []float64{2}}}}
	check("curve", c.CSV(&b), "series,x,y,low,high\ns,0,3,,\ns,1,4,,\nu,0,1,0,2\n")
	table := analysis.Table{Columns: []string{"a", "b"}, Rows: [][]any{{"x", 1.5}, {true, 2}}}
	check("table", table.CSV(&b), "a,b\nx,1.5\ntrue,2\n")
}

func TestPiecesOfAWordAreMerged(t *testing.T) {
	words := lxmert.Words{
		Text: "a skateboard", Pieces: []string{"[CLS]", "a", "skate", "##board", "[SEP]"},
		Start: []int{-1, 0, 2, 7, -1}, End: []int{-1, 1, 7, 12, -1}, Word: []int{-1, 0, 1, 1, -1},
	}
	values := []float64{9, 1, 2, 4, 8}
	for how, want := range map[analysis.Merging][]float64{analysis.SumPieces: {9, 1, 6, 8}, analysis.MeanPieces: {9, 1, 3, 8}} {
		s := analysis.Scores{Words: values, Text: words}.Merge(how)
		if !slices.Equal(s.Words, want) || !slices.Equal(s.Text.Pieces, []string{"[CLS]", "a", "skateboard", "[SEP]"}) || s.Text.End[2] != 12 {
			t.Errorf("%v of %q, expected %v", s.Words, s.Text.Pieces, want)
		}
	}
	if got, _ := analysis.MergeWords(values, lxmert.Words{}, analysis.SumPieces); !slices.Equal(got, values) {
		t.Errorf("without words: %v", got)
	}
}

func TestBootstrapIntervals(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	values := make([]float64, 400)
	for i := range values {
		values[i] = random.NormFloat64()
	}
	mean, low, high := analysis.MeanInterval(values, 2000, 0.95, random)
	if half := 1.96 / 20; !(low < mean && mean < high) || math.Abs(high-low-2*half) > 0.2*2*half {
		t.Errorf("mean %g with interval %g to %g, expected a width near %g", mean, low, high, 2*half)
	}
	if mean, low, high := analysis.MeanInterval([]float64{2, math.NaN(), 2}, 100, 0.9, random); mean != 2 || low != 2 || high != 2 {
		t.Errorf("of a constant: %g, %g to %g", mean, low, high)
	}
	if _, low, high := analysis.MeanInterval(nil, 100, 0.9, random); !math.IsNaN(low) || !math.IsNaN(high) {
		t.Errorf("of nothing: %g to %g", low, high)
	}
	if got := analysis.Quantile([]float64{0, 10}, 0.25); got != 2.5 {
		t.Errorf("quantile %g", got)
	}
}
