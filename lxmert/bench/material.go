package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/internal/synthetic"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// seed of synthetic weights and inputs.
const seed = 1

// material is what both engines are given.
type material struct {
	weights, forTorch string // files; the second is one that torch.load opens, with canonical names
	mappable          bool   // forTorch can be mapped into memory
	inputs            string
	config            lxmert.Config
	model             Model
}

// purpose is what a model is measured for.
type purpose int

const (
	forAnswers     purpose = iota // forward passes
	forFineTuning                 // without the heads of pre-training
	forPretraining                // with these, and no other
)

// prepare finds or makes the weights, and makes the inputs, in dir, once it is known that there is a backend to measure.
func prepare(ctx context.Context, o Options, dir string, why purpose) (*material, error) {
	if err := backend.Ready(ctx, o.Backend); err != nil {
		return nil, err
	}
	m := &material{mappable: true, inputs: filepath.Join(dir, "inputs.safetensors")}
	if err := m.findWeights(ctx, o, dir, why); err != nil {
		return nil, err
	}
	m.config = why.heads(m.config)
	c := m.config
	if o.Words > c.MaxPositions {
		return nil, fmt.Errorf("%w: --words is %d, the model's longest sentence is %d", ErrOptions, o.Words, c.MaxPositions)
	}
	info, err := os.Stat(m.weights)
	if err != nil {
		return nil, err
	}
	m.model.FileBytes, m.model.Parameters, m.model.Answers = info.Size(), c.NumParams(), max(c.TaskClasses, c.Answers)
	m.model.Words, m.model.Regions, m.model.DType = o.Words, o.Regions, "float32"
	if o.BF16 {
		m.model.DType = "bfloat16"
	}
	m.model.FLOPs = lxmert.FLOPs(c, o.Words, o.Regions, why.outputs()...)
	if why != forAnswers {
		m.model.FLOPs *= 3
	}
	for _, path := range slices.Compact([]string{m.weights, m.forTorch}) {
		if err := readThrough(ctx, path); err != nil {
			return nil, err
		}
	}
	labels := answerItems
	if why == forPretraining {
		labels = pretrainItems
	}
	return m, writeInputs(m.inputs, c, slices.Max(o.Batches), o.Words, o.Regions, labels)
}

// readThrough brings a file into the page cache, so that the first process finds it there as the others do. Of a model in
// several files it is the index only.
func readThrough(ctx context.Context, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for buffer := make([]byte, 1<<20); ctx.Err() == nil; {
		if _, err := f.Read(buffer); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// heads is a model with the heads that are measured.
func (p purpose) heads(c lxmert.Config) lxmert.Config {
	switch p {
	case forFineTuning:
		c.LM, c.Match, c.FeatHead = false, false, false
		c.Objects, c.Attributes, c.Answers = 0, 0, 0
	case forPretraining:
		c.TaskClasses, c.TaskImages = 0, 0
	}
	return c
}

// outputs are what the heads compute.
func (p purpose) outputs() []string {
	if p == forPretraining {
		return []string{"out.mlm", "out.match", "out.obj", "out.attr", "out.feat", "out.qa"}
	}
	return []string{"out.task"}
}

func (m *material) findWeights(ctx context.Context, o Options, dir string, why purpose) error {
	if o.Load == "" {
		fmt.Fprintf(o.Log, "bench: making weights (%d MB)\n", 4*o.Sizes.NumParams()/1e6)
		m.config = o.Sizes
		m.weights = o.Keep
		if m.weights == "" {
			m.weights = filepath.Join(dir, "synthetic.pth")
		}
		m.forTorch = m.weights
		m.model.Weights = fmt.Sprintf("synthetic, seed %d, as %s", seed, filepath.Base(m.weights))
		return writeSynthetic(ctx, m.weights, m.config)
	}
	w, err := weights.OpenModel(o.Load, o.Config)
	if err != nil {
		return err
	}
	defer w.Close()
	if note := w.HeadsNote(); note != "" {
		fmt.Fprintln(o.Log, note)
	}
	m.config, m.weights, m.forTorch = w.Config, w.File.Path, w.File.Path
	m.model.Weights = filepath.Base(w.File.Path)
	switch c := w.Config; {
	case why == forPretraining:
		if !(c.LM && c.Match && c.FeatHead && c.Objects > 0 && c.Attributes > 0 && c.Answers > 0) {
			return fmt.Errorf("%s lacks heads of pre-training, all of which are measured; without --load synthetic weights of the published size are", w.File.Path)
		}
	case w.Config.TaskClasses == 0:
		return fmt.Errorf("%s has no task's head, which is what is measured; without --load synthetic weights of the published size are", w.File.Path)
	case w.Config.TaskImages != 1:
		return fmt.Errorf("%s has the head of a task over %d images; a head over one image (VQA, GQA) can be measured", w.File.Path, w.Config.TaskImages)
	}
	if o.Peer == "" || torchOpens(w.File) {
		m.mappable = w.File.Format == weights.FormatZip
		return nil
	}
	m.forTorch = filepath.Join(dir, "torch.pth")
	return writeForTorch(ctx, m.forTorch, w)
}

// torchOpens reports whether a file is a plain state dict of torch.save under the names that the peer looks for.
func torchOpens(f *weights.File) bool {
	if f.Format != weights.FormatZip && f.Format != weights.FormatLegacy {
		return false
	}
	return !slices.ContainsFunc(f.Names(), func(name string) bool { return name != weights.Canonical(name) })
}

// writeSynthetic writes made-up weights as a float32 .pth.
func writeSynthetic(ctx context.Context, path string, c lxmert.Config) error {
	if err := c.Check(); err != nil {
		return err
	}
	source := &synthetic.Weights{Config: c, Seed: seed}
	var items []weights.Item
	for _, p := range c.Params() {
		items = append(items, weights.Item{Name: p.Name, DType: weights.F32, Shape: p.Shape, Values: func(w io.Writer) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			data := make([]float32, lxmert.Size(p.Shape))
			if err := source.Read(p.Name, data, false); err != nil {
				return err
			}
			return weights.FromFloats(p.Name, p.Shape, data, weights.F32).Values(w)
		}})
	}
	if c.LM {
		at := slices.IndexFunc(items, func(it weights.Item) bool { return it.Name == lxmert.WordEmbeddings })
		items = append(items, weights.TiedDecoder(items[at]))
	}
	return spaceHint(weights.Save(path, c, items, nil))
}

// writeForTorch copies weights of another format or other names.
func writeForTorch(ctx context.Context, path string, m *weights.Model) error {
	var items []weights.Item
	for _, name := range m.Names() {
		t, _ := m.Tensor(name)
		item := weights.FromTensor(name, t, weights.F32)
		values := item.Values
		item.Values = func(w io.Writer) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return values(w)
		}
		items = append(items, item)
	}
	return spaceHint(weights.Save(path, m.Config, items, nil))
}

