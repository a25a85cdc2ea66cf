// Package program compiles GoMLX graphs whose parameters have names: weights, which stay on the devices, and inputs,
// which come with each run. A program may run on several devices of one host, with some inputs split between them.
//
// It stands between GoMLX's graphs and device buffers because GoMLX's own executor keeps weights in variables of its
// own, compiles anew by the shapes of positional arguments, and donates buffers, so that a step that fails takes the
// weights with it.
package program

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/distributed"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert/internal/compileoption"
	"github.com/seed-516990b0/golxmert/lxmert/internal/devicememory"
	"github.com/seed-516990b0/golxmert/lxmert/internal/speedup"
	"github.com/seed-516990b0/golxmert/lxmert/internal/xlabuilder"
)

// Program is a graph that is, or can be, compiled.
type Program struct {
	Slots   []Slot         // its parameters, in the order of buffers
	Outputs []shapes.Shape // of what it returns
	Devices int            // that it runs on, at least 1

	graph   *graph.Graph
	nodes   []*graph.Node
	mesh    *distributed.DeviceMesh
	options []compileoption.Option
	donated []bool // of all devices' buffers, as Execute takes them
}

// Slot is one parameter of a program: a weight or an input.
type Slot struct {
	Weight string       // its name; empty for an input
	Input  Input        // nil for a weight
	Shape  shapes.Shape // over all devices
	Split  bool         // each device has an equal part of the first axis; otherwise all of it
}

// Input says which of the arrays that come with each run a slot takes. Whoever builds a graph has comparable types of its
// own for that, and by them finds the data again when the program runs. String is for messages.
type Input interface{ String() string }

// Options say what graphs are made for.
type Options struct {
	Name        string
	WeightType  dtypes.DType
	WeightShape func(name string) []int // nil where there is no such weight
	Devices     int                     // 0 is 1
	// TF32 has a GPU multiply float32 numbers by TensorFloat-32, with 10 of their 23 mantissa bits.
	TF32 bool
	// Deterministic makes the program compute the same bits each time, on a GPU too.
	Deterministic bool
	// Alias gives an output of a program of one device the memory of one of its inputs or weights, whose buffers are the program's
	// from then on, whether it succeeds or not; false: it stays the caller's. nil: all do.
	Alias func(s Slot) (output int, ok bool)
}

// Builder collects the parameters of a graph under construction, each created when it is first asked for.
type Builder struct {
	Graph *graph.Graph

	opt     Options
	mesh    *distributed.DeviceMesh
	slots   []Slot
	weights map[string]*graph.Node
	inputs  map[Input]*graph.Node
}

// Weight is a parameter that stays on the devices.
func (b *Builder) Weight(name string) *graph.Node {
	if x, ok := b.weights[name]; ok {
		return x
	}
	dims := b.opt.WeightShape(name)
	if dims == nil {
		panic(fmt.Errorf("the model has no parameter %q", name))
	}
	x := b.parameter(Slot{Weight: name, Shape: shapes.Make(b.opt.WeightType, dims...)})
	b.weights[name] = x
	return x
}

// Weights lists the weights that the graph has so far.
func (b *Builder) Weights() (names []string, nodes []*graph.Node) {
	slots, all := b.Parameters()
	for i, s := range slots {
		if s.Input == nil {
			names, nodes = append(names, s.Weight), append(nodes, all[i])
		}
	}
	return names, nodes
}

// Parameters lists the weights and inputs that the graph has so far, in the order in which they were asked for.
func (b *Builder) Parameters() (slots []Slot, nodes []*graph.Node) {
	for _, s := range b.slots {
		if s.Input == nil {
			nodes = append(nodes, b.weights[s.Weight])
		} else {
			nodes = append(nodes, b.inputs[s.Input])
		}
	}
	return slices.Clone(b.slots), nodes
}

// Input is a number or array given with each run, the same on all devices.
func (b *Builder) Input(in Input, dtype dtypes.DType, dims ...int) *graph.Node {
	return b.input(Slot{Input: in, Shape: shapes.Make(dtype, dims...)})
}

// SplitInput is an array given with each run, of which each device has an equal part of the first axis.
func (b *Builder) SplitInput(in Input, dtype dtypes.DType, dims ...int) *graph.Node {
	return b.input(Slot{Input: in, Shape: shapes.Make(dtype, dims...), Split: b.mesh != nil})
}

func (b *Builder) input(s Slot) *graph.Node {
	if x, ok := b.inputs[s.Input]; ok {
		return x
	}
	x := b.parameter(s)
	b.inputs[s.Input] = x
	return x
}

// parameter adds a slot to the graph.
func (b *Builder) parameter(s Slot) *graph.Node {
	var spec *distributed.ShardingSpec
	if s.Split {
		var err error
		if spec, err = distributed.BuildSpec(b.mesh).S(meshAxis).Done(); err != nil {
			panic(err)
		}
	} else if b.mesh != nil {
		spec = distributed.NewReplicatedShardingSpec(b.mesh)
	}
	x := graph.ShardedParameter(b.Graph, fmt.Sprintf("p%d", len(b.slots)), s.Shape, spec)
	b.slots = append(b.slots, s)
	return x
}

