//go:build gotch

package torch

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/sugarme/gotch/libtch"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// Built says that this program has libtorch.
const Built = true

// Engine is LXRT on libtorch, in float32, on the first GPU that libtorch finds, else on the processor. It implements
// [lxmert.Engine]; Run may be called from several goroutines, which take turns. Close it when done.
type Engine struct {
	service
	weights *weights.Model
	params  map[string]tensor // the owner's
	kept    arena             // that of params
}

var _ lxmert.Engine = (*Engine)(nil)

// Open opens the weights that a name stands for, as lxrt.Open does, of whose options those that say how to compute have no
// meaning here.
func Open(name, config string, opt lxrt.Options) (*Engine, error) {
	if opt.BFloat16 {
		return nil, errors.New("torch: libtorch computes in float32 here, --bf16 is for XLA")
	}
	w, err := weights.OpenModel(name, config)
	if err != nil {
		return nil, err
	}
	hash := ""
	if err = lxrt.Accept(w, opt); err == nil {
		hash, err = w.Hash()
	}
	e := &Engine{weights: w, params: map[string]tensor{}}
	if err == nil {
		err = call(context.Background(), func() error { e.find(); return nil }, func() {})
	}
	if err != nil {
		w.Close()
		return nil, err
	}
	e.kept.device, e.kept.held = e.device, &e.held
	backend := "libtorch:" + e.Device()
	if opt.Log != nil {
		fmt.Fprintf(opt.Log, "backend: %s\n", backend)
	}
	e.from = lxmert.Provenance{Weights: filepath.Base(w.File.Path), Hash: hash, Backend: backend, DType: "float32", Version: lxrt.Version(), Sizes: w.Config.Sizes()}
	return e, nil
}

// Config returns the model's sizes.
func (e *Engine) Config() lxmert.Config { return e.weights.Config }

// Close waits for what runs, then frees the weights.
func (e *Engine) Close() error {
	return e.close(func() error { e.kept.free(); return e.weights.Close() })
}

// Run computes what a request wants of a batch. See [lxmert.Engine].
func (e *Engine) Run(ctx context.Context, b *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	return e.run(ctx, e.Config(), b, r, func(a *arena, p *lxrt.Plan) [][]float32 { return e.compute(ctx, a, b, p) })
}

// param is a parameter as files have it, read when it is first needed.
func (e *Engine) param(name string) tensor {
	if t, ok := e.params[name]; ok {
		return t
	}
	x, ok := e.weights.Tensor(name)
	if !ok {
		fail("%s has no %s", e.weights.File.Path, name)
	}
	data, err := x.Float32s()
	if err != nil {
		panic(failure{err})
	}
	// Nobody waits for gradients of it, whatever this thread records.
	e.params[name] = e.kept.floats(data, x.Shape...)
	return e.params[name]
}

// compute gives what [lxrt.Plan.Trace] takes.
func (e *Engine) compute(ctx context.Context, a *arena, b *lxmert.Batch, p *lxrt.Plan) (results [][]float32) {
	record := 0
	if len(p.Grads) > 0 {
		record = 1
	}
	libtch.AtGradSetEnabled(record)
	check()
	n := newNet(ctx, a, e.Config(), p, e.param)
	n.build["in.feat"] = func() tensor { return n.floats(b.Feats.Data, b.Feats.Shape...) }
	n.build["in.box"] = func() tensor { return n.floats(b.Boxes.Data, b.Boxes.Shape...) }
	for _, r := range p.Reads {
		x := tensor(nil)
		switch {
		case r.Positions == nil:
			x = n.node(r.Activation.Name)
		case r.AtPositions:
			x = n.headOf(r.Activation.Name, n.at(n.level(r.Activation.Name), 1, r.Positions, r.Count))
		default:
			x = n.at(n.node(r.Activation.Name), r.Axis, r.Positions, r.Count)
		}
		results = append(results, n.host(x))
	}
	if len(p.Terms) == 0 {
		return results
	}
	var score tensor
	for _, t := range p.Terms {
		if x := n.term(t); score == nil {
			score = x
		} else {
			score = n.add(score, x)
		}
	}
	results = append(results, n.host(score))
	return append(results, n.gradients(score)...)
}

// term is the value of a term in each row, [N].
func (n *net) term(t lxrt.PlanTerm) tensor {
	var x tensor
	switch {
	case t.Position == nil:
		x = n.node(t.Output)
	case t.AtPositions:
		x = n.headOf(t.Output, n.at(n.level(t.Output), 1, t.Position, 1))
	default:
		x = n.at(n.node(t.Output), 1, t.Position, 1)
	}
	rows := len(t.Weight)
	x = n.reshape(x, rows, n.cfg.ClassCount(t.Output))
	var class tensor
	if t.Class == nil {
		class = n.op(func(out *tensor) { libtch.AtgArgmax(out, x, -1, 0, 1) })
	} else {
		class = n.ints(t.Class, rows, 1)
	}
	switch t.Kind {
	case lxmert.LogProb:
		x = n.logSoftmax(x)
	case lxmert.Probability:
		x = n.softmax(x)
	}
	return n.mul(n.reshape(n.gather(x, 1, class), rows), n.floats(t.Weight, rows))
}

// gradients are those of the score's sum, zero where there is no path.
func (n *net) gradients(score tensor) (all [][]float32) {
	if len(n.plan.Grads) == 0 {
		return nil
	}
	inputs := make([]tensor, len(n.plan.Grads))
	for i, g := range n.plan.Grads {
		inputs[i] = n.node(g.Name)
	}
	outputs := make([]tensor, len(inputs))
	if total := n.sum(score); libtch.AtRequiresGrad(total) {
		libtch.AtRunBackward(&total, 1, &inputs[0], len(inputs), &outputs[0], 0, 0)
		check()
		n.own(outputs...)
	}
	for i, g := range n.plan.Grads {
		if outputs[i] != nil && libtch.AtDefined(outputs[i]) {
			all = append(all, n.host(outputs[i]))
		} else {
			all = append(all, make([]float32, lxmert.Size(n.plan.Shape(g))))
		}
	}
	return all
}
