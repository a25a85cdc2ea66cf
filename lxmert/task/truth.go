package task

import (
	"fmt"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/gomlx/compute/dtypes"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/train"
)

// This file is what counts as right: as labels of training and as scores of predictions.

// targetLabel is the name of the objective's labels.
const targetLabel = "target"

// lossOf is the loss that a task trains with.
func lossOf(t *dataset.Task, o *Options) (lxrt.TaskLoss, error) {
	name := t.Loss
	if o.MCELoss && t.OneAnswerLoss != "" {
		name = t.OneAnswerLoss
	}
	loss, err := lxrt.FindTaskLoss(name)
	if err != nil {
		return loss, fmt.Errorf("task: %s: %w", t.Title, err)
	}
	return loss, nil
}

// head is where the logits of a task are read.
func head(t *dataset.Task) string { return "out." + t.Head }

// What the objective returns beside the loss, of each row.
const (
	classOutput       = iota // the predicted class, int32
	probabilityOutput        // of the label, float32; -1: there is none
)

// outputs are these, of logits.
func (s *session) outputs(logits *Node, target *Node) []*Node {
	return []*Node{ArgMax(logits, -1, dtypes.Int32), s.loss.LabelProbabilities(logits, target)}
}

// objective is the loss and what is said of each row.
func (s *session) objective() train.Objective {
	if s.opt.Own != nil {
		return s.ownObjective()
	}
	return func(net *lxrt.Net, label func(string) *Node) (*Node, []*Node) {
		logits := net.Node(head(s.task))
		target := label(targetLabel)
		return s.loss.Of(logits, target), s.outputs(logits, target)
	}
}

// label makes the targets of some examples: the scores of all classes, or the right class.
func (s *session) label(set *dataset.Set, index []int) (train.Label, error) {
	if !s.loss.Soft {
		data := make([]int32, len(index))
		for i, k := range index {
			class, known, err := s.oracle(&set.Examples[k])
			if err != nil {
				return train.Label{}, err
			}
			if data[i] = int32(class); !known {
				data[i] = -1
			}
		}
		return train.Label{Data: data, Shape: []int{len(index)}}, nil
	}
	n := s.classes()
	data := make([]float32, len(index)*n)
	for i, k := range index {
		if err := s.target(data[i*n:(i+1)*n], &set.Examples[k]); err != nil {
			return train.Label{}, err
		}
	}
	return train.Label{Data: data, Shape: []int{len(index), n}}, nil
}

// target fills dst with how much each class counts.
func (s *session) target(dst []float32, e *dataset.Example) error {
	if s.answers != nil {
		return s.answers.Target(dst, e, s.task.Truth.Strict)
	}
	clear(dst)
	if e.Class >= 0 {
		dst[e.Class] = 1
	}
	return nil
}

// oracle is the class that scores best, the first of equal ones; 0 where nothing is known to be right.
func (s *session) oracle(e *dataset.Example) (class int, known bool, err error) {
	target := make([]float32, s.classes())
	if err := s.target(target, e); err != nil {
		return 0, false, err
	}
	best := argMax(target)
	return best, target[best] > 0, nil
}

// score of a predicted class, 0 to 1: what the reference's evaluators give, the score of the predicted answer, 0 if it is
// none of the labels; of a statement whether it is right.
func (s *session) score(e *dataset.Example, class int) float64 {
	score := 0.0
	if s.answers == nil && e.Class == class {
		score = 1
	}
	for _, l := range e.Labels {
		if s.answers != nil && l.Answer == s.answers.Answer(class) {
			score = l.Score
		}
	}
	return score
}

// Consistency is NLVR2's second measure, as its official script computes it: statements that were written for the same
// pictures' parts form a group, a group counts if all of its statements are right.
func Consistency(set *dataset.Set, classes []int) (consistent, groups int) {
	wrong := map[string]bool{}
	for i, c := range classes {
		e := &set.Examples[i]
		parts := strings.Split(e.Identifier, "-")
		if len(parts) > 2 {
			parts[2] = ""
		}
		key := strings.Join(parts, "-")
		wrong[key] = wrong[key] || e.Class != c
	}
	for _, w := range wrong {
		if !w {
			consistent++
		}
	}
	return consistent, len(wrong)
}
