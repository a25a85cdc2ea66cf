package task

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/gomlx/compute/dtypes"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/train"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// This file trains with a loss or a head that is not the task's. Package own runs it from the command line.

// Own is a loss, or a head, of one's own. What it leaves out is the task's. Pre-training takes a loss and parameters: its heads are those
// of its six losses, and its labels those that these read.
type Own struct {
	// Name says what it is, in run.json: a run is resumed with the same one only.
	Name string
	// Params are parameters beside a model's of these sizes. Their names begin with "own."; matrices are [out,in], as in PyTorch.
	// Vectors start as ones, those called ….bias as zeros, all others are drawn as the model's are. Nil: there are none.
	Params func(c lxmert.Config) []lxmert.Param
	// Labels are numbers of each example, equally many for all, that the loss reads.
	Labels map[string]func(e *dataset.Example) []float32
	// Loss is what is minimised, a float32 scalar, the mean over the rows. Nil: the task's loss, of Logits.
	Loss func(s *Step) *Node
	// Logits are the scores of the task's answers, float32 [rows, answers], which training and validation accuracy go by. Nil:
	// those of the task's head.
	Logits func(s *Step) *Node
}

// Step is the graph of a step while a loss is added to it.
type Step struct {
	net    *lxrt.Net
	labels func(name string) *Node
	loss   func() *Node // the task's
	logits *Node        // nil in pre-training
}

// Activation is a named activation, with a row for each example: "out.pooled" [rows, hidden], "x.4.ti" [rows, heads, words,
// regions]; see [lxmert.Config.Names].
func (s *Step) Activation(name string) *Node { return s.net.Node(name) }

// Param is one of [Own].Params, or a parameter of the model. A matrix is [in,out] here.
func (s *Step) Param(name string) *Node { return s.net.Param(name) }

// Label is one of [Own].Labels, float32 [rows, numbers], or "target", what the task's loss reads: float32 [rows, answers], how
// much each answer counts, or int32 [rows], the right one. In pre-training it is one of those of [lxrt.PretrainingLosses].
func (s *Step) Label(name string) *Node { return s.labels(name) }

// Logits are the scores of the answers, the task's or one's own. Pre-training has none.
func (s *Step) Logits() *Node {
	if s.logits == nil {
		panic(errors.New("pre-training has no logits of a task; those of its heads are activations, such as out.qa"))
	}
	return s.logits
}

// TaskLoss is the task's loss of the logits, or the sum of the losses that pre-training is asked for.
func (s *Step) TaskLoss() *Node { return s.loss() }

// ownObjective is the objective with what is of one's own.
func (s *session) ownObjective() train.Objective {
	own := s.opt.Own
	return func(net *lxrt.Net, label func(string) *Node) (*Node, []*Node) {
		step := &Step{net: net, labels: label}
		step.loss = func() *Node { return s.loss.Of(step.logits, label(targetLabel)) }
		if own.Logits != nil {
			step.logits = own.Logits(step)
		} else {
			step.logits = net.Node(head(s.task))
		}
		if shape := step.logits.Shape(); shape.Rank() != 2 || shape.Dimensions[1] != s.classes() {
			panic(fmt.Errorf("the logits of %s have shape %v, must be rows by %d answers", own.Name, shape.Dimensions, s.classes()))
		}
		loss := step.TaskLoss
		if own.Loss != nil {
			loss = func() *Node { return own.Loss(step) }
		}
		return own.scalar(loss()), s.outputs(step.logits, label(targetLabel))
	}
}

// pretraining is pre-training's objective with a loss of one's own.
func (own *Own) pretraining(objective train.Objective) train.Objective {
	return func(net *lxrt.Net, label func(string) *Node) (*Node, []*Node) {
		total, outputs := objective(net, label)
		step := &Step{net: net, labels: label, loss: func() *Node { return total }}
		return own.scalar(own.Loss(step)), outputs
	}
}

