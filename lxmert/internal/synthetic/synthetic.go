// Package synthetic makes weights and inputs of any size out of nothing: every number is a pure function of a seed, a
// name and an index, the one with which the full-size golden values were made. Tests compare with those; benchmarks give
// the same model to both sides without anybody's published weights.
package synthetic

import (
	"fmt"
	"strings"
	"sync"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/internal/splitmix"
)

// Stream gives the numbers of one name, by index.
type Stream uint64

// NewStream hashes "seed/name" with FNV-1a.
func NewStream(seed int, name string) Stream {
	h := uint64(0xcbf29ce484222325)
	for _, b := range []byte(fmt.Sprintf("%d/%s", seed, name)) {
		h = (h ^ uint64(b)) * 0x100000001b3
	}
	return Stream(h)
}

// Bits are 64 random bits: splitmix64 of the i-th state.
func (s Stream) Bits(i int) uint64 {
	return splitmix.Mix(uint64(s) + uint64(i)*splitmix.Gamma)
}

// Uniform is in [0,1), a multiple of 2^-24.
func (s Stream) Uniform(i int) float32 { return float32(s.Bits(i)>>40) * (1.0 / (1 << 24)) }

// Signed is in [-1,1).
func (s Stream) Signed(i int) float32 { return 2*s.Uniform(i) - 1 }

// Weights are those of a model of the given sizes. They implement lxrt.Source.
type Weights struct {
	Config lxmert.Config
	Seed   int

	once   sync.Once
	shapes map[string][]int
}

// Shape of a parameter, nil where the model has none of that name.
func (w *Weights) Shape(name string) []int {
	w.once.Do(func() {
		w.shapes = map[string][]int{}
		for _, p := range w.Config.Params() {
			w.shapes[p.Name] = p.Shape
		}
	})
	return w.shapes[name]
}

// Read fills dst with a parameter, or with its transpose.
func (w *Weights) Read(name string, dst []float32, transposed bool) error {
	shape := w.Shape(name)
	if shape == nil || lxmert.Size(shape) != len(dst) {
		return fmt.Errorf("synthetic weights: no %s of %d values", name, len(dst))
	}
	s := NewStream(w.Seed, name)
	scale, one := scaleOf(name)
	value := func(i int) float32 { return one + s.Signed(i)*scale }
	if !transposed {
		for i := range dst {
			dst[i] = value(i)
		}
		return nil
	}
	if len(shape) != 2 {
		return fmt.Errorf("synthetic weights: %s of shape %v has no transpose", name, shape)
	}
	rows, cols := shape[0], shape[1]
	for r := range rows {
		for c := range cols {
			dst[c*rows+r] = value(r*cols + c)
		}
	}
	return nil
}

// Provenance names the generator.
func (w *Weights) Provenance() (file, hash string, err error) {
	return fmt.Sprintf("synthetic, seed %d", w.Seed), "", nil
}

// scaleOf gives the spread of a parameter's values and what they are spread around, so that activations stay of the
// size that trained ones have.
func scaleOf(name string) (scale, around float32) {
	norm := strings.Contains(name, "LayerNorm.") || strings.Contains(name, "layer_norm.") ||
		strings.HasSuffix(name, "logit_fc.2.weight") || strings.HasSuffix(name, "logit_fc.2.bias")
	bias := strings.HasSuffix(name, "bias")
	switch {
	case norm && bias:
		return 1.0 / 16, 0
	case norm:
		return 1.0 / 8, 1
	case bias:
		return 1.0 / 32, 0
	case strings.Contains(name, ".query.") || strings.Contains(name, ".key."):
		return 1.0 / 8, 0
	case strings.Contains(name, "att") && strings.HasSuffix(name, ".output.dense.weight"):
		return 1.0 / 64, 0
	}
	return 1.0 / 16, 0
}

// Batch makes a batch of n rows of full length: T words, V regions.
func Batch(c lxmert.Config, seed, n, words, regions int) *lxmert.Batch {
	b := &lxmert.Batch{
		Feats: lxmert.NewTensor(n, regions, c.FeatDim),
		Boxes: lxmert.NewTensor(n, regions, c.BoxDim),
	}
	ids, feats, boxes := NewStream(seed, "input.input_ids"), NewStream(seed, "input.feats"), NewStream(seed, "input.boxes")
	for r := range n {
		row := make([]int32, words)
		for t := range row {
			row[t] = int32(ids.Bits(r*words+t) >> 33 % uint64(c.Vocab))
		}
		b.IDs = append(b.IDs, row)
	}
	for i := range b.Feats.Data {
		b.Feats.Data[i] = max(0, 2*feats.Signed(i))
	}
	for i := range n * regions {
		var a [4]float32
		for j := range a {
			a[j] = boxes.Uniform(4*i+j) * 0.5
		}
		box := b.Boxes.Data[i*c.BoxDim:]
		copy(box[:c.BoxDim], []float32{a[0], a[1], a[0] + a[2], a[1] + a[3]})
	}
	return b
}
