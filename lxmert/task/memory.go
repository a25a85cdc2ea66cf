package task

import (
	"cmp"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/train"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// This file estimates the memory of a run before it starts.

// The regions of the published features.
const maxRegions = 36

// Memory is about how many bytes the training or prediction that the options ask for takes of the machine where the processor computes
// it, all of whose devices are there. Only the names of weights and configuration are looked at. The error says why the model's sizes are not
// known.
func Memory(t *dataset.Task, o Options) (int64, error) {
	o.settle()
	c, err := trainedSizes(t, &o)
	if err != nil {
		return 0, err
	}
	if o.Test != "" {
		return 2 * 4 * int64(c.NumParams()), nil // the weights, and their copy from the file
	}
	return o.onMachine(trainingBytes(c, &o, t.Pictures())), nil
}

// onMachine is what devices of the processor take together.
func (o *Options) onMachine(each int64) int64 { return each * int64(max(1, o.Devices)) }

// memoryOfTraining is about what the training of a model takes of each GPU; or of this machine, where the processor computes it.
func (s *session) memoryOfTraining(c lxmert.Config) (bytes int64, onGPU bool) {
	bytes, onGPU = trainingBytes(c, s.opt, s.task.Pictures()), s.backend.Kind == backend.KindCUDA
	if !onGPU {
		bytes = s.opt.onMachine(bytes)
	}
	return bytes, onGPU
}

// trainedSizes are those of the model of a run: of its weights, else of its configuration, else the published model's. The head
// of a fine-tuned task, which its answer table decides on, is left out.
func trainedSizes(t *dataset.Task, o *Options) (c lxmert.Config, err error) {
	known := lxmert.LXR955()
	switch name := cmp.Or(o.Load, o.LoadLXMERTQA, o.LoadLXMERT); {
	case name != "":
		m, err := weights.OpenModel(name, o.Config)
		if err != nil {
			return c, err
		}
		known = m.Config
		if err := m.Close(); err != nil {
			return c, err
		}
	case o.Config != "":
		r, err := weights.ReadRecipe(o.Config)
		if err != nil {
			return c, err
		}
		known = r.Config
	}
	c = body(known)
	if err := layers(o, &c, nil); err != nil {
		return c, err
	}
	if t.Pretrains {
		p := o.Pretraining
		p.settle()
		if err := p.heads(&c, known, cmp.Or(known.Answers, lxmert.LXR955().Answers)); err != nil {
			return c, err
		}
	}
	return c, c.Check()
}

// trainingBytes is about what training takes of each device, in bytes of float32 numbers, of a model whose examples are about so many
// pictures. Each device has all parameters, and its share of the rows.
//
// Of each parameter there is its value and, if it is trained, its gradient and BertAdam's two moments; beside them stand the values
// that a step has just made of the largest, and what was compiled: about a fifth copy; and with --bf16 the value in bfloat16. With
// adapters of two layers in each block, where next to nothing is trained, peaks of 1.9 GB at batch 8 and 2.7 GB at batch 32 were
// measured.
//
// Of the forward pass the backward pass needs, for each row and layer with D hidden and F intermediate units, H heads, Q
// queries and K keys: the queries, keys, values, weighted values and the two LayerNorms' outputs (6 D a token), the
// intermediate units (F a token), and the map before and after dropout (2 H Q K). A cross-modality layer is two cross
// attentions, which share their projections, and a layer of each stream. With --rematerialize a layer's input alone is
// kept (D a token), beside one layer in full. Peaks of the published model, process and files included, grow by 22 to
// 37 MB a row; these sums are 22 MB.
//
// A head of pre-training has its logits, their softmax and its gradient: for each place that a masked word may have, each
// region, or the row.
func trainingBytes(c lxmert.Config, o *Options, pictures int) int64 {
	text, image := int64(min(maxLength, c.MaxPositions)), int64(maxRegions)
	hidden, inner, heads := int64(c.Hidden), int64(c.Intermediate), int64(c.Heads)
	layer := func(tokens int64) int64 { return tokens*(6*hidden+inner) + 2*heads*tokens*tokens }
	cross := layer(text) + layer(image) + 5*hidden*(text+image) + 4*heads*text*image
	lang, vision, crosses := int64(c.LangLayers), int64(c.RegionLayers), int64(c.CrossLayers)
	row := lang*layer(text) + vision*layer(image) + crosses*cross + image*int64(c.FeatDim)
	if o.Rematerialize {
		row = hidden*(lang*text+vision*image+crosses*(text+image)) + cross + image*int64(c.FeatDim)
	}
	rows, shares := int64(o.BatchSize*pictures), int64(o.shares())
	rows = (rows + shares - 1) / shares
	trained := train.TrainedOf(c, o.LoRA, o.Freeze)
	width, copies := int64(4), int64(0)
	if o.BF16 {
		width, copies = 2, 2*int64(trained.AllValues)
	}
	return 4*int64(2*trained.AllValues+3*trained.Values) + copies + rows*(width*row+4*3*headNumbers(c))
}

// headNumbers is how many outputs the heads of pre-training have for a row.
func headNumbers(c lxmert.Config) int64 {
	n := int64(maxRegions)*int64(c.Objects+c.Attributes) + int64(c.Answers)
	if c.LM {
		n += fewWords * int64(c.Vocab)
	}
	if c.FeatHead {
		n += maxRegions * int64(c.FeatDim)
	}
	return n
}
