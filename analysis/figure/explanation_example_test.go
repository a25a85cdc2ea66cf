package figure_test

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/figure"
)

func ExampleExplanation() {
	s := scores() // of relevance.BiModal, for example
	f, err := figure.Explanation(s, figure.Options{Top: 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	w, _ := f.Size()
	fmt.Printf("%.1f cm wide\n", w)
	for _, name := range []string{"explanation.pdf", "explanation.svg", "explanation.png"} {
		if err := figure.Save(filepath.Join(out, name), s, figure.Options{Top: 3, DPI: 100}); err != nil {
			fmt.Println(err)
		}
	}
	// Output: 8.3 cm wide
}

// One question as it was and with something changed, side by side, as intervene.WhatIf compares them: what was changed is marked
// on the picture and in the sentence.
func ExampleBeside() {
	var cases []analysis.Explanation
	for i, method := range []string{"as it was", "without red circle 0, other words"} {
		s := scores()
		s.Meta = meta(method, "")
		s.Target, s.Marks = "", true
		s.Words, s.Regions = make([]float64, len(s.Words)), make([]float64, len(s.Regions))
		x := analysis.Explanation{Scores: s}
		if i == 0 {
			s.Regions[0], s.Words[2], s.Answer = 1, 1, "red"
			x.Answers = []analysis.Candidate{{Text: "red", Probability: 0.93}, {Text: "blue", Probability: 0.05}, {Text: "circle", Probability: 0.02}}
		} else {
			s.Words[2] = 1
			s.ValidRegions, s.Answer = []int{1, 2, 3, 4, 5, 6, 7}, "blue"
			x.Answers = []analysis.Candidate{{Text: "blue", Probability: 0.61}, {Text: "red", Probability: 0.31}, {Text: "yellow", Probability: 0.0003}}
		}
		x.Scores = s
		cases = append(cases, x)
	}
	table := analysis.Table{
		Meta: meta("what if", "share"), Columns: []string{"question", "answer", "its probability", "probability of red", "difference"},
		Rows: [][]any{{"as it was", "red", 0.93, 0.93, 0.0}, {"without red circle 0, other words", "blue", 0.61, 0.31, -0.62}},
	}
	c := analysis.Collection{Meta: table.Meta, Results: analysis.Collect([]analysis.Result{table}, cases...)}
	fmt.Println(figure.Save(filepath.Join(out, "whatif.png"), c, figure.Options{DPI: 100}))
	// Output: <nil>
}

// One question in two models, side by side, as compare.Run finds it where fine-tuning changed the answer, above some of its numbers.
func ExampleBeside_models() {
	before, after := scores(), scores()
	before.Meta, after.Meta = meta("before: bi-modal relevance", ""), meta("after: bi-modal relevance", "")
	before.Target, after.Target = `logit of "blue", the most probable answer`, `logit of "red", the most probable answer`
	before.Answer, after.Answer = "blue", "red"
	before.Regions = slices.Clone(before.Regions)
	before.Regions[0], before.Regions[1] = before.Regions[1], before.Regions[0]
	pair := []analysis.Explanation{
		{Scores: before, Answers: []analysis.Candidate{{Text: "blue", Probability: 0.55}, {Text: "red", Probability: 0.31}, {Text: "green", Probability: 0.08}}},
		{Scores: after, Answers: []analysis.Candidate{{Text: "red", Probability: 0.93}, {Text: "blue", Probability: 0.05}, {Text: "circle", Probability: 0.02}}},
	}
	table := analysis.Table{Meta: meta("two models, the same questions", ""), Columns: []string{"measure", "value", "low", "high", "n"}, Rows: [][]any{
		{"answers that changed", 0.31, 0.22, 0.4, 100},
		{"before: right answers", 0.64, 0.54, 0.73, 100},
		{"after: right answers", 0.88, 0.81, 0.94, 100},
		{"rank correlation of relevance, regions", 0.52, 0.46, 0.58, 100},
		{"divergence of attention, words look at regions, bits", 0.17, 0.16, 0.18, 100},
	}}
	table.Target, table.Level, table.N = "", 0.95, 100
	c := analysis.Collection{Meta: table.Meta, Results: analysis.Collect([]analysis.Result{table}, pair...)}
	fmt.Println(figure.Save(filepath.Join(out, "models.png"), c, figure.Options{DPI: 100}))
	// Output: <nil>
}
