package sweep

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/seed-516990b0/golxmert/analysis/calibration"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// This file asks whether a model is right where it is sure of its answers, before and after a temperature.

// The readings of an answer head. One that was trained with binary cross-entropy has a probability for each answer by itself, which is its
// own; people also take its logits for one distribution, by softmax.
const (
	ownSigmoid   = "answer, sigmoid"
	ownSoftmax   = "answer, softmax"
	otherSoftmax = "answer, softmax of its logits"
)

// calibrations is the method about the answers of any model.
func calibrations() measuring {
	return measuring{
		name: "calibration", about: "answers: right where the model is sure? Coverage at a risk, ECE, before and after a temperature", group: answering, fits: true,
		begin: func(ctx context.Context, r *runner) (measurer, error) {
			head := r.data.Asker.Head()
			if head.Output == "" {
				_, err := r.eng.Config().AnswerHead()
				return nil, fmt.Errorf("it is about answers: %w", err)
			}
			var t trust
			first := 0
			for b, err := range r.sample(ctx, "fitting temperatures") {
				if err != nil {
					return nil, err
				}
				questions := make([]lxmert.Question, b.Rows()/head.Images)
				answers, err := head.Ask(ctx, r.eng, questions, b)
				if err != nil {
					return nil, err
				}
				var index []int
				for i := range answers {
					index = append(index, first+i)
				}
				first += len(answers)
				labels := r.data.labels(index, head.Classes)
				if labels == nil {
					return nil, errUnlabelled
				}
				t.add(answerReadings(answers, labels))
			}
			t.fit()
			return r.rest(func(ctx context.Context, a *asked) ([]numbers, error) {
				if a.labels == nil {
					return nil, errUnlabelled
				}
				all := answerReadings(a.answers, a.labels)
				var out []numbers
				for _, name := range answerReadingNames(head.Kind) {
					out = append(out, t.numbers(name, all)...)
				}
				return out, nil
			}), nil
		},
		draw: func(c *collector, found *means, s *Summary) error {
			meta := c.measured(found)
			meta.Level = level
			delete(meta.Params, "explained") // it has no target
			drawTrust(c, found, s, meta, []string{ownSigmoid, ownSoftmax, otherSoftmax}, "the model's", "calibration-")
			return nil
		},
	}
}

// errUnlabelled says that calibration needs right answers.
var errUnlabelled = errors.New("it compares with right answers, and not all questions have some, or nobody names the model's answers")

// answerReadingNames are the readings of heads of a kind.
func answerReadingNames(kind string) []string {
	if kind == lxmert.Sigmoid {
		return []string{ownSigmoid, otherSoftmax}
	}
	return []string{ownSoftmax}
}

// answerReadings are those of answers, of which it is known how much each class counts.
func answerReadings(answers []*lxmert.Answer, labels [][]float64) []readings {
	out := make([]readings, len(answers))
	for i, a := range answers {
		logits := make([]float64, len(a.Ranked))
		for _, r := range a.Ranked {
			logits[r.Class] = float64(r.Logit)
		}
		out[i] = readings{}
		for _, name := range answerReadingNames(a.Head.Kind) {
			x := oneReading{bits: math.NaN(), prediction: a.Best().Class, row: calibration.Scored{Logits: logits, Binary: name == ownSigmoid}}
			x.judge(labels[i])
			x.confidence = x.at(1)
			out[i][name] = x
		}
	}
	return out
}
