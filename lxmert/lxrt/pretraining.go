package lxrt

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// This file has the losses of pre-training by their names, as functions of a net and its labels (LXMERT, section 3.1).

// The labels that [PretrainingLosses] read. N rows, T word pieces, V regions, F features; P places in a sentence, those of
// masked words, in any order and with places of weight 0 among them. Labels are int32, -1 for "none"; weights are float32,
// and what they come to over a whole step is for the caller to say.
const (
	MaskedPlaces  = "words.places"       // int32 [N,P], from 0 to T-1
	MaskedWords   = "words"              // int32 [N,P], the piece that was there
	WordWeights   = "words.weights"      // [N,P]
	Matched       = "matched"            // int32 [N], 1: the sentence is about the picture
	ObjectLabels  = "objects"            // int32 [N,V]
	ObjectWeights = "objects.weights"    // [N,V]
	AttrLabels    = "attributes"         // int32 [N,V]
	AttrWeights   = "attributes.weights" // [N,V]
	FeatTargets   = "features"           // [N,V,F]
	FeatWeights   = "features.weights"   // [N,V]
	QALabels      = "answers"            // int32 [N]
	QAWeights     = "answers.weights"    // [N]
)

// PretrainingLoss is one of pre-training's.
type PretrainingLoss struct {
	Name string // as the reference prints it
	Of   func(net *Net, label func(name string) *Node) *Node
}

// PretrainingLosses are the six in the reference's order. That of matching is a mean over the rows; each other one is a sum
// over words, rows or regions of what that one costs times its weight. The weights that make the reference's losses of them
// are 1 over the number of masked words or of labelled rows; and, for a region, its confidence, or 1 if its features are
// masked, times [VisualLossScale] over the number of regions. In a step of several parts, whose mean is taken, these are the
// numbers of the whole step, and all weights are multiplied by the number of parts.
func PretrainingLosses() []PretrainingLoss {
	return []PretrainingLoss{
		{"Mask_LM", func(net *Net, label func(string) *Node) *Node {
			logits := net.HeadAt("out.mlm", label(MaskedPlaces))
			return WeightedLabelLoss(logits, label(MaskedWords), label(WordWeights))
		}},
		{"Matched", func(net *Net, label func(string) *Node) *Node {
			return LabelLoss(net.Node("out.match"), label(Matched))
		}},
		{"Obj", func(net *Net, label func(string) *Node) *Node {
			return WeightedLabelLoss(net.Node("out.obj"), label(ObjectLabels), label(ObjectWeights))
		}},
		{"Attr", func(net *Net, label func(string) *Node) *Node {
			return WeightedLabelLoss(net.Node("out.attr"), label(AttrLabels), label(AttrWeights))
		}},
		{"Feat", func(net *Net, label func(string) *Node) *Node {
			return WeightedFeatureLoss(net.Node("out.feat"), label(FeatTargets), label(FeatWeights))
		}},
		{"QA", func(net *Net, label func(string) *Node) *Node {
			return WeightedLabelLoss(net.Node("out.qa"), label(QALabels), label(QAWeights))
		}},
	}
}

// LossNorm is how strongly a loss pulls at the body of the model: the L2 norm of its gradient at the last levels of words and
// regions, from which every head reads. The way back to there is part of any training step, so it costs next to nothing.
func (n *Net) LossNorm(loss *Node) *Node {
	var sum *Node
	for _, g := range Gradient(loss, n.lastWords(), n.lastRegions()) {
		square := ReduceAllSum(Square(toFloat32(g)))
		if sum == nil {
			sum = square
		} else {
			sum = Add(sum, square)
		}
	}
	return Sqrt(sum)
}
