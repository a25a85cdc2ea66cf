package intervene

import (
	"fmt"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
)

// shownAnswers is how many answers of each case are shown.
const shownAnswers = 5

// Table has a row for the question as it was and for each change: the answer, its probability, the target's score, and by how
// much that is more than before.
func (o *Outcome) Table() analysis.Table {
	t := analysis.Table{Meta: o.meta("what if"), Columns: []string{"question", "answer", "its probability", o.Target, "difference"}}
	for _, c := range o.cases() {
		best := c.Answer.Best()
		t.Rows = append(t.Rows, []any{c.title(), best.Text, best.Probability, c.Score, c.Score - o.Before.Score})
	}
	return t
}

// String is the outcome as text, a line for each case.
func (o *Outcome) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s\n", o.Before.Answer.Question.Text)
	for _, c := range o.cases() {
		best := c.Answer.Best()
		fmt.Fprintf(&s, "%6.1f %%  %-12s  %s %.3g", 100*best.Probability, best.Text, o.Target, c.Score)
		if c.Change != "" {
			fmt.Fprintf(&s, " (%+.3g)", c.Score-o.Before.Score)
		}
		fmt.Fprintf(&s, "  %s\n", c.title())
	}
	return s.String()
}

// title says what is special about a case.
func (c *Case) title() string {
	if c.Change == "" {
		return "as it was"
	}
	return c.Change
}

func (o *Outcome) meta(method string) analysis.Meta {
	a := o.Before.Answer
	m := analysis.Meta{Method: method, Target: o.Target, Unit: o.Unit, Model: a.Provenance, N: 1,
		Params: map[string]string{"probability of answers": a.Head.Kind}}
	if len(a.Batch.Images) > 0 {
		m.Features = a.Batch.Images[0].Source
	}
	return m
}

// Marks are a case on its pictures: words and regions that were changed are 1, all others 0.
func (o *Outcome) Marks(c *Case) []analysis.Explanation {
	b := c.input
	out := make([]analysis.Explanation, b.Rows())
	for row := range out {
		mark := func(n int, at [][]int) []float64 {
			values := make([]float64, n)
			for _, i := range at[row] {
				if i < n {
					values[i] = 1
				}
			}
			return values
		}
		meta := o.meta(c.title())
		meta.Target, meta.Unit = "", ""
		s := analysis.NewScores(meta, b, row, mark(b.T(), c.Words), mark(b.V(), c.Regions))
		s.Answer, s.Marks = c.Answer.Best().Text, true
		out[row].Scores = s
		for _, r := range c.Answer.Ranked[:min(shownAnswers, len(c.Answer.Ranked))] {
			out[row].Answers = append(out[row].Answers, analysis.Candidate{Text: r.Text, Probability: r.Probability})
		}
	}
	return out
}

// Collection is the outcome as one result: the table, and each case on its pictures.
func (o *Outcome) Collection() analysis.Collection {
	c := analysis.Collection{Meta: o.meta("what if"), Title: fmt.Sprintf("What if? %s", o.Before.Answer.Question.Text)}
	c.Results = append(c.Results, o.Table())
	for _, x := range o.cases() {
		c.Results = analysis.Collect(c.Results, o.Marks(x)...)
	}
	return c
}
