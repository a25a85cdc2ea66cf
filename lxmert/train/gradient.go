package train

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/internal/program"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// Objective builds what is minimised: a float32 scalar, the mean over the rows of the batch, and what else a step should
// return, float32 or int32. label makes an input of one of the part's labels.
type Objective func(net *lxrt.Net, label func(name string) *Node) (loss *Node, outputs []*Node)

// Part is a batch with its labels. All parts of a step have the same number of rows.
type Part struct {
	Batch  *lxmert.Batch
	Labels map[string]Label
	// For whoever scores the outputs: what the examples are from, and their numbers there.
	Origin any
	Index  []int
}

// Label is an array that an objective reads.
type Label struct {
	Data  any // []float32 or []int32
	Shape []int
}

func (l Label) dtype() (dtypes.DType, error) {
	size := 0
	dtype := dtypes.Float32
	switch data := l.Data.(type) {
	case []float32:
		size = len(data)
	case []int32:
		size, dtype = len(data), dtypes.Int32
	default:
		return 0, fmt.Errorf("labels must be []float32 or []int32, not %T", l.Data)
	}
	if size != lxmert.Size(l.Shape) {
		return 0, fmt.Errorf("%d labels for the shape %v", size, l.Shape)
	}
	return dtype, nil
}

// gradientProgram computes loss, outputs and the gradients of all parameters that the loss depends on and that are not frozen.
type gradientProgram struct {
	*program.Program
	params  []string // whose gradients come last, in this order
	outputs int
	packed  map[string]*packed // on a GPU, how its inputs get there, by what labels need
}

// gradient returns the program for parts like this one, compiling it if there is none; more: it adds to the gradients of
// earlier parts.
func (t *Trainer) gradient(fed *lxrt.Fed, part Part, more bool) (*gradientProgram, error) {
	key := t.gradientKey(fed, part, more)
	if p := t.gradients[key]; p != nil {
		return p, nil
	}
	g := &gradientProgram{packed: map[string]*packed{}}
	p, err := t.compile(program.Options{
		Name: "lxrt training", WeightType: dtypes.Float32, WeightShape: t.vars.shapeOf, Devices: t.opt.Devices,
	}, func(b *program.Builder) []*Node { return t.defineGradient(b, g, fed, part, more) })
	if err != nil {
		return nil, fmt.Errorf("train: compiling the step: %w", err)
	}
	g.Program = p
	t.gradients[key] = g
	return g, nil
}

func (t *Trainer) gradientKey(fed *lxrt.Fed, part Part, more bool) string {
	var key strings.Builder
	fmt.Fprintf(&key, "%s more=%v", fed.Key, more)
	for _, name := range sortedNames(part.Labels) {
		l := part.Labels[name]
		fmt.Fprintf(&key, " %q %T %v", name, l.Data, l.Shape)
	}
	return key.String()
}

func sortedNames(labels map[string]Label) []string {
	var names []string
	for name := range labels {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// defineGradient returns [loss, sum of the squares of all gradients, outputs..., gradients...].
func (t *Trainer) defineGradient(b *program.Builder, g *gradientProgram, fed *lxrt.Fed, part Part, more bool) []*Node {
	loss, outputs := t.defineLoss(b, fed, part, true)
	g.outputs = len(outputs)
	var nodes []*Node
	names, all := b.Weights()
	for i, name := range names {
		if !t.vars.byName[name].frozen {
			g.params, nodes = append(g.params, name), append(nodes, all[i])
		}
	}
	if nodes == nil {
		panic(errors.New("all parameters that the loss depends on are frozen, so there is nothing to train"))
	}
	grads := Gradient(loss, nodes...)
	squares := squares{onGPU: t.kind == backend.KindCUDA}
	for i, name := range g.params {
		if more {
			grads[i] = Add(grads[i], b.Input(sumInput{name}, dtypes.Float32, t.vars.shapeOf(name)...))
		}
		squares.add(grads[i])
	}
	return slices.Concat([]*Node{loss, squares.total()}, outputs, grads)
}

// defineLoss returns what the objective makes of a part; the loss is the part's share of the step's.
func (t *Trainer) defineLoss(b *program.Builder, fed *lxrt.Fed, part Part, dropout bool) (loss *Node, outputs []*Node) {
	opt := lxrt.NetOptions{PooledOnly: t.opt.PooledOnly, Rematerialize: t.opt.Rematerialize, BFloat16: t.opt.BFloat16}
	if t.adapters != nil {
		opt.LoRA = &t.adapters.LoRA
	}
	if dropout && (t.opt.HiddenDropout > 0 || t.opt.AttentionDropout > 0 || t.opt.LoRA.Dropout > 0) {
		opt.Dropout = &lxrt.Dropout{
			Hidden: t.opt.HiddenDropout, Attention: t.opt.AttentionDropout, Adapter: t.opt.LoRA.Dropout,
			Keys: func(place string, rows int) *Node { return b.SplitInput(keysInput{place}, dtypes.Uint32, rows, 2) },
		}
	}
	net := lxrt.NewNet(t.cfg, fed.Inputs(b.SplitInput), b.Weight, opt)
	loss, outputs = t.objective(net, func(name string) *Node {
		l, ok := part.Labels[name]
		if !ok {
			panic(fmt.Errorf("the part has no labels %q", name))
		}
		dtype, err := l.dtype()
		if err != nil {
			panic(fmt.Errorf("%s: %w", name, err))
		}
		return b.SplitInput(labelInput{name}, dtype, l.Shape...)
	})
	for i, o := range outputs {
		if o.DType() == dtypes.BFloat16 {
			outputs[i] = ConvertDType(o, dtypes.Float32)
		}
	}
	return Mul(loss, b.Input(shareInput{}, dtypes.Float32)), outputs
}

// runGradient executes the program. The gradients stay on the devices, [parameter][device], and are the caller's.
func (t *Trainer) runGradient(ctx context.Context, g *gradientProgram, in *stepInputs) (loss, squares float32, outputs []any, grads [][]compute.Buffer, err error) {
	defer program.Recover(&err)
	if err := ctx.Err(); err != nil {
		return 0, 0, nil, nil, err
	}
	defer in.free()
	all, err := in.buffers(g)
	if err != nil {
		return 0, 0, nil, nil, err
	}
	out, err := g.Execute(all, 0)
	if err != nil {
		return 0, 0, nil, nil, fmt.Errorf("train: running the step: %w", err)
	}
	first := 2 + g.outputs
	per := len(g.Outputs)
	grads = make([][]compute.Buffer, len(g.params))
	for i := range g.params {
		for d := range g.Devices {
			grads[i] = append(grads[i], out[d*per+first+i])
		}
	}
	var values []any
	for i := range first {
		x, e := program.Host(out[i], g.Outputs[i])
		values = append(values, x)
		for d := range g.Devices {
			if e2 := out[d*per+i].Finalize(); e == nil {
				e = e2
			}
		}
		if err == nil {
			err = e
		}
	}
	if err != nil {
		for _, g := range grads {
			freeAll(g)
		}
		return 0, 0, nil, nil, fmt.Errorf("train: running the step: %w", err)
	}
	return values[0].([]float32)[0], values[1].([]float32)[0], values[2:], grads, nil
}