// spaceHint says what to do about a full disk.
func spaceHint(err error) error {
	if isDiskFull(err) {
		return fmt.Errorf("%w; TMPDIR names another folder for temporary files", err)
	}
	return err
}

// targets is the name of the soft answers in the file of inputs, float32 [rows, answers].
const targets = "target"

// writeInputs writes a batch whose texts are of several lengths, padded, and what is to be learnt of it.
func writeInputs(path string, c lxmert.Config, n, words, regions int, labels func(c lxmert.Config, b *lxmert.Batch) []weights.Item) error {
	b := synthetic.Batch(c, seed, n, words, regions)
	ids, mask := make([]int32, 0, n*words), make([]float32, 0, n*words)
	for row := range n {
		length := max(1, words-row%4)
		for t, id := range b.IDs[row] {
			one := float32(1)
			if t >= length {
				id, one = 0, 0
			}
			ids = append(ids, id)
			mask = append(mask, one)
		}
	}
	items := []weights.Item{
		fromInts("input_ids", []int{n, words}, ids),
		weights.FromFloats("input_mask", []int{n, words}, mask, weights.F32),
		weights.FromFloats("feats", b.Feats.Shape, b.Feats.Data, weights.F32),
		weights.FromFloats("boxes", b.Boxes.Shape, b.Boxes.Data, weights.F32),
	}
	return spaceHint(weights.Write(path, append(items, labels(c, b)...), nil))
}

// fromInts is an item of int32.
func fromInts(name string, shape []int, data []int32) weights.Item {
	return weights.Item{Name: name, DType: weights.I32, Shape: shape, Values: func(w io.Writer) error {
		return binary.Write(w, binary.LittleEndian, data)
	}}
}

// answerItems are answers to learn: one with the score 1 and, unless it is the same, one with 0.3.
func answerItems(c lxmert.Config, b *lxmert.Batch) []weights.Item {
	n := b.Rows()
	right, answers := synthetic.NewStream(seed, "input.target"), make([]float32, n*c.TaskClasses)
	for row := range n {
		answer := func(i int) *float32 {
			return &answers[row*c.TaskClasses+int(right.Bits(2*row+i)%uint64(c.TaskClasses))]
		}
		*answer(1) = 0.3
		*answer(0) = 1
	}
	return []weights.Item{weights.FromFloats(targets, []int{n, c.TaskClasses}, answers, weights.F32)}
}
