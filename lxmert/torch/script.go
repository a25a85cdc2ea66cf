//go:build gotch

package torch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sugarme/gotch/libtch"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// Script is a TorchScript module, traced or scripted by PyTorch, with its own weights, as an [lxmert.Engine]: it returns whole
// activations that its [Signature] names, and knows neither edits nor gradients. Close it when done.
type Script struct {
	service
	signature *Signature
	cfg       lxmert.Config
	module    libtch.Cmodule // the owner's
}

var _ lxmert.Engine = (*Script)(nil)

// OpenScript opens a module. cfg are the sizes of the model that it stands for. log is told what computes; nil: nobody is.
func OpenScript(path string, cfg lxmert.Config, log io.Writer) (*Script, error) {
	signature, err := ReadSignature(path, cfg)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	s := &Script{signature: signature, cfg: cfg}
	err = call(context.Background(), func() error {
		s.find()
		if s.device < 0 {
			s.module = libtch.AtmLoad(path)
		} else {
			s.module = libtch.AtmLoadOnDevice(path, int32(s.device))
		}
		check()
		libtch.AtmEval(s.module)
		check()
		return nil
	}, func() {})
	if err != nil {
		return nil, fmt.Errorf("%s is no TorchScript module that libtorch 2.1 reads (torch.jit.trace and torch.jit.save make one): %w", path, err)
	}
	s.from = lxmert.Provenance{Weights: filepath.Base(path), Backend: "torchscript:" + s.Device(), DType: "float32", Version: lxrt.Version(), Sizes: cfg.Sizes()}
	if log != nil {
		fmt.Fprintf(log, "backend: %s of %s\n", s.from.Backend, path)
	}
	return s, nil
}

// Config is what [OpenScript] was given.
func (s *Script) Config() lxmert.Config { return s.cfg }

// Close waits for what runs, then frees the module.
func (s *Script) Close() error {
	return s.close(func() error { libtch.AtmFree(s.module); return nil })
}

// Run computes all that the module returns, and gives what a request wants of it. See [lxmert.Engine].
func (s *Script) Run(ctx context.Context, b *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	if len(r.Edits) > 0 || r.Grad != nil || r.NoRegions == lxmert.AttendNothing {
		return nil, errors.New("torch: a TorchScript module gives activations only, neither edits nor gradients; `--engine torch` with the weights has them")
	}
	if b.Pairs != nil {
		return nil, errors.New("torch: a TorchScript module takes a text and an image for each row, not pairs; lxmert.Batch.Part makes such rows")
	}
	return s.run(ctx, s.cfg, b, r, func(a *arena, p *lxrt.Plan) [][]float32 {
		for _, read := range p.Reads {
			if read.Positions != nil || !slices.Contains(s.signature.Outputs, read.Activation.Name) {
				fail("the module returns no %s (its outputs are %s), and activations only whole", read.Activation.Name, strings.Join(s.signature.Outputs, ", "))
			}
		}
		return s.compute(a, b, p)
	})
}

// compute runs the module and gives what [lxrt.Plan.Trace] takes.
func (s *Script) compute(a *arena, b *lxmert.Batch, p *lxrt.Plan) (results [][]float32) {
	libtch.AtGradSetEnabled(0)
	check()
	given := make([]libtch.Civalue, 0, len(s.signature.Inputs))
	defer func() {
		for _, v := range given {
			libtch.AtiFree(v)
		}
	}()
	for _, name := range s.signature.Inputs {
		v := libtch.AtiTensor(s.input(a, name, b, p.Inputs))
		check()
		given = append(given, v)
	}
	out := libtch.AtmForward_(s.module, &given[0], len(given))
	if message := lastError(); message != "" {
		fail("the module does not run on these inputs (%s): %s", strings.Join(s.signature.Inputs, ", "), message)
	}
	tensors := a.tensors(out, 0)
	if len(tensors) != len(s.signature.Outputs) {
		fail("the module returns %d tensors, its signature names %d outputs", len(tensors), len(s.signature.Outputs))
	}
	for _, read := range p.Reads {
		name := read.Activation.Name
		x := tensors[slices.Index(s.signature.Outputs, name)]
		if got, want := shapeOf(x), p.Shape(read.Activation); !slices.Equal(got, want) {
			fail("the module's %s is %v, should be %v: does its signature name outputs in their order?", name, got, want)
		}
		results = append(results, a.host(a.op(func(y *tensor) { libtch.AtgToDtype(y, x, kindFloat32, 0, 0) })))
	}
	return results
}

// input is an argument of the module.
func (s *Script) input(a *arena, name string, b *lxmert.Batch, in lxrt.PlanInputs) tensor {
	switch name {
	case "input_ids":
		return a.ints(in.IDs, in.Texts, in.Words)
	case "segment_ids":
		return a.ints(in.Segments, in.Texts, in.Words)
	case "input_mask":
		return s.mask(a, in.TextMask, in.Texts, in.Words)
	case "visual_mask":
		return s.mask(a, in.RegionMask, in.Images, in.Regions)
	case "feats":
		return a.floats(b.Feats.Data, b.Feats.Shape...)
	default: // as the signature was checked
		return a.floats(b.Boxes.Data, b.Boxes.Shape...)
	}
}

// mask makes 1 and 0 of what is added to scores.
func (s *Script) mask(a *arena, added []float32, shape ...int) tensor {
	ones := make([]float32, len(added))
	whole := make([]int32, len(added))
	for i, x := range added {
		ones[i] = max(0, 1-x/lxrt.Masked)
		whole[i] = int32(ones[i])
	}
	if s.signature.MaskType == maskFloat32 {
		return a.floats(ones, shape...)
	}
	return a.ints(whole, shape...)
}

// libtorch's numbers for kinds of values.
const (
	valueNone       = 0
	valueTensor     = 1
	valueTuple      = 5
	valueTensorList = 10
	valueList       = 12
	valueDict       = 13
)

// deepest bounds how far values may be nested.
const deepest = 16

// tensors are those in a value, in order. It frees the value.
func (a *arena) tensors(v libtch.Civalue, depth int) (all []tensor) {
	defer libtch.AtiFree(v)
	kind := libtch.AtiTag(v)
	check()
	if depth > deepest {
		fail("the module returns values nested more than %d deep", deepest)
	}
	switch kind {
	case valueNone:
		return nil
	case valueTensor:
		return []tensor{a.op(func(out *tensor) { *out = libtch.AtiToTensor(v) })}
	case valueTuple, valueTensorList, valueList, valueDict:
	default:
		fail("the module returns something that is neither a tensor nor a tuple, a list or a dictionary of them")
	}
	n := int(libtch.AtiLength(v))
	check()
	if n == 0 {
		return nil
	}
	if kind == valueTensorList {
		all = make([]tensor, n)
		libtch.AtiToTensorList(v, &all[0], n)
		check()
		a.own(all...)
		return all
	}
	each, step := make([]libtch.Civalue, 2*n), 1
	switch kind {
	case valueTuple:
		libtch.AtiToTuple(v, &each[0], n)
	case valueList:
		libtch.AtiToGenericList(v, &each[0], n)
	case valueDict: // a key before each value
		libtch.AtiToGenericDict(v, &each[0], n)
		step = 2
	}
	check()
	for i := range n * step {
		if step == 2 && i%2 == 0 {
			libtch.AtiFree(each[i])
			continue
		}
		all = append(all, a.tensors(each[i], depth+1)...)
	}
	return all
}
