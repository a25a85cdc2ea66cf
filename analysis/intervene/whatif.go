package intervene

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Outcome is what a model says to a question as it was, and with each of some changes.
type Outcome struct {
	Before Case
	After  []Case
	// Target says what Score of each case is.
	Target string
	Unit   string
}

// Case is one run of a question.
type Case struct {
	Change string         // what was done; "" of the question as it was
	Answer *lxmert.Answer // its batch has what the model saw, without regions that were taken away
	Score  float64        // of the target
	// Words and Regions are, for each picture, those that were changed, or that an edge was cut of. Of the question as it was
	// they are those that any change is about.
	Words, Regions [][]int

	input *lxmert.Batch // with regions that were taken away, masked
}

// WhatIf asks a question again with each of some changes. All of them and the question as it was are rows of one batch, so that
// their answers compare; activations of other runs are read before. The target is what is compared beside the answers; the zero
// target is the probability of the answer to the question as it was. Errors wrap [ErrChange], and name the change.
func WhatIf(ctx context.Context, eng lxmert.Engine, a *lxmert.Answer, target analysis.Target, changes ...Change) (*Outcome, error) {
	cfg := eng.Config()
	if len(changes) == 0 {
		return nil, fmt.Errorf("%w: there is none", ErrChange)
	}
	runs := []*asked{newAsked(cfg, a.Question, a.Batch)}
	for _, c := range changes {
		q, err := c.made(cfg, a)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrChange, c, err)
		}
		runs = append(runs, q)
	}
	if err := fetch(ctx, eng, runs); err != nil {
		return nil, err
	}
	var batches []*lxmert.Batch
	var questions []lxmert.Question
	for _, q := range runs {
		batches, questions = append(batches, q.b), append(questions, q.question)
	}
	b := stack(batches...)
	edits, err := merged(cfg, b, runs)
	if err != nil {
		return nil, err
	}
	m, err := bind(ctx, eng, target, a, b)
	if err != nil {
		return nil, err
	}
	r := a.Head.Request(cfg, m.batch)
	r.Edits, r.Grad = edits, m.score
	trace, err := eng.Run(ctx, m.batch, r)
	if err != nil {
		return nil, err
	}
	answers, err := a.Head.Read(questions, b, trace)
	if err != nil {
		return nil, err
	}
	out := &Outcome{Before: Case{Answer: answers[0], input: runs[0].b}, Target: m.name, Unit: m.unit}
	for i, c := range changes {
		after := Case{Change: c.name, Answer: answers[i+1], input: runs[i+1].b}
		out.mark(&after, runs[0].b, runs[i+1])
		out.After = append(out.After, after)
	}
	for i, c := range out.cases() {
		c.Score = m.read(trace, i, c.Answer)
	}
	return out, nil
}

// made makes a change to a question.
func (c Change) made(cfg lxmert.Config, a *lxmert.Answer) (*asked, error) {
	if len(c.steps) == 0 {
		return nil, errors.New("nothing is changed")
	}
	q := newAsked(cfg, a.Question, a.Batch)
	for _, s := range c.steps {
		if s.input != nil {
			if err := s.input(q); err != nil {
				return nil, err
			}
		}
	}
	if err := q.b.Check(cfg); err != nil {
		return nil, err
	}
	for _, s := range c.steps {
		if s.edit != nil {
			if err := s.edit(q); err != nil {
				return nil, err
			}
		}
	}
	if len(q.b.Words) > 0 {
		q.question.Text = q.b.Words[0].Text
	}
	if q.b.Images != nil {
		q.question.Images = nil
		for _, image := range q.b.Images {
			q.question.Images = append(q.question.Images, image.ID)
		}
	}
	return q, nil
}

