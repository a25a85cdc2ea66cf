package lxrt

import (
	"fmt"
	"runtime/debug"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// program is a compiled graph. Its parameters are either weights, which stay on the device, or inputs of one run.
type program struct {
	graph   *graph.Graph
	slots   []slot
	outputs []shapes.Shape
}

// slot is one parameter of a program.
type slot struct {
	name   string
	weight bool
	shape  shapes.Shape
}

// builder collects the parameters of a graph under construction, each created when it is first asked for.
type builder struct {
	graph *graph.Graph
	dtype dtypes.DType // of weights
	shape func(weight string) []int
	slots []slot
	nodes map[string]*graph.Node
}

// weight is a parameter of the model, a linear layer's as [in,out].
func (b *builder) weight(name string) *graph.Node {
	dims := b.shape(name)
	if dims == nil {
		panic(fmt.Errorf("lxrt: the model has no parameter %q", name))
	}
	return b.parameter(slot{name: name, weight: true, shape: shapes.Make(b.dtype, dims...)})
}

// input is a number or array given with each run.
func (b *builder) input(name string, dtype dtypes.DType, dims ...int) *graph.Node {
	return b.parameter(slot{name: name, shape: shapes.Make(dtype, dims...)})
}

func (b *builder) parameter(s slot) *graph.Node {
	key := s.name
	if s.weight {
		key = "weight " + key
	}
	if x, ok := b.nodes[key]; ok {
		return x
	}
	x := graph.Parameter(b.graph, fmt.Sprintf("p%d", len(b.slots)), s.shape)
	b.slots = append(b.slots, s)
	b.nodes[key] = x
	return x
}

// buildGraph builds without compiling. What GoMLX panics with comes back as an error.
func buildGraph(backend compute.Backend, name string, dtype dtypes.DType, shape func(weight string) []int,
	define func(b *builder) []*graph.Node) (p *program, compile func() error, err error) {
	defer recoverTo(&err)
	b := &builder{graph: graph.NewGraph(backend, name), dtype: dtype, shape: shape, nodes: map[string]*graph.Node{}}
	outputs := define(b)
	p = &program{graph: b.graph, slots: b.slots}
	for _, o := range outputs {
		p.outputs = append(p.outputs, o.Shape())
	}
	return p, func() (err error) {
		defer recoverTo(&err)
		return b.graph.Compile(outputs...)
	}, nil
}

// run executes the program on device buffers, in the order of its slots, and copies the results to the host: []float32
// or []int32, as the outputs' types say.
func (p *program) run(inputs []compute.Buffer) (results []any, err error) {
	defer recoverTo(&err)
	out, err := p.graph.Executable().Execute(inputs, make([]bool, len(inputs)), 0)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, b := range out {
			if e := b.Finalize(); e != nil && err == nil {
				err = e
			}
		}
	}()
	for i, b := range out {
		n := p.outputs[i].Size()
		switch p.outputs[i].DType {
		case dtypes.Float32:
			data := make([]float32, n)
			err = b.ToFlatData(data)
			results = append(results, data)
		case dtypes.Int32:
			data := make([]int32, n)
			err = b.ToFlatData(data)
			results = append(results, data)
		default:
			err = fmt.Errorf("output %d has type %s", i, p.outputs[i].DType)
		}
		if err != nil {
			return nil, err
		}
	}
	return results, nil
}

// free releases the compiled code.
func (p *program) free() {
	if p.graph != nil {
		p.graph.Finalize()
		p.graph = nil
	}
}

// recoverTo turns a panic of GoMLX's graph building into an error. What is a bug of ours keeps its stack.
func recoverTo(err *error) {
	r := recover()
	switch r := r.(type) {
	case nil:
	case error:
		if rt, ok := r.(interface{ RuntimeError() }); ok {
			*err = fmt.Errorf("lxrt: %v\n%s", rt, debug.Stack())
			return
		}
		*err = r
	default:
		*err = fmt.Errorf("lxrt: %v", r)
	}
}
