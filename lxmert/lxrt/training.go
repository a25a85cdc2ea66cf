package lxrt

import (
	"errors"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/internal/program"
)

// This file is what a trainer needs besides [NewNet] and the losses: batches as inputs of a graph of its own, the form
// that parameters have on the device, and a model over parameters that change.

// Fed is a batch as the inputs of a graph. Two batches with the same Key fit one compiled graph.
type Fed struct {
	Key string

	plan *plan
}

// Feed checks a batch and prepares it, padded to nothing but its own longest text and most regions.
func Feed(cfg lxmert.Config, b *lxmert.Batch) (*Fed, error) {
	if err := b.Check(cfg); err != nil {
		return nil, err
	}
	p := newBatchPlan(cfg, b, exact(sizesOf(b, cfg)), lxmert.UniformShift)
	return &Fed{Key: p.key(), plan: p}, nil
}

// FeedTexts is [Feed] for a batch that has no regions, V being 0: its images have so many each, all of them there, which whoever runs the
// graph has elsewhere. [Fed.Data] has nothing for the inputs that [IsFeats] and [IsBoxes] tell.
func FeedTexts(cfg lxmert.Config, b *lxmert.Batch, regions int) (*Fed, error) {
	if err := b.Check(cfg); err != nil {
		return nil, err
	}
	if v := b.V(); v != 0 || regions < 1 {
		return nil, fmt.Errorf("lxrt: a batch with %d regions for each image is to have %d from elsewhere", v, regions)
	}
	s := sizesOf(b, cfg)
	s.regions = [2]int{regions, regions}
	p := newBatchPlan(cfg, b, exact(s), lxmert.UniformShift)
	return &Fed{Key: p.key(), plan: p}, nil
}

// IsFeats and IsBoxes say whether an input is a batch's Feats, [Ni,V,F], or its Boxes, [Ni,V,4].
func IsFeats(in program.Input) bool { return in == featsInput }
func IsBoxes(in program.Input) bool { return in == boxesInput }

// Inputs are the batch's nodes in a graph under construction; node makes one of them.
func (f *Fed) Inputs(node func(in program.Input, dtype dtypes.DType, dims ...int) *Node) Inputs {
	return f.plan.inputs(node)
}

// Data is what the batch feeds to an input that [Fed.Inputs] made: []float32 or []int32, flat. It is nil for other inputs.
func (f *Fed) Data(in program.Input) any { return f.plan.feed(in) }

// DeviceShape is the shape that a parameter has on the device, and whether that is the transpose of the file's: matrices
// of linear layers are [in,out] there.
func DeviceShape(p lxmert.Param) (shape []int, transposed bool) {
	if isLinear(p.Name, p.Shape) {
		return []int{p.Shape[1], p.Shape[0]}, true
	}
	return p.Shape, false
}

// Live is a model over parameters that somebody else keeps and changes, float32 in the form of [DeviceShape]. buffer is
// asked for them in every run, and they must stay as they are until it returns. Traces of it name no weights.
func Live(backend compute.Backend, cfg lxmert.Config, opt Options, buffer func(name string) (compute.Buffer, error)) (*Model, error) {
	if opt.BFloat16 {
		return nil, errors.New("lxrt: a live model has its parameters in float32")
	}
	shapes := map[string][]int{}
	for _, p := range cfg.Params() {
		shapes[p.Name] = p.Shape
	}
	m, err := New(backend, cfg, live{shapes}, opt)
	if err != nil {
		return nil, err
	}
	m.weights.live = buffer
	return m, nil
}

// live is the source of a model whose parameters come as buffers.
type live struct{ shapes map[string][]int }

func (l live) Shape(name string) []int { return l.shapes[name] }

func (live) Read(name string, _ []float32, _ bool) error {
	return errors.New("a live model reads no weights")
}

func (live) Provenance() (file, hash string, err error) { return "", "", nil }