// scalar is a loss, which must be one.
func (own *Own) scalar(loss *Node) *Node {
	if shape := loss.Shape(); shape.Rank() != 0 || shape.DType != dtypes.Float32 {
		panic(fmt.Errorf("the loss of %s is %s, must be a float32 scalar, such as the mean over the rows", own.Name, shape))
	}
	return loss
}

// label adds the labels of one's own to a part's.
func (own *Own) label(to map[string]train.Label, set *dataset.Set, index []int) error {
	if own == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(own.Labels)) {
		var data []float32
		width := 0
		for i, k := range index {
			row := own.Labels[name](&set.Examples[k])
			if i == 0 {
				width = len(row)
			}
			if len(row) != width || width == 0 {
				return fmt.Errorf("task: the label %q of %s has %d numbers for example %s, and %d for %s; it needs equally many, at least one", name, own.Name, len(row), set.Examples[k].ID, width, set.Examples[index[0]].ID)
			}
			data = append(data, row...)
		}
		to[name] = train.Label{Data: data, Shape: []int{len(index), width}}
	}
	return nil
}

// replacesHead says whether answers are scored by a head of one's own.
func (own *Own) replacesHead() bool { return own != nil && own.Logits != nil }

// check says what is missing in a description.
func (own *Own) check() error {
	switch {
	case own == nil:
	case own.Name == "":
		return errors.New("task: an own objective needs a name, by which a run that is resumed knows it again")
	case own.Labels[targetLabel] != nil:
		return fmt.Errorf("task: a label of %s cannot be called %q, as the task's is", own.Name, targetLabel)
	case own.Loss == nil && own.Logits == nil:
		return fmt.Errorf("task: %s has neither a loss nor logits", own.Name)
	}
	return nil
}

// checkPretraining says what pre-training cannot do with a description.
func (own *Own) checkPretraining() error {
	if own != nil && (own.Logits != nil || own.Labels != nil) {
		return fmt.Errorf("task: %s has logits or labels of its own, which are for fine-tuning; pre-training takes a loss, which may read its heads and labels, such as out.match and %q, and parameters", own.Name, lxrt.Matched)
	}
	return nil
}

// takeOwn declares own parameters, with the values that are beside the snapshot of --load, if there are some.
func (b *start) takeOwn(o *Options) error {
	if o.Own == nil || o.Own.Params == nil {
		return nil
	}
	b.init.Own = o.Own.Params(b.cfg)
	if o.Load == "" {
		return nil
	}
	path, err := weights.Resolve(o.Load)
	if err != nil {
		return err
	}
	f, err := weights.Open(train.OwnFile(path))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	b.files = append(b.files, f)
	for _, p := range b.init.Own {
		t, ok := f.Tensor(p.Name)
		if !ok {
			return fmt.Errorf("task: %s has no %s", f.Path, p.Name)
		}
		if err := b.init.Set(p.Name, t); err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
	}
	b.ownSaved = true
	return nil
}

// validate predicts the answers of a set as training stands: by the model, or where the head is one's own by the objective.
func (s *session) validate(ctx context.Context, t *train.Trainer, m lxmert.Engine, set *dataset.Set) ([]int, error) {
	if !s.opt.Own.replacesHead() {
		return s.predict(ctx, m, set)
	}
	size := s.opt.predictBatch()
	lengths := []int{s.length(m.Config())} // validation's sentences may be longer than those of training
	classes := make([]int, 0, set.Len())
	for from := 0; from < set.Len(); from += size {
		var index []int
		for i := from; i < min(set.Len(), from+size); i++ {
			index = append(index, i)
		}
		part, err := s.part(ctx, set, index, lengths)
		if err != nil {
			return nil, err
		}
		_, outputs, err := t.Evaluate(ctx, part)
		if err != nil {
			return nil, err
		}
		for _, c := range outputs[classOutput].([]int32) {
			classes = append(classes, int(c))
		}
		if s.opt.Predict != nil {
			s.opt.Predict(len(classes), set.Len())
		}
	}
	return classes, nil
}
