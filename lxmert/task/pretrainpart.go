package task

import (
	"context"
	"fmt"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/train"
)

// This file makes the batches of pre-training and their labels.

// fewWords is how many masked words of a sentence the masked-word head is computed for; where one has more, all of them are.
const fewWords = 8

// sample is what the parts of a step are from.
type sample struct {
	corpus   *dataset.Corpus
	examples []*dataset.Masked // of a part's rows
}

// batches prepares the steps of an epoch ahead.
func (p *pretraining) batches(ctx context.Context, epoch, from int) train.Batches {
	o, s := p.opt, p.phases[epoch]
	order := s.order(o)
	return dataset.NewLoader(ctx, s.steps-from, o.loadingWorkers(), func(ctx context.Context, i int) ([]train.Part, error) {
		index := order[(from+i)*o.BatchSize : (from+i+1)*o.BatchSize]
		return p.step(ctx, s.set, index, epoch, max(1, o.Accumulate))
	})
}

// counts are the numbers that the losses of a step are divided by.
type counts struct{ words, regions, answers int }

// step masks some sentences and makes parts of them.
func (p *pretraining) step(ctx context.Context, c *dataset.Corpus, index []int, epoch, parts int) ([]train.Part, error) {
	o := &p.opt.Pretraining
	masking := dataset.Masking{Words: o.WordMaskRate, Regions: o.ObjMaskRate, Swap: o.Matched, From: p.corpus}
	if !o.MaskLM {
		masking.Words = 0
	}
	if !o.Objects {
		masking.Regions = 0
	}
	var examples []*dataset.Masked
	var n counts
	for _, i := range index {
		e, err := c.Mask(ctx, dataset.ExampleDraws(p.opt.Seed, epoch, i), p.tok, p.length(p.cfg), i, masking)
		if err != nil {
			return nil, err
		}
		n.words += masked(e.Words)
		n.regions += e.Regions.N
		if e.Answer >= 0 {
			n.answers++
		}
		examples = append(examples, e)
	}
	var out []train.Part
	for k := range parts {
		from, to := k*len(index)/parts, (k+1)*len(index)/parts
		part, err := p.part(examples[from:to], n, parts)
		if err != nil {
			return nil, err
		}
		part.Origin, part.Index = &sample{c, examples[from:to]}, index[from:to]
		out = append(out, part)
	}
	return out, nil
}

// part makes batch and labels of examples. A loss is a mean over the whole step, of which this is one of some parts: weights are
// 1 over the step's numbers, times the parts.
func (p *pretraining) part(examples []*dataset.Masked, n counts, parts int) (train.Part, error) {
	length := p.length(p.cfg)
	b, err := dataset.InputOf(examples, p.cfg.Special.Pad, length)
	if err != nil {
		return train.Part{}, err
	}
	labels := map[string]train.Label{}
	one := func(count int) float32 { return float32(parts) / float32(max(1, count)) }
	WordLabels(labels, wordsOf(examples), length, one(n.words))
	matched, answers, answerWeights := make([]int32, len(examples)), make([]int32, len(examples)), make([]float32, len(examples))
	for i, e := range examples {
		if e.Matched {
			matched[i] = 1
		}
		if answers[i] = e.Answer; e.Answer >= 0 {
			answerWeights[i] = one(n.answers)
		}
	}
	rows := []int{len(examples)}
	labels[lxrt.Matched] = train.Label{Data: matched, Shape: rows}
	labels[lxrt.QALabels], labels[lxrt.QAWeights] = train.Label{Data: answers, Shape: rows}, train.Label{Data: answerWeights, Shape: rows}
	if err := p.regionLabels(labels, examples, b.Feats.Shape, lxrt.VisualLossScale*one(n.regions)); err != nil {
		return train.Part{}, err
	}
	return train.Part{Batch: b, Labels: labels}, nil
}

// wordPlaces is for how many places of each sentence the masked-word head is computed: enough for the masked words of all. Each
// sentence has its words by their places, -1 where none is asked for.
func wordPlaces(sentences [][]int32, length int) int {
	few := min(fewWords, length)
	for _, words := range sentences {
		if masked(words) > few {
			return length
		}
	}
	return few
}

