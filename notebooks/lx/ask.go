package lx

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/attention"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Answer is what a model says about one question.
type Answer struct {
	Model    *Model
	Question Question
	Batch    *lxmert.Batch // the model's input
	Ranked   []Ranked      // all answers, the most probable first
	// Matched is how probable the model finds it that the sentence belongs to the picture; NaN if it has no such head.
	Matched float64
}

// Ranked is an answer and its probability, 0 to 1.
type Ranked struct {
	Text        string
	Probability float64
	Class       int
}

// Ask asks a model a question about a picture, or for NLVR2 about two.
func Ask(m *Model, question string, images ...string) *Answer {
	return AskAll(m, Question{Text: question, Images: images})[0]
}

// AskAll asks many questions at once, which is faster than one after the other.
func AskAll(m *Model, questions ...Question) []*Answer {
	return must(askAll(m, questions))
}

func askAll(m *Model, questions []Question) ([]*Answer, error) {
	head := m.Head()
	if head.Output == "" {
		return nil, fmt.Errorf("%s has no head that answers; fine-tune it first, or open the weights of pre-training with their answer head", m.Info().Spec.Weights)
	}
	var out []*Answer
	const together = 64
	for from := 0; from < len(questions); from += together {
		part := questions[from:min(from+together, len(questions))]
		b, err := m.Batch(cell().ctx, part)
		if err != nil {
			return nil, err
		}
		want := []string{head.Output}
		if m.Config().Match {
			want = append(want, "out.match")
		}
		t, err := m.Run(cell().ctx, b, lxmert.Request{Want: lxmert.All(want...)})
		if err != nil {
			return nil, err
		}
		for i, q := range part {
			a := &Answer{Model: m, Question: q, Batch: oneOf(b, i, head.Images), Matched: math.NaN()}
			a.Ranked = rank(t.Values[head.Output].Row(i).Data, head.Kind, m.Answers())
			if match, ok := t.Values["out.match"]; ok {
				a.Matched = lxmert.Probabilities(lxmert.Softmax, match.Row(i*head.Images).Data)[1]
			}
			out = append(out, a)
		}
	}
	return out, nil
}

// oneOf is the batch of one question, of which rows images are two.
func oneOf(b *lxmert.Batch, i, images int) *lxmert.Batch {
	pairs := b.Pairs
	if pairs == nil {
		for n := range b.IDs {
			pairs = append(pairs, [2]int{n, n})
		}
	}
	c := *b
	c.Pairs = pairs[i*images : (i+1)*images]
	return analysis.Separate(&c)
}

func rank(logits []float32, kind string, names []string) []Ranked {
	p := lxmert.Probabilities(kind, logits)
	out := make([]Ranked, len(p))
	for i := range p {
		out[i] = Ranked{fmt.Sprint(i), p[i], i}
		if i < len(names) {
			out[i].Text = names[i]
		}
	}
	slices.SortStableFunc(out, func(a, b Ranked) int {
		if a.Probability > b.Probability {
			return -1
		}
		if a.Probability < b.Probability {
			return 1
		}
		return 0
	})
	return out
}

// Best is the most probable answer.
func (a *Answer) Best() Ranked { return a.Ranked[0] }

// Map is one of the model's attention maps, such as "x.1.ti" (words look at regions in the second cross-modality layer): a
// panel for each head, rows look at columns, each row sums to 1. Of two pictures it is the first.
func (a *Answer) Map(name string) analysis.Matrix {
	maps := must(attention.Read(cell().ctx, a.Model, a.Batch, name))
	return must(maps.Matrix(maps.Names[0], 0))
}

// Maps are all attention maps by name, [heads, queries, keys]; of two pictures, those of the first.
func (a *Answer) Maps() map[string]lxmert.Tensor { return must(a.maps(cell().ctx, 0)) }

func (a *Answer) maps(ctx context.Context, row int) (map[string]lxmert.Tensor, error) {
	t, err := a.Model.Run(ctx, a.Batch, lxmert.Request{Want: lxmert.All(a.Model.Config().Maps()...)})
	if err != nil {
		return nil, err
	}
	out := map[string]lxmert.Tensor{}
	for name, x := range t.Values {
		out[name] = x.Row(row)
	}
	return out, nil
}

// String is the question and the most probable answers, as text.
func (a *Answer) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s  [%s]\n", a.Question.Text, strings.Join(a.Question.Images, ", "))
	for _, r := range a.Ranked[:min(5, len(a.Ranked))] {
		fmt.Fprintf(&s, "%6.1f %%  %s\n", 100*r.Probability, r.Text)
	}
	if !math.IsNaN(a.Matched) {
		fmt.Fprintf(&s, "%6.1f %%  that the sentence belongs to the picture\n", 100*a.Matched)
	}
	return s.String()
}