// meshAxis is the only axis of a program's devices.
const meshAxis = "devices"

// Build builds a program without compiling it. What GoMLX panics with comes back as an error.
func Build(backend compute.Backend, opt Options, define func(b *Builder) []*graph.Node) (p *Program, err error) {
	defer Recover(&err)
	p = &Program{Devices: max(1, opt.Devices)}
	if p.options, err = compileoption.For(backend, opt.Deterministic); err != nil {
		return nil, err
	}
	if opt.TF32 {
		backend = xlabuilder.TF32(backend)
	}
	aliases := map[int]int{}
	if opt.Alias != nil {
		backend = xlabuilder.Aliased(backend, aliases)
	}
	b := &Builder{Graph: graph.NewGraph(backend, opt.Name), opt: opt, weights: map[string]*graph.Node{}, inputs: map[Input]*graph.Node{}}
	if p.Devices > 1 {
		if p.mesh, err = distributed.NewDeviceMesh([]int{p.Devices}, []string{meshAxis}); err != nil {
			return nil, err
		}
		if err := b.Graph.SetAutoSharding(p.mesh); err != nil {
			return nil, err
		}
		b.mesh = p.mesh
	}
	p.nodes = define(b)
	p.graph, p.Slots, p.donated = b.Graph, b.slots, make([]bool, p.Devices*len(b.slots))
	if opt.Alias != nil {
		for i, s := range p.Slots {
			if output, ok := opt.Alias(s); ok {
				aliases[i], p.donated[i] = output, true
			}
		}
	}
	for _, o := range p.nodes {
		p.Outputs = append(p.Outputs, o.Shape())
	}
	return p, nil
}

// Compile makes the program ready to run. On several devices, every device returns all outputs in full.
func (p *Program) Compile() (err error) {
	defer Recover(&err)
	defer speedup.Compiled()
	again, err := compileoption.With(p.options, func() error {
		if p.mesh == nil {
			return p.graph.Compile(p.nodes...)
		}
		specs := make([]*distributed.ShardingSpec, len(p.nodes))
		for i := range specs {
			specs[i] = distributed.NewReplicatedShardingSpec(p.mesh)
		}
		return p.graph.CompileWithSharding(p.nodes, specs)
	})
	if again {
		slog.Warn("XLA did not compile a program with Triton's matrix products; this program has those of cuBLAS", "program", p.graph.Name())
	}
	return err
}

// Memory is what the compiler says that the compiled program takes of each device. ok is false where it does not say.
func (p *Program) Memory() (n devicememory.Need, ok bool) {
	return devicememory.OfProgram(p.graph.Executable())
}

// Execute runs the program on device buffers in the order of its slots, all of the first device, then all of the
// second, and so on; the outputs come in the same way and are the caller's. Inputs stay as they are, but for those that
// [Options].Alias gave away. A program of one device runs on device. A GPU may still be at it when Execute returns: whatever reads an
// output waits for it, and has the error if it failed.
func (p *Program) Execute(inputs []compute.Buffer, device compute.DeviceNum) (out []compute.Buffer, err error) {
	defer Recover(&err)
	return p.graph.Executable().Execute(inputs, p.donated, device)
}

// Run executes a program of one device and copies its outputs to the host: []float32 or []int32, as their types say.
func (p *Program) Run(inputs []compute.Buffer) (results []any, err error) {
	out, err := p.Execute(inputs, 0)
	if err != nil {
		return nil, err
	}
	return p.Results(out)
}

// Results copies the outputs of the first device to the host, []float32 or []int32 as their types say, and frees all
// buffers.
func (p *Program) Results(out []compute.Buffer) (results []any, err error) {
	defer Recover(&err)
	defer func() {
		for _, b := range out {
			if e := b.Finalize(); e != nil && err == nil {
				err = e
			}
		}
	}()
	for i, shape := range p.Outputs {
		data, err := Host(out[i], shape)
		if err != nil {
			return nil, fmt.Errorf("output %d: %w", i, err)
		}
		results = append(results, data)
	}
	return results, nil
}

// Host copies a buffer to the host: []float32 or []int32, as its type says.
func Host(b compute.Buffer, shape shapes.Shape) (any, error) {
	switch shape.DType {
	case dtypes.Float32:
		data := make([]float32, shape.Size())
		return data, b.ToFlatData(data)
	case dtypes.Int32:
		data := make([]int32, shape.Size())
		return data, b.ToFlatData(data)
	}
	return nil, fmt.Errorf("it has type %s", shape.DType)
}

// Free releases the compiled code.
func (p *Program) Free() {
	if p.graph != nil {
		p.graph.Finalize()
		p.graph = nil
	}
}

// Recover turns a panic of GoMLX's graph building into an error. What is a bug of ours keeps its stack.
func Recover(err *error) {
	r := recover()
	switch r := r.(type) {
	case nil:
	case error:
		if rt, ok := r.(interface{ RuntimeError() }); ok {
			*err = fmt.Errorf("%v\n%s", rt, debug.Stack())
			return
		}
		*err = r
	default:
		*err = fmt.Errorf("%v", r)
	}
}
