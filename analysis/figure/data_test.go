package figure_test

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/figure"
	"github.com/seed-516990b0/golxmert/analysis/layout"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// explained is everything about one example: a NaN, a label with letters that CSV must quote, padding, two methods, maps.
func explained() analysis.Explanation {
	s := scores()
	s.Image.Objects = slices.Clone(s.Image.Objects)
	s.Image.Objects[0] = "a \"red\", round\n#1"
	s.Regions[7] = math.NaN()
	s.Words = append(s.Words, 0, 0)
	for range 2 {
		s.Text.Pieces, s.Text.Word = append(s.Text.Pieces, "[PAD]"), append(s.Text.Word, -1)
		s.Text.Start, s.Text.End = append(s.Text.Start, -1), append(s.Text.End, -1)
	}
	other := s
	other.Method, other.Regions = "joint rollout", []float64{8, 7, 6, 5, 4, 3, 2, 1}
	words, regions := len(s.Words), len(s.Regions)
	m := lxmert.NewTensor(2, words, regions)
	for i := range m.Data {
		m.Data[i] = float32(i) / 1024
	}
	return analysis.Explanation{Scores: s, Methods: []analysis.Scores{other}, Maps: map[string]lxmert.Tensor{"x.0.ti": m},
		Answers: []analysis.Candidate{{Text: "red", Probability: 0.93}, {Text: "blue", Probability: math.NaN()}}}
}

func kept(t *testing.T, name string, r analysis.Result) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := figure.Save(path, r, figure.Options{}); err != nil {
		t.Fatal(err)
	}
	return path
}

// table reads a CSV file as a data frame does: columns by name, with the same number of entries in each line.
func table(t *testing.T, path string) (columns map[string][]string, meta analysis.Meta) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	columns = map[string][]string{}
	for _, line := range lines[1:] {
		for k, name := range lines[0] {
			columns[name] = append(columns[name], line[k])
		}
	}
	if err := json.Unmarshal([]byte(columns["meta"][0]), &meta); err != nil {
		t.Fatalf("meta of the first line: %v", err)
	}
	for _, other := range columns["meta"][1:] {
		if other != "" {
			t.Errorf("meta again: %s", other)
		}
	}
	return columns, meta
}

func numbers(t *testing.T, texts []string) []float64 {
	t.Helper()
	out := make([]float64, len(texts))
	for i, text := range texts {
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = x
	}
	return out
}

// same compares numbers, NaN with NaN.
func same(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if !slices.EqualFunc(got, want, func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }) {
		t.Errorf("%s: %v, expected %v", what, got, want)
	}
}

func TestCSVHasTheNumbersAndWhereTheyComeFrom(t *testing.T) {
	s := explained().Scores
	columns, meta := table(t, kept(t, "scores.csv", s))
	words := len(s.Words) - 2 // without padding
	same(t, "values", numbers(t, columns["value"]), append(slices.Clone(s.Words[:words]), s.Regions...))
	same(t, "left sides", numbers(t, columns["x0"][words:words+2]), []float64{s.Boxes[0][0], s.Boxes[1][0]})
	if got := columns["label"]; got[0] != "[CLS]" || got[words] != s.Image.Objects[0] {
		t.Errorf("labels %q", got)
	}
	if !reflect.DeepEqual(meta, s.Meta) {
		t.Errorf("meta %+v", meta)
	}

	c := curve()
	columns, meta = table(t, kept(t, "curve.csv", c))
	same(t, "y", numbers(t, columns["y"]), append(slices.Clone(c.Series[0].Y), c.Series[1].Y...))
	same(t, "low", numbers(t, columns["low"][:3]), c.Series[0].Low)
	if meta.Method != c.Method {
		t.Errorf("method %q", meta.Method)
	}

	m := matrix([][]float64{{1, math.NaN()}, {-3, 4}})
	columns, _ = table(t, kept(t, "matrix.csv", m))
	same(t, "cells", numbers(t, columns["value"]), []float64{1, math.NaN(), -3, 4})

	columns, _ = table(t, kept(t, "table.csv", analysis.Table{Meta: m.Meta, Columns: []string{"meta_", "n"}, Rows: [][]any{{"a", 1}}}))
	if columns["n"][0] != "1" || columns["meta_"][0] != "a" {
		t.Errorf("table: %v", columns)
	}

	x := explained()
	columns, _ = table(t, kept(t, "maps.csv", analysis.Maps{Maps: x.Maps, Text: s.Text}))
	if n := len(columns["value"]); n != 2*words*len(s.Regions) {
		t.Errorf("%d entries of a map with padding", n)
	}
	at := slices.IndexFunc(columns["head"], func(h string) bool { return h == "1" }) + 3*len(s.Regions) + 5
	if got, want := float32(numbers(t, columns["value"])[at]), x.Maps["x.0.ti"].Data[(len(s.Words)+3)*len(s.Regions)+5]; got != want {
		t.Errorf("head 1, query %s, key %s is %g, expected %g", columns["query"][at], columns["key"][at], got, want)
	}
}

func TestCSVOfAnExplanationHasAllItsMethods(t *testing.T) {
	x := explained()
	columns, _ := table(t, kept(t, "why.csv", x))
	byMethod := map[string][]float64{}
	for i, v := range numbers(t, columns["value"]) {
		if columns["modality"][i] == "region" {
			byMethod[columns["method"][i]] = append(byMethod[columns["method"][i]], v)
		}
	}
	same(t, "first", byMethod["bi-modal relevance"], x.Scores.Regions)
	same(t, "second", byMethod["joint rollout"], x.Methods[0].Regions)
}

