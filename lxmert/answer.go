package lxmert

// Asking a model: which part of it answers, what is asked of an [Engine], and how logits become ranked answers. Making a
// [Batch] of questions is the work of package question.

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Question is a sentence and the ids of the pictures that it is about: one, or for NLVR2 two, left and right.
type Question struct {
	Text   string   `json:"text"`
	Images []string `json:"images"`
}

// The ways in which the logits of an [AnswerHead] become probabilities.
const (
	Softmax = "softmax" // one distribution over all answers
	Sigmoid = "sigmoid" // each answer has a probability of its own; they need not sum to 1
)

// AnswerHead is the part of a model that answers questions. The zero value is that of a model which has none.
type AnswerHead struct {
	Output  string   `json:"output"`            // the activation: "out.task", or "out.qa" of pre-training
	Kind    string   `json:"kind"`              // what turns its logits into probabilities: [Sigmoid] or [Softmax]
	Images  int      `json:"images"`            // pictures that one answer is about: 1, or NLVR2's 2
	Classes int      `json:"classes"`           // number of answers
	Answers []string `json:"answers,omitempty"` // by class; nil where nobody names them
}

// ErrNoAnswers is wrapped by the error of [Config.AnswerHead] about a model that has no answer head.
var ErrNoAnswers = errors.New("the model has no answer head")

// AnswerHead is the fine-tuned head of a model, else that of pre-training. Its probabilities are those that it was trained
// with: a fine-tuned head about one picture (VQA, GQA) with binary cross-entropy, [Sigmoid]; one about two pictures (NLVR2)
// and that of pre-training with cross-entropy, [Softmax]. An error, which wraps [ErrNoAnswers], lists what the model has
// instead.
func (c Config) AnswerHead() (AnswerHead, error) {
	switch {
	case c.TaskClasses > 0 && c.TaskImages == 2:
		return AnswerHead{Output: "out.task", Kind: Softmax, Images: 2, Classes: c.TaskClasses}, nil
	case c.TaskClasses > 0:
		return AnswerHead{Output: "out.task", Kind: Sigmoid, Images: 1, Classes: c.TaskClasses}, nil
	case c.Answers > 0:
		return AnswerHead{Output: "out.qa", Kind: Softmax, Images: 1, Classes: c.Answers}, nil
	}
	return AnswerHead{}, fmt.Errorf("%w; it has %s; fine-tuned weights have one (logit_fc), and so do those of pre-training that kept theirs (answer_head)",
		ErrNoAnswers, c.Predictions())
}

// Predictions names the prediction heads of a model with their classes, for errors.
func (c Config) Predictions() string {
	var have []string
	for _, name := range []string{"out.mlm", "out.match", "out.obj", "out.attr", "out.feat", "out.qa", "out.task"} {
		if n := c.ClassCount(name); n > 0 {
			have = append(have, fmt.Sprintf("%s (%d classes)", name, n))
		}
	}
	if have == nil {
		return "no prediction heads, only out.pooled"
	}
	return strings.Join(have, ", ")
}

// Answer names a class: as Answers does, else "answer 7".
func (h AnswerHead) Answer(class int) string { return nameOf(h.Answers, "answer", class) }

