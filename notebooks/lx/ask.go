package lx

import (
	"fmt"
	"math"
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

// answer is what analyses explain.
func (a *Answer) answer() *lxmert.Answer {
	return &lxmert.Answer{Question: a.Question, Head: a.Model.Head(), Ranked: a.Ranked, Batch: a.Batch}
}

// Ranked is an answer and its probability, 0 to 1.
type Ranked = lxmert.Ranked

// Ask asks a model a question about a picture, or for NLVR2 about two.
func Ask(m *Model, question string, images ...string) *Answer {
	return AskAll(m, Question{Text: question, Images: images})[0]
}

// AskAll asks many questions at once, which is faster than one after the other.
func AskAll(m *Model, questions ...Question) []*Answer {
	return must(askAll(m, questions))
}

func askAll(m *Model, questions []Question) ([]*Answer, error) {
	answers, err := m.Ask(cell().ctx, questions)
	if err != nil {
		return nil, err
	}
	out := make([]*Answer, len(answers))
	for i, a := range answers {
		out[i] = &Answer{Model: m, Question: a.Question, Batch: a.Batch, Ranked: a.Ranked, Matched: math.NaN()}
		if len(a.Matched) > 0 {
			out[i].Matched = a.Matched[0]
		}
	}
	return out, nil
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
func (a *Answer) Maps() map[string]lxmert.Tensor {
	return must(must(attention.Read(cell().ctx, a.Model, a.Batch)).All(0))
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
