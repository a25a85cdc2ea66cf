package task

import (
	"fmt"
	"io"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/gomlx/compute/dtypes"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/train"
)

// spec is what the three tasks differ in.
type spec struct {
	name   dataset.Task
	images int // pictures of an example
	// hasQA: the head may start from pre-training's answer head.
	hasQA bool
	// itersLine is what the reference prints before the number of steps.
	itersLine string
	objective func(o *Options) train.Objective
	// label makes the targets of some examples.
	label func(set *dataset.Set, answers *dataset.Answers, index []int) (train.Label, error)
	// score of a predicted class, 0 to 1.
	score func(e *dataset.Example, answers *dataset.Answers, class int) float64
	// oracle is the class that scores best.
	oracle func(e *dataset.Example, answers *dataset.Answers) (int, error)
	// dump writes predictions as they are handed in.
	dump func(w io.Writer, set *dataset.Set, answers *dataset.Answers, classes []int) error
	// tests lists what a value of --test asks for.
	tests func(o *Options) ([]test, error)
}

// test is one split to predict, the whole of it, whatever --tiny and --fast say.
type test struct {
	splits []string
	file   string // of the prediction, in the output folder
	score  bool   // and print the score
}

func specOf(t dataset.Task) (spec, error) {
	switch t {
	case dataset.VQA:
		return vqa(), nil
	case dataset.GQA:
		return gqa(), nil
	case dataset.NLVR2:
		return nlvr2(), nil
	}
	return spec{}, fmt.Errorf("task: there is no task %q", t)
}

// targetLabel is the name of the objective's labels.
const targetLabel = "target"

// softAnswers is the objective of VQA and GQA.
func softAnswers(loss func(logits, target *Node) *Node) train.Objective {
	return func(net *lxrt.Net, label func(string) *Node) (*Node, []*Node) {
		logits := net.Node("out.task")
		return loss(logits, label(targetLabel)), []*Node{ArgMax(logits, -1, dtypes.Int32)}
	}
}

// answerLabel are soft targets, [examples, answers].
func answerLabel(strict bool) func(*dataset.Set, *dataset.Answers, []int) (train.Label, error) {
	return func(set *dataset.Set, answers *dataset.Answers, index []int) (train.Label, error) {
		n := answers.Len()
		data := make([]float32, len(index)*n)
		for i, k := range index {
			if err := answers.Target(data[i*n:(i+1)*n], &set.Examples[k], strict); err != nil {
				return train.Label{}, err
			}
		}
		return train.Label{Data: data, Shape: []int{len(index), n}}, nil
	}
}

// answerScore is what the reference's evaluators give: the score of the predicted answer, 0 if it is none of the labels.
func answerScore(e *dataset.Example, answers *dataset.Answers, class int) float64 {
	score := 0.0
	for _, l := range e.Labels {
		if l.Answer == answers.Answer(class) {
			score = l.Score
		}
	}
	return score
}

// answerOracle is the largest entry of the target, the first of equal ones; 0 where there is none.
func answerOracle(strict bool) func(*dataset.Example, *dataset.Answers) (int, error) {
	return func(e *dataset.Example, answers *dataset.Answers) (int, error) {
		target := make([]float32, answers.Len())
		if err := answers.Target(target, e, strict); err != nil {
			return 0, err
		}
		best := 0
		for i, x := range target {
			if x > target[best] {
				best = i
			}
		}
		return best, nil
	}
}
