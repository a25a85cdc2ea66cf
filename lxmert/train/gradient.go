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
	// Pictures are the batch's images by their numbers among those of [Trainer.Keep]; the batch then has no regions. Nil: it has them.
	Pictures []int32
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
	place   map[string]int     // of a parameter's gradient among all that it returns
	packed  map[string]*packed // on a GPU, how its inputs get there, by what labels need
}

// gradient returns the program for parts like this one, compiling it if there is none; more: it adds to the gradients of
// earlier parts.
func (t *Trainer) gradient(fed *lxrt.Fed, part Part, more bool) (*gradientProgram, error) {
	key := t.gradientKey(fed, part, more)
	if p := t.gradients[key]; p != nil {
		return p, nil
	}
	g := &gradientProgram{}
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

// The outputs of a gradient program begin with these scalars, after which come the objective's outputs and the gradients.
const (
	lossOutput    = iota // of the part, as its share of the step's
	totalOutput          // of the step's parts so far
	squaresOutput        // sum of the squares of all gradients so far
	scalarOutputs
)

// defineGradient returns the scalars, the objective's outputs, and the gradients.
func (t *Trainer) defineGradient(b *program.Builder, g *gradientProgram, fed *lxrt.Fed, part Part, more bool) []*Node {
	loss, outputs := t.defineLoss(b, fed, part, true)
	g.outputs = len(outputs)
	grads := t.defineGradients(b, g, loss)
	squares := squares{onGPU: t.kind == backend.KindCUDA}
	for i, name := range g.params {
		if more {
			grads[i] = Add(grads[i], b.Input(sumInput{name}, dtypes.Float32, t.vars.shapeOf(name)...))
		}
		squares.add(grads[i])
	}
	total := loss
	if more {
		total = Add(b.Input(totalInput{}, dtypes.Float32), loss)
	}
	return slices.Concat([]*Node{loss, total, squares.total()}, outputs, grads)
}

// defineGradients returns the gradients of the parameters, whose places it writes down. One that is read as it is and in bfloat16 has two,
// which are added up.
func (t *Trainer) defineGradients(b *program.Builder, g *gradientProgram, loss *Node) []*Node {
	var nodes []*Node
	var of []int // the parameter's number among g.params
	slots, all := b.Parameters()
	for i, s := range slots {
		name := s.Weight
		switch in := s.Input.(type) {
		case nil:
		case halfInput:
			name = in.param
		default:
			continue
		}
		if t.vars.byName[name].frozen {
			continue
		}
		at := slices.Index(g.params, name)
		if at < 0 {
			at = len(g.params)
			g.params = append(g.params, name)
		}
		nodes, of = append(nodes, all[i]), append(of, at)
	}
	if nodes == nil {
		panic(errors.New("all parameters that the loss depends on are frozen, so there is nothing to train"))
	}
	g.place = map[string]int{}
	for i, name := range g.params {
		g.place[name] = scalarOutputs + g.outputs + i
	}
	grads := make([]*Node, len(g.params))
	for i, x := range Gradient(loss, nodes...) {
		if x = ConvertDType(x, dtypes.Float32); grads[of[i]] != nil {
			x = Add(grads[of[i]], x)
		}
		grads[of[i]] = x
	}
	return grads
}

// defineLoss returns what the objective makes of a part; the loss is the part's share of the step's.
func (t *Trainer) defineLoss(b *program.Builder, fed *lxrt.Fed, part Part, dropout bool) (loss *Node, outputs []*Node) {
	opt := lxrt.NetOptions{PooledOnly: t.opt.PooledOnly, Rematerialize: t.opt.Rematerialize, BFloat16: t.opt.BFloat16, Half: t.half(b)}
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

// started is a gradient program that was given to the devices. What it returns may still be in the making.
type started struct {
	*gradientProgram
	out []compute.Buffer // all of the first device, then all of the second, and so on; nil where a buffer was freed
}

// start gives the program its inputs and runs it. What comes back is to be freed.
func (t *Trainer) start(ctx context.Context, g *gradientProgram, in *stepInputs) (s *started, err error) {
	defer program.Recover(&err)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	defer in.free()
	if err := t.startHalves(g); err != nil {
		return nil, err
	}
	all, err := in.buffers(g)
	if err != nil {
		return nil, err
	}
	out, err := g.Execute(all, 0)
	if err != nil {
		return nil, fmt.Errorf("train: running the step: %w", err)
	}
	return &started{g, out}, nil
}

// on is an output on a device.
func (s *started) on(device, output int) compute.Buffer { return s.out[device*len(s.Outputs)+output] }

// gradient is that of a parameter on a device.
func (s *started) gradient(device int, param string) compute.Buffer {
	return s.on(device, s.place[param])
}

// read waits for the scalars and the objective's outputs.
func (s *started) read() (scalars [scalarOutputs]float32, outputs []any, err error) {
	defer program.Recover(&err)
	for i := range scalarOutputs + s.outputs {
		x, err := program.Host(s.out[i], s.Outputs[i])
		if err != nil {
			return scalars, nil, fmt.Errorf("train: running the step: %w", err)
		}
		if i < scalarOutputs {
			scalars[i] = x.([]float32)[0]
		} else {
			outputs = append(outputs, x)
		}
	}
	return scalars, outputs, nil
}

// freeGradient frees a gradient that was used. It may run for several devices at once.
func (s *started) freeGradient(device int, param string) error {
	at := device*len(s.Outputs) + s.place[param]
	err := s.out[at].Finalize()
	s.out[at] = nil
	return err
}

// freeGradients frees the gradients, which are most of the outputs' memory.
func (s *started) freeGradients() error { return s.freeFrom(scalarOutputs + s.outputs) }

func (s *started) free() error { return s.freeFrom(0) }

// freeFrom frees the outputs from one on that are not freed yet, on every device.
func (s *started) freeFrom(first int) (err error) {
	for i, b := range s.out {
		if b != nil && i%len(s.Outputs) >= first {
			err = errors.Join(err, b.Finalize())
			s.out[i] = nil
		}
	}
	return err
}