// masked counts the words that are asked for.
func masked(words []int32) (n int) {
	for _, w := range words {
		if w >= 0 {
			n++
		}
	}
	return n
}

// wordsOf are the words that are asked for of examples.
func wordsOf(examples []*dataset.Masked) (sentences [][]int32) {
	for _, e := range examples {
		sentences = append(sentences, e.Words)
	}
	return sentences
}

// WordLabels adds the places of masked words, which pieces were there, and a weight for each. Each sentence, of that many places,
// has its words by their places, -1 where none is asked for. There are as many places as few sentences exceed, or where one does,
// those of all words.
func WordLabels(labels map[string]train.Label, sentences [][]int32, length int, weight float32) {
	places := wordPlaces(sentences, length)
	shape := []int{len(sentences), places}
	at, words, weights := make([]int32, len(sentences)*places), make([]int32, len(sentences)*places), make([]float32, len(sentences)*places)
	for i := range words {
		words[i] = -1
	}
	for i, sentence := range sentences {
		k := i * places
		for place, w := range sentence {
			if w >= 0 {
				at[k], words[k], weights[k] = int32(place), w, weight
				k++
			}
		}
	}
	labels[lxrt.MaskedPlaces], labels[lxrt.MaskedWords] = train.Label{Data: at, Shape: shape}, train.Label{Data: words, Shape: shape}
	labels[lxrt.WordWeights] = train.Label{Data: weights, Shape: shape}
}

// regionLabels are what the regions show, as the detector says it, and their features before some were hidden; feats is the
// shape of the batch's, [N,V,F]. Objects and attributes are asked for of all regions, or with MaskedOnly of the masked ones,
// weighted by the detector's confidence.
func (p *pretraining) regionLabels(labels map[string]train.Label, examples []*dataset.Masked, feats []int, weight float32) error {
	v, dim := feats[1], feats[2]
	shape := feats[:2]
	n := len(examples) * v
	o := &p.opt.Pretraining
	for _, head := range []struct {
		loss, labels, weights, field string
		classes                      int
		of                           func(r *region.Regions) ([]int32, []float32)
	}{
		{"obj", lxrt.ObjectLabels, lxrt.ObjectWeights, "num_object_labels", p.cfg.Objects, func(r *region.Regions) ([]int32, []float32) { return r.ObjectIDs, r.ObjectConf }},
		{"attr", lxrt.AttrLabels, lxrt.AttrWeights, "num_attr_labels", p.cfg.Attributes, func(r *region.Regions) ([]int32, []float32) { return r.AttrIDs, r.AttrConf }},
	} {
		if !o.visual(head.loss) {
			continue
		}
		ids, weights := make([]int32, n), make([]float32, n)
		for i, e := range examples {
			of, conf := head.of(e.Regions)
			for k := range v {
				at := i*v + k
				ids[at] = -1
				if k >= len(of) || k >= len(conf) {
					continue
				}
				if int(of[k]) >= head.classes {
					return fmt.Errorf("task: image %s of %s has the class %d, the %s head has %d; %s in --config says how many there are", e.Regions.ID, e.Regions.Source, of[k], head.loss, head.classes, head.field)
				}
				if ids[at] = of[k]; e.Asked[k] || !o.MaskedOnly {
					weights[at] = weight * conf[k]
				}
			}
		}
		labels[head.labels], labels[head.weights] = train.Label{Data: ids, Shape: shape}, train.Label{Data: weights, Shape: shape}
	}
	if !o.visual("feat") {
		return nil
	}
	targets, weights := make([]float32, n*dim), make([]float32, n)
	for i, e := range examples {
		copy(targets[i*v*dim:], e.Features)
		for k, asked := range e.Asked {
			if asked {
				weights[i*v+k] = weight
			}
		}
	}
	labels[lxrt.FeatTargets], labels[lxrt.FeatWeights] = train.Label{Data: targets, Shape: feats}, train.Label{Data: weights, Shape: shape}
	return nil
}

// names are the reference's names of a part's sentences.
func (p *pretraining) names(part train.Part) (names []string) {
	for _, i := range part.Index {
		names = append(names, part.Origin.(*sample).corpus.UID(i))
	}
	return names
}