func TestJSONOfAnExplanationIsWhole(t *testing.T) {
	x := explained()
	raw, err := os.ReadFile(kept(t, "why.json", &x))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Scores  analysis.Scores
		Methods []analysis.Scores
		Maps    map[string]lxmert.Tensor
		Answers []struct {
			Text        string
			Probability *float64
		}
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	same(t, "regions", got.Scores.Regions, x.Scores.Regions)
	same(t, "words", got.Scores.Words, x.Scores.Words)
	same(t, "regions of the second method", got.Methods[0].Regions, x.Methods[0].Regions)
	if m := got.Maps["x.0.ti"]; !slices.Equal(m.Shape, []int{2, 13, 8}) || m.Data[8] != x.Maps["x.0.ti"].Data[8] {
		t.Errorf("map of shape %v", m.Shape)
	}
	if len(got.Answers) != 2 || *got.Answers[0].Probability != 0.93 || got.Answers[1].Probability != nil {
		t.Errorf("answers %+v", got.Answers)
	}
}

func TestJSONComesBackAsTheResult(t *testing.T) {
	for name, r := range map[string]analysis.Result{"curve": curve(), "matrix": matrix([][]float64{{1, 2}, {math.NaN(), 4}}),
		"table": analysis.Table{Columns: []string{"a", "b"}, Rows: [][]any{{"x", 1}, {"y", 2.0}}}} {
		raw, err := os.ReadFile(kept(t, "r.json", r))
		if err != nil {
			t.Fatal(err)
		}
		back := reflect.New(reflect.TypeOf(r))
		if err := json.Unmarshal(raw, back.Interface()); err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprint(back.Elem()), fmt.Sprint(r); got != want { // as text: NaN is not itself
			t.Errorf("%s: %s, expected %s", name, got, want)
		}
	}
}

func TestSafetensorsHasTheArrays(t *testing.T) {
	x := explained()
	c := curve()
	c.Series = append(c.Series, c.Series[0]) // of the same name
	for _, r := range []struct {
		result analysis.Result
		want   map[string][]float64
		shapes map[string][]int
	}{
		{x, map[string][]float64{"words": x.Scores.Words, "regions": x.Scores.Regions, "methods.0.regions": x.Methods[0].Regions},
			map[string][]int{"boxes": {8, 4}, "x.0.ti": {2, 13, 8}}},
		{c, map[string][]float64{"x": c.X, "words": c.Series[0].Y, "words.low": c.Series[0].Low, "words.high": c.Series[0].High, "words #2": c.Series[0].Y}, nil},
		{matrix([][]float64{{1, 2, 3}, {4, math.NaN(), 6}}), map[string][]float64{"head 0": {1, 2, 3, 4, math.NaN(), 6}}, map[string][]int{"head 0": {2, 3}}},
		{analysis.Table{Columns: []string{"method", "n"}, Rows: [][]any{{"a", 1}, {"b", 2.5}}}, map[string][]float64{"n": {1, 2.5}}, nil},
	} {
		f, err := weights.Open(kept(t, "r.safetensors", r.result))
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range r.want {
			tensor, ok := f.Tensor(name)
			if !ok {
				t.Fatalf("there is no %q, only %q", name, f.Names())
			}
			got, err := tensor.Float64s()
			if err != nil {
				t.Fatal(err)
			}
			same(t, name, got, want)
		}
		for name, want := range r.shapes {
			if tensor, ok := f.Tensor(name); !ok || !slices.Equal(tensor.Shape, want) {
				t.Errorf("%s: shape %v, expected %v", name, tensor.Shape, want)
			}
		}
		f.Close()
	}
}

func TestWhatCannotBeWrittenIsAnErrorThatNamesTheFile(t *testing.T) {
	for name, c := range map[string]struct {
		file   string
		result analysis.Result
		is     error
		says   string
	}{
		"no such format":       {"a.gif", scores(), nil, ".pdf .svg .png .html .csv .json .tex .safetensors"},
		"a figure of several":  {"a.png", analysis.Collection{}, figure.ErrKind, "collection"},
		"lines of several":     {"a.csv", analysis.Collection{}, nil, ".html"},
		"nothing":              {"a.json", nil, analysis.ErrNoResult, "nil"},
		"a pointer to nothing": {"a.pdf", (*analysis.Table)(nil), analysis.ErrNoResult, "nil"},
		"a table of names":     {"a.safetensors", analysis.Table{Columns: []string{"a"}, Rows: [][]any{{"b"}}}, nil, "take .csv or .json"},
		"points in a table":    {"a.tex", analysis.Scatter{}, layout.ErrNoTable, "take .csv"},
		"a map that is none":   {"a.csv", analysis.Maps{Maps: map[string]lxmert.Tensor{"hid.t.0": lxmert.NewTensor(1, 2, 2)}}, nil, "hid.t.0"},
		"a ragged table":       {"a.csv", analysis.Table{Columns: []string{"a"}, Rows: [][]any{{1, 2}}}, nil, "row 0"},
	} {
		path := filepath.Join(t.TempDir(), c.file)
		err := figure.Save(path, c.result, figure.Options{})
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.says) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: error %v", name, err)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: a file is left behind", name)
		}
	}
}
