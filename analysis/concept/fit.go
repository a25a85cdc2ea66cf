package concept

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/probe"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// What erasers are called that [Fit] makes.
const (
	Whole    = "the concept"
	Shuffled = "labels shuffled" // among the states: an eraser of as many dimensions that is about nothing
	Means    = "difference of means"
	Vector   = "concept activation vector"
)

// AtLevel is an eraser of the states of one level.
type AtLevel struct {
	Level string
	Named
	// Direction is what the eraser takes out; nil: it is more than one direction.
	Direction []float64
}

// Fit makes erasers of a concept from labelled states: at each level one of the whole concept, beside one of its labels shuffled
// among the states. Of a concept with two values there are directions as well: the difference of means, and the concept
// activation vector.
func Fit(states *probe.Labelled, levels []string, seed uint64) ([]AtLevel, error) {
	shuffled := slices.Clone(states.Labels)
	draw := rand.New(rand.NewPCG(seed, 17))
	draw.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	var out []AtLevel
	for _, level := range levels {
		x := states.States(level)
		add := func(name string, e *Eraser, direction []float64) {
			out = append(out, AtLevel{level, Named{name, e}, direction})
		}
		var mean []float64
		for _, of := range []struct {
			name   string
			labels []int
		}{{Whole, states.Labels}, {Shuffled, shuffled}} {
			z, err := OneHot(of.labels, len(states.Classes))
			if err != nil {
				return nil, err
			}
			e, err := LEACE(x, z)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", level, err)
			}
			mean = e.Mean
			add(of.name, e, nil)
		}
		if len(states.Classes) != 2 {
			continue
		}
		has := make([]bool, len(states.Labels))
		for i, k := range states.Labels {
			has[i] = k == 1
		}
		difference, err := MeanDifference(x, has)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", level, err)
		}
		vector, err := CAV(x, has, 1)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", level, err)
		}
		for _, d := range []struct {
			name      string
			direction []float64
		}{{Means, difference}, {Vector, vector}} {
			e, err := Along(d.direction, mean)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", level, err)
			}
			add(d.name, e, d.direction)
		}
	}
	return out, nil
}

// Outcome is what a model says to a batch.
type Outcome struct {
	Scores  []float64 // of the target
	Answers []int     // class of each most probable answer; nil: the model has no answer head
}

// Ask reads a target and the answers, with edits of activations.
func Ask(ctx context.Context, eng lxmert.Engine, bound *analysis.Bound, edits ...lxmert.Edit) (Outcome, error) {
	request := lxmert.Request{Edits: edits, Grad: bound.Grad(), NoRegions: bound.Batch.NoRegions()}
	head, err := eng.Config().AnswerHead()
	if err == nil {
		request.Want = lxmert.All(head.Output)
	}
	t, err := eng.Run(ctx, bound.Batch, request)
	if err != nil {
		return Outcome{}, err
	}
	var o Outcome
	for _, x := range t.Score {
		o.Scores = append(o.Scores, float64(x))
	}
	if logits, ok := t.Values[head.Output]; ok {
		for i := range logits.Shape[0] {
			x := logits.Row(i).Data
			o.Answers = append(o.Answers, slices.Index(x, slices.Max(x)))
		}
	}
	return o, nil
}
