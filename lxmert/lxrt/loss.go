package lxrt

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// This file has the training losses as functions of logits and labels (LXMERT, section 3.1 and its code). Labels are
// int32, -1 for "none"; all results are float32 scalars.

// VisualLossScale multiplies the three losses over regions: one over the rate at which regions are masked.
const VisualLossScale = 1 / 0.15

// SoftAnswerLoss is that of VQA and GQA: binary cross-entropy of logits [N,C] with soft targets [N,C], summed over the
// answers and averaged over the rows.
func SoftAnswerLoss(logits, target *Node) *Node {
	x := toFloat32(logits)
	// max(x,0) - x*t + log(1+exp(-|x|)) does not overflow.
	each := Add(Sub(MaxScalar(x, 0), Mul(x, target)), Log1p(Exp(Neg(Abs(x)))))
	return ReduceAllMean(ReduceSum(each, -1))
}

// HardAnswerLoss is GQA's --mceLoss: cross-entropy of logits [N,C] with the largest entry of targets [N,C] (the first of
// equal ones; of an all-zero row answer 0), averaged over the rows and multiplied by C.
func HardAnswerLoss(logits, target *Node) *Node {
	classes := logits.Shape().Dimensions[logits.Rank()-1]
	return MulScalar(LabelLoss(logits, ArgMax(target, -1, dtypes.Int32)), classes)
}

// LabelLoss is cross-entropy of logits [...,C] with labels [...], averaged over the labels that are not -1; 0 where there
// is none. It is the loss of NLVR2, and, over a whole batch, of matching, of masked words and of pre-training's answers.
func LabelLoss(logits, labels *Node) *Node {
	there := ConvertDType(GreaterOrEqual(labels, ZerosLike(labels)), dtypes.Float32)
	return Div(WeightedLabelLoss(logits, labels, there), MaxScalar(ReduceAllSum(there), 1))
}

// WeightedLabelLoss is cross-entropy of logits [...,C] with labels [...], times weights [...], summed; a label -1 counts 0.
func WeightedLabelLoss(logits, labels, weights *Node) *Node {
	return ReduceAllSum(Mul(crossEntropy(logits, labels), weights))
}

// WeightedFeatureLoss is smooth L1 (0.5 d^2 below 1, |d|-0.5 above) between features [N,V,F], averaged over F, times weights
// [N,V], summed.
func WeightedFeatureLoss(predicted, target, weights *Node) *Node {
	d := Abs(Sub(toFloat32(predicted), target))
	each := Where(LessThan(d, OnesLike(d)), MulScalar(Square(d), 0.5), AddScalar(d, -0.5))
	return ReduceAllSum(Mul(ReduceMean(each, -1), weights))
}

// crossEntropy of logits [...,C] with labels [...], in nats; 0 where the label is -1.
func crossEntropy(logits, labels *Node) *Node {
	logits = toFloat32(logits)
	classes := logits.Shape().Dimensions[logits.Rank()-1]
	picked := Mul(OneHot(labels, classes, dtypes.Float32), LogSoftmax(logits, -1))
	return Neg(ReduceSum(picked, -1))
}

// boolLike is the shape of x with truth values in it.
func boolLike(x *Node) shapes.Shape { return shapes.Make(dtypes.Bool, x.Shape().Dimensions...) }

// TaskLoss is the loss of a task's head by its name.
type TaskLoss struct {
	Name string
	// Of logits [N,C] and targets: scores [N,C] float32 if Soft, else classes [N] int32, -1 where none is known.
	Of   func(logits, target *Node) *Node
	Soft bool
	// Kind is the rule that makes probabilities of logits which are trained with it, [lxmert.Sigmoid] or [lxmert.Softmax].
	Kind string
}

// LabelProbabilities are those that logits [N,C] give the labels, float32 [N]; -1 where there is none. Of soft targets the label is
// the one that counts most; of several that count equally it is the most probable, as each of them is as right.
func (l TaskLoss) LabelProbabilities(logits, target *Node) *Node {
	logits = toFloat32(logits)
	p := Softmax(logits, -1)
	if l.Kind == lxmert.Sigmoid {
		p = Sigmoid(logits)
	}
	if !l.Soft {
		target = OneHot(target, logits.Shape().Dimensions[logits.Rank()-1], dtypes.Float32) // -1 is a row of zeros
	}
	most := ReduceAndKeep(target, ReduceMax, -1)
	labels := Equal(target, BroadcastToShape(most, target.Shape()))
	best := ReduceMax(Where(labels, p, ZerosLike(p)), -1)
	return Where(GreaterThan(Reshape(most, best.Shape().Dimensions...), ZerosLike(best)), best, MulScalar(OnesLike(best), -1))
}

// TaskLosses are those that there are.
func TaskLosses() []TaskLoss {
	return []TaskLoss{
		{"soft answers", SoftAnswerLoss, true, lxmert.Sigmoid},
		{"one answer", HardAnswerLoss, true, lxmert.Softmax},
		{"label", LabelLoss, false, lxmert.Softmax},
	}
}

// FindTaskLoss finds a loss by its name. The error lists those that there are.
func FindTaskLoss(name string) (TaskLoss, error) {
	var names []string
	for _, l := range TaskLosses() {
		if l.Name == name {
			return l, nil
		}
		names = append(names, strconv.Quote(l.Name))
	}
	return TaskLoss{}, fmt.Errorf("lxrt: there is no loss %q; there are %s", name, strings.Join(names, ", "))
}
