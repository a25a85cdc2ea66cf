package analysis

import (
	"math"
	"slices"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// The ways in which the logits of a head become probabilities.
const (
	Softmax = "softmax" // one distribution over all answers
	Sigmoid = "sigmoid" // each answer has a probability of its own; they need not sum to 1
)

// AnswerProbability says how the head of [AnswerHead] was trained, and so what its probabilities are: a fine-tuned head
// about one picture (VQA, GQA) with binary cross-entropy, [Sigmoid]; one about two pictures (NLVR2) and that of
// pre-training with cross-entropy, [Softmax]. "" without such a head.
func AnswerProbability(c lxmert.Config) string {
	switch {
	case c.TaskClasses > 0 && c.TaskImages != 2:
		return Sigmoid
	case c.TaskClasses > 0 || c.Answers > 0:
		return Softmax
	}
	return ""
}

// Probabilities makes them of logits, by [Softmax] or [Sigmoid].
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