// Probabilities makes them of logits by a rule, [Softmax] or [Sigmoid].
func Probabilities(kind string, logits []float32) []float64 {
	p := make([]float64, len(logits))
	if len(logits) == 0 {
		return p
	}
	if kind == Sigmoid {
		for i, x := range logits {
			p[i] = 1 / (1 + math.Exp(-float64(x)))
		}
		return p
	}
	sum, largest := 0.0, slices.Max(logits)
	for i, x := range logits {
		p[i] = math.Exp(float64(x) - float64(largest))
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// Ranked is one answer among all that a head has.
type Ranked struct {
	Text        string
	Probability float64 // 0 to 1
	Class       int
	Logit       float32
}

// Rank sorts all answers, the most probable first; of equal ones the first class.
func (h AnswerHead) Rank(logits []float32) []Ranked {
	ranked := make([]Ranked, len(logits))
	for class, p := range Probabilities(h.Kind, logits) {
		ranked[class] = Ranked{h.Answer(class), p, class, logits[class]}
	}
	// By logits: probabilities that are nearly 1 are equal in float64 long before their logits are.
	slices.SortStableFunc(ranked, func(a, b Ranked) int {
		switch {
		case a.Logit > b.Logit:
			return -1
		case a.Logit < b.Logit:
			return 1
		}
		return 0
	})
	return ranked
}

// AskedTogether is how many questions go into one batch: enough to keep a processor busy, few enough for any memory.
const AskedTogether = 64

// Answer is what a model says about a question.
type Answer struct {
	Question Question
	Head     AnswerHead
	Ranked   []Ranked // all answers, the most probable first
	// Matched is how probable the model finds it that the sentence belongs to a picture, for each picture; nil if it has no
	// such head, as fine-tuned models have none.
	Matched []float64
	// Batch is the model's input of this question alone, with a row for each picture. It is what analyses take.
	Batch      *Batch
	Provenance Provenance
}

// Best is the most probable answer.
func (a *Answer) Best() Ranked { return a.Ranked[0] }

// match is the head that says whether a sentence belongs to a picture. Its class 1 says yes.
const match = "out.match"

// Request is what to ask of a model about a batch of questions, for [AnswerHead.Read].
func (h AnswerHead) Request(c Config, b *Batch) Request {
	want := []string{h.Output}
	if c.Match {
		want = append(want, match)
	}
	return Request{Want: All(want...), NoRegions: b.NoRegions()}
}

// Ask asks a model questions, of which b is the input: question i is row i, or with two pictures rows 2i and 2i+1.
func (h AnswerHead) Ask(ctx context.Context, eng Engine, questions []Question, b *Batch) ([]*Answer, error) {
	t, err := eng.Run(ctx, b, h.Request(eng.Config(), b))
	if err != nil {
		return nil, err
	}
	return h.Read(questions, b, t)
}

// Read reads the answers from what a model made of [AnswerHead.Request]. Logits that are not finite numbers are an error
// that names the question: nothing can be ranked by them.
func (h AnswerHead) Read(questions []Question, b *Batch, t *Trace) ([]*Answer, error) {
	rows := len(questions) * h.Images
	logits, matched := t.Values[h.Output], t.Values[match]
	if b.Rows() != rows || !slices.Equal(logits.Shape, []int{len(questions), h.Classes}) || !matched.IsZero() && !slices.Equal(matched.Shape, []int{rows, 2}) {
		return nil, fmt.Errorf("answers to %d questions about %d pictures each, of %d classes: a batch of %d rows, %s of shape %v, %s of shape %v",
			len(questions), h.Images, h.Classes, b.Rows(), h.Output, logits.Shape, match, matched.Shape)
	}
	answers := make([]*Answer, len(questions))
	for i, q := range questions {
		a := &Answer{Question: q, Head: h, Provenance: t.Provenance}
		x := logits.Row(i).Data
		if err := checkLogits(t.Provenance.Weights, q, h.Output, x); err != nil {
			return nil, err
		}
		a.Ranked = h.Rank(x)
		var own []int
		for row := i * h.Images; row < (i+1)*h.Images; row++ {
			own = append(own, row)
			if matched.IsZero() {
				continue
			}
			x := matched.Row(row).Data
			if err := checkLogits(t.Provenance.Weights, q, match, x); err != nil {
				return nil, err
			}
			a.Matched = append(a.Matched, Probabilities(Softmax, x)[1])
		}
		a.Batch = b.Part(own...).Trim()
		answers[i] = a
	}
	return answers, nil
}

// checkLogits refuses what cannot be ranked.
func checkLogits(weights string, q Question, output string, logits []float32) error {
	for i, x := range logits {
		if x-x != 0 {
			return fmt.Errorf("%s: %q cannot be answered: value %d of %s is %g: the weights are damaged, or their training diverged", weights, q.Text, i, output, x)
		}
	}
	return nil
}