// fetch reads what edits need of other runs, in one run for each of these, and then what they need of their own.
func fetch(ctx context.Context, eng lxmert.Engine, runs []*asked) error {
	wanted := map[*lxmert.Batch][]string{}
	var order []*lxmert.Batch
	for _, q := range runs {
		for _, n := range q.needs {
			if n.make != nil {
				continue
			}
			if wanted[n.from] == nil {
				order = append(order, n.from)
			}
			if name := q.edits[n.edit].Name; !slices.Contains(wanted[n.from], name) {
				wanted[n.from] = append(wanted[n.from], name)
			}
		}
	}
	for _, from := range order {
		b := analysis.Separate(from)
		trace, err := eng.Run(ctx, b, lxmert.Request{Want: lxmert.All(wanted[from]...), NoRegions: b.NoRegions()})
		if err != nil {
			return err
		}
		for _, q := range runs {
			for _, n := range q.needs {
				if n.from == from {
					e := &q.edits[n.edit]
					e.Value = trace.Values[e.Name]
				}
			}
		}
	}
	for _, q := range runs {
		for _, n := range q.needs {
			if n.make == nil {
				continue
			}
			trace, err := eng.Run(ctx, q.b, lxmert.Request{Want: lxmert.All(n.reads), Edits: q.edits[:n.edit], NoRegions: q.b.NoRegions()})
			if err != nil {
				return err
			}
			q.edits[n.edit].Value = n.make(trace.Values[n.reads])
		}
	}
	return nil
}

// cases are the question as it was and all others.
func (o *Outcome) cases() []*Case {
	all := []*Case{&o.Before}
	for i := range o.After {
		all = append(all, &o.After[i])
	}
	return all
}

// mark finds what a change is about, on both sides.
func (o *Outcome) mark(after *Case, before *lxmert.Batch, q *asked) {
	rows := before.Rows()
	if o.Before.Words == nil {
		o.Before.Words, o.Before.Regions = make([][]int, rows), make([][]int, rows)
	}
	for row := range rows {
		words, regions := slices.Clone(q.touched[row][analysis.WordStream]), slices.Clone(q.touched[row][analysis.RegionStream])
		oldWords, oldRegions := slices.Clone(words), slices.Clone(regions)
		gone, came := otherWords(before.IDs[row], q.b.IDs[row])
		words, oldWords = append(words, came...), append(oldWords, gone...)
		if samePicture(before, q.b, row) {
			other := otherRegions(before, q.b, row)
			regions, oldRegions = append(regions, other...), append(oldRegions, other...)
		}
		after.Words, after.Regions = append(after.Words, united(words)), append(after.Regions, united(regions))
		o.Before.Words[row] = united(append(o.Before.Words[row], oldWords...))
		o.Before.Regions[row] = united(append(o.Before.Regions[row], oldRegions...))
	}
}

// united are numbers in their order, each once.
func united(numbers []int) []int {
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

func samePicture(a, b *lxmert.Batch, row int) bool {
	if a.Images == nil || b.Images == nil {
		return a.V() == b.V()
	}
	return a.Images[row].ID == b.Images[row].ID && a.V() == b.V()
}

// otherRegions are the regions that are not the same in two batches.
func otherRegions(a, b *lxmert.Batch, row int) (other []int) {
	was, is := analysis.ValidRegions(a, row), analysis.ValidRegions(b, row)
	for v := range was {
		if was[v] != is[v] || was[v] && !(slices.Equal(a.Feats.Row(row).Row(v).Data, b.Feats.Row(row).Row(v).Data) &&
			slices.Equal(a.Boxes.Row(row).Row(v).Data, b.Boxes.Row(row).Row(v).Data)) {
			other = append(other, v)
		}
	}
	return other
}

// otherWords are the word pieces that two texts do not have in common, by the longest common subsequence.
func otherWords(a, b []int32) (gone, came []int) {
	common := make([][]int, len(a)+1) // of what is after each pair of places
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			gone = append(gone, i)
			i++
		default:
			came = append(came, j)
			j++
		}
	}
	return gone, came
}
