package bench

import (
	"errors"
	"fmt"
	"slices"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/internal/synthetic"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/task"
	"github.com/seed-516990b0/golxmert/lxmert/train"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// This file has what the steps of pre-training learn.

// maskRate is the share of word pieces and of regions that is asked for.
const maskRate = 0.15

// The names of what is learnt in the file of inputs, for both engines: int32, -1 for none, and float32.
const (
	maskedWords = "words"          // [N,T]
	matched     = "matched"        // [N]
	objects     = "objects"        // [N,V]
	attributes  = "attributes"     // [N,V]
	confidence  = "confidence"     // [N,V], the detector's
	hidden      = "regions.masked" // [N,V], 1: its features are asked for
	originals   = "features"       // [N,V,F], before some were hidden
	qaAnswers   = "answers"        // [N]
)

// pretrainItems are made up: of each sentence and picture as much is masked as in pre-training, half of the sentences are swapped,
// and half of the others have an answer.
func pretrainItems(c lxmert.Config, b *lxmert.Batch) []weights.Item {
	n, t, v := b.Rows(), b.T(), b.V()
	draw := func(name string) func(i int) uint64 {
		s := synthetic.NewStream(seed, "label."+name)
		return func(i int) uint64 { return s.Bits(i) >> 33 }
	}
	ints := func(name string, shape []int, value func(i int) int) weights.Item {
		data := make([]int32, lxmert.Size(shape))
		for i := range data {
			data[i] = int32(value(i))
		}
		return fromInts(name, shape, data)
	}
	floats := func(name string, shape []int, value func(i int) float32) weights.Item {
		data := make([]float32, lxmert.Size(shape))
		for i := range data {
			data[i] = value(i)
		}
		return weights.FromFloats(name, shape, data, weights.F32)
	}
	share := func(name string) func(i int) float32 { return synthetic.NewStream(seed, "label."+name).Uniform }
	word, asked := draw(maskedWords), share("asked")
	object, attribute, answer := draw(objects), draw(attributes), draw(qaAnswers)
	conf, mask := share(confidence), share(hidden)
	// At least one word of each sentence is asked for, so that each step has some.
	return []weights.Item{
		ints(maskedWords, []int{n, t}, func(i int) int {
			if asked(i) >= maskRate && i%t != 1%t {
				return -1
			}
			return int(word(i) % uint64(c.Vocab))
		}),
		ints(matched, []int{n}, func(i int) int { return i % 2 }),
		ints(objects, []int{n, v}, func(i int) int { return int(object(i) % uint64(c.Objects)) }),
		ints(attributes, []int{n, v}, func(i int) int { return int(attribute(i) % uint64(c.Attributes)) }),
		floats(confidence, []int{n, v}, conf),
		floats(hidden, []int{n, v}, func(i int) float32 {
			if mask(i) < maskRate {
				return 1
			}
			return 0
		}),
		weights.FromFloats(originals, b.Feats.Shape, slices.Clone(b.Feats.Data), weights.F32),
		ints(qaAnswers, []int{n}, func(i int) int {
			if i%4 != 1 {
				return -1
			}
			return int(answer(i) % uint64(c.Answers))
		}),
	}
}

// labelFile reads the first rows of what a file of inputs has to learn. What it cannot read is an error in the end.
type labelFile struct {
	file *weights.File
	rows int
	err  error
}

// floats are the rows of a tensor, of per numbers each.
func (f *labelFile) floats(name string) (values []float32, per int) {
	t, ok := f.file.Tensor(name)
	if !ok {
		f.err = errors.Join(f.err, fmt.Errorf("%s has no %s", f.file.Path, name))
		return nil, 0
	}
	values, err := t.Float32s()
	if err != nil {
		f.err = errors.Join(f.err, err)
		return nil, 0
	}
	per = len(values) / t.Shape[0]
	return values[:f.rows*per], per
}

// ints are labels, all of which float32 can hold.
func (f *labelFile) ints(name string) (values []int32, per int) {
	numbers, per := f.floats(name)
	for _, x := range numbers {
		values = append(values, int32(x))
	}
	return values, per
}

// pretrainLabels are those of the parts of a step with the first rows of a file of inputs.
func pretrainLabels(file *weights.File, rows, parts int) ([]map[string]train.Label, error) {
	f := &labelFile{file: file, rows: rows}
	words, length := f.ints(maskedWords)
	match, _ := f.ints(matched)
	object, regions := f.ints(objects)
	attribute, _ := f.ints(attributes)
	conf, _ := f.floats(confidence)
	mask, _ := f.floats(hidden)
	feats, numbers := f.floats(originals)
	answers, _ := f.ints(qaAnswers)
	if f.err != nil {
		return nil, f.err
	}
	count := func(labels []int32) (n int) {
		for _, l := range labels {
			if l >= 0 {
				n++
			}
		}
		return n
	}
	one := func(n int) float32 { return float32(parts) / float32(max(1, n)) }
	scaled := func(values []float32, by float32) []float32 {
		out := make([]float32, len(values))
		for i, x := range values {
			out[i] = x * by
		}
		return out
	}
	perWord, perAnswer, perRegion := one(count(words)), one(count(answers)), lxrt.VisualLossScale*one(rows*regions)
	var all []map[string]train.Label
	for k := range parts {
		from, to := k*rows/parts, (k+1)*rows/parts
		n := to - from
		byRegion, byRow := []int{n, regions}, []int{n}
		seen := answers[from:to]
		weight := make([]float32, n)
		for i, a := range seen {
			if a >= 0 {
				weight[i] = perAnswer
			}
		}
		b, e, fb, fe := from*regions, to*regions, from*numbers, to*numbers
		labels := map[string]train.Label{
			lxrt.Matched:      {Data: match[from:to], Shape: byRow},
			lxrt.ObjectLabels: {Data: object[b:e], Shape: byRegion}, lxrt.ObjectWeights: {Data: scaled(conf[b:e], perRegion), Shape: byRegion},
			lxrt.AttrLabels: {Data: attribute[b:e], Shape: byRegion}, lxrt.AttrWeights: {Data: scaled(conf[b:e], perRegion), Shape: byRegion},
			lxrt.FeatTargets: {Data: feats[fb:fe], Shape: []int{n, regions, numbers / regions}},
			lxrt.FeatWeights: {Data: scaled(mask[b:e], perRegion), Shape: byRegion},
			lxrt.QALabels:    {Data: seen, Shape: byRow}, lxrt.QAWeights: {Data: weight, Shape: byRow},
		}
		task.WordLabels(labels, rowsOf(words[from*length:to*length], n), length, perWord)
		all = append(all, labels)
	}
	return all, nil
}

// rowsOf cuts values into rows.
func rowsOf(values []int32, n int) (rows [][]int32) {
	per := len(values) / n
	for i := range n {
		rows = append(rows, values[i*per:(i+1)*per])
	}
	return rows
}
