package lx

import (
	"fmt"
	"os"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/suite"
)

// SuiteResult is what a suite of pairs found: its Table has all measures.
type SuiteResult = suite.Result

// SuiteItem is some sentences and pictures, and which belong together.
type SuiteItem = suite.Item

// Suite asks a pre-trained model which sentence belongs to which picture, over a file of a benchmark in its published layout:
// "valse", "winoground", "svo", "foil", "vsr", "sugarcrepe", "aro", "retrieval", or "pairs" of your own; see package analysis/suite.
// Beside the measures stands what the sentences alone give away.
//
//	lx.Show(lx.Suite(m, "valse", "existence.json"))
func Suite(m *Model, name, file string) *SuiteResult {
	s := must(suite.Find(name))
	f := must(os.Open(file))
	defer f.Close()
	return suiteOf(m, s, func(yield func(SuiteItem, error) bool) {
		for x, err := range s.Items(f, file) {
			if err != nil {
				err = fmt.Errorf("%s: %w", file, err)
			}
			if !yield(x, err) {
				return
			}
		}
	})
}

// Pairs is [Suite] of items that are made in a cell: the first sentence of each belongs to its first picture, the second to its
// second; of one picture the first sentence is right and the others are wrong.
//
//	lx.Show(lx.Pairs(m, lx.SuiteItem{Images: []string{"test/500001"}, Sentences: []string{"a yellow star", "a blue star"}}))
func Pairs(m *Model, items ...SuiteItem) *SuiteResult {
	for i := range items {
		Check(items[i].Check())
	}
	return suiteOf(m, must(suite.Find("pairs")), func(yield func(SuiteItem, error) bool) {
		for _, x := range items {
			if !yield(x, nil) {
				return
			}
		}
	})
}

func suiteOf(m *Model, s suite.Suite, items func(yield func(SuiteItem, error) bool)) *SuiteResult {
	mask := m.Config().Special.Mask
	if mask == 0 {
		mask = must(m.Names(cell().ctx)).Mask()
	}
	show, done := gauge()
	defer done()
	return must(suite.Run(cell().ctx, m, m.Batch, s, items, suite.Options{
		Blind: m.Config().LM, Mask: mask, Picture: suite.Pictures(must(m.Images(cell().ctx))),
		Progress: func(n int) { show("matching", n, n) },
	}))
}

// Match says how probable the model finds it that each of some sentences belongs to each of some pictures. Each sentence and each
// picture goes through its tower once; only the cross-modality layers run for every pair.
func Match(m *Model, sentences []string, pictures ...string) analysis.Matrix {
	if !m.Config().Match {
		fail(fmt.Errorf("the model has no out.match, which says whether sentence and picture belong together; it has %s", m.Config().Predictions()))
	}
	if len(sentences) == 0 || len(pictures) == 0 {
		fail(fmt.Errorf("%d sentences and %d pictures: Match needs one of each", len(sentences), len(pictures)))
	}
	show, done := gauge()
	defer done()
	grid, from, err := suite.Grid(cell().ctx, m, m.Batch, sentences, pictures, func(done, total int) { show("matching", done, total) })
	Check(err)
	out := analysis.Matrix{Rows: analysis.Axis{Name: "sentence", Labels: sentences}, Cols: analysis.Axis{Name: "picture"}, High: 1}
	for _, id := range pictures { // their numbers tell COCO's pictures apart
		if number := strings.TrimLeft(id[strings.LastIndexAny(id, "_/")+1:], "0"); number != "" {
			id = number
		}
		out.Cols.Labels = append(out.Cols.Labels, id)
	}
	out.Meta = analysis.Meta{Method: "match of sentence and picture", Unit: "probability", Model: from, N: len(sentences) * len(pictures), Params: map[string]string{"match": "class 1 of out.match"}}
	panel := analysis.MatrixPanel{}
	for _, row := range grid {
		var values []float64
		for _, p := range row {
			values = append(values, p.Probability())
		}
		panel.Values = append(panel.Values, values)
	}
	out.Panels = []analysis.MatrixPanel{panel}
	return out
}
