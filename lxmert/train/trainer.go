package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/internal/program"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// Options of a [Trainer].
type Options struct {
	Optimizer string   // see [NewOptimizer]
	LR        float64  // the peak learning rate
	Schedule  Schedule // of BertAdam; the others keep their rate
	Clip      float64  // largest global L2 norm of the gradients; 0: no clipping

	// Freeze are patterns of names of parameters that stay as they are, to the bit: no gradient of theirs is computed or counted
	// in the norm, and the optimizer keeps nothing for them. In a pattern * stands for any characters, dots too, ? for one, and
	// [0-3] for one of some; names are the model's own or those of any file, see [weights.Spellings]. A pattern that matches no
	// parameter is an error.
	Freeze []string
	// Rates are peak learning rates other than LR. Of those that match a parameter the last one counts.
	Rates []Rate
	// LoRA trains low-rank adapters, and the heads, instead of the whole model.
	LoRA LoRA

	// Own are parameters that the objective has beside the model's, which it reads with [lxrt.Net.Param]. Their names begin with
	// "own."; matrices are [out,in]. They are trained and saved like all others, in a file beside each snapshot, see [OwnFile].
	Own []lxmert.Param

	HiddenDropout, AttentionDropout float64 // 0 to below 1

	Seed     uint64 // of dropout, and of the values that adapters start with
	Devices  int    // of the backend to share each part; 0 is 1
	BFloat16 bool   // layers compute in bfloat16; parameters, LayerNorm, softmax and loss stay float32
	// TF32 has a GPU multiply float32 numbers by TensorFloat-32, with 10 of their 23 mantissa bits, several times as fast. It is off
	// unless asked for, as in PyTorch since 1.12: results of a GPU are then those of the processor, and whoever gives bits away for
	// speed gets more of it from BFloat16. With both, what layers multiply in float32 all the same is multiplied by TensorFloat-32.
	TF32       bool
	PooledOnly bool // the objective reads nothing of the language stream's end but out.pooled and what follows from it
	// Rematerialize keeps only the levels' activations and computes the others again on the way back.
	Rematerialize bool
	// Deterministic asks a GPU for steps that come out the same, bit for bit, whenever they are made; on the processor they do
	// without being asked for.
	Deterministic bool
}

// Trainer holds a model's parameters and the optimizer's state on devices, and moves them step by step.
type Trainer struct {
	cfg       lxmert.Config
	backend   compute.Backend
	kind      backend.Kind
	opt       Options
	optimizer Optimizer
	objective Objective

	onGPU     bool // inputs go to the devices as one array, and an update writes over what it moves
	halves    bool // layers read copies of matrices in bfloat16, which updates write
	vars      *variables
	rates     []float64 // peak learning rates, the first one LR
	adapters  *adapters // nil: none
	kept      *kept     // nil: batches bring all regions
	gradients map[string]*gradientProgram
	movers    []*update
	sent      []*incoming // parts of steps that have not come to them, on their way to a GPU
	packing   [][]uint32  // for each GPU, where a part is put together: an upload has copied it when it returns
	model     *lxrt.Model
	step      int              // that were finished and moved the parameters
	count     []compute.Buffer // how many did, as each GPU knows it, steps that only began counted too; nil: it is step
	begun     int              // steps that are not finished
	lost      bool             // an update failed while it wrote over the parameters
	compiling time.Duration    // spent in all
}

// NewTrainer reads a model's parameters from a source. The context bounds the reading only.
func NewTrainer(ctx context.Context, b compute.Backend, cfg lxmert.Config, source Source, objective Objective, opt Options) (*Trainer, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if err := opt.Schedule.Check(); err != nil {
		return nil, err
	}
	if !(opt.LR >= 0) || math.IsInf(opt.LR, 0) {
		return nil, fmt.Errorf("train: the learning rate is %g, must be 0 or more", opt.LR)
	}
	for _, rate := range []float64{opt.HiddenDropout, opt.AttentionDropout} {
		if !(rate >= 0 && rate < 1) {
			return nil, fmt.Errorf("train: the dropout rate is %g, must be from 0 to below 1", rate)
		}
	}
	optimizer, err := NewOptimizer(opt.Optimizer)
	if err != nil {
		return nil, err
	}
	opt.Devices = max(1, opt.Devices)
	if n := int(b.NumDevices()); opt.Devices > n {
		return nil, fmt.Errorf("train: %d devices were asked for, the backend has %d", opt.Devices, n)
	}
	t := &Trainer{
		cfg: cfg, backend: b, kind: backend.KindOf(b), opt: opt, optimizer: optimizer, objective: objective,
		gradients: map[string]*gradientProgram{},
	}
	t.onGPU = t.kind == backend.KindCUDA
	t.halves = t.onGPU && opt.BFloat16
	if t.adapters, err = newAdapters(cfg, opt.LoRA); err != nil {
		return nil, err
	}
	params := cfg.Params()
	if t.adapters != nil {
		params = append(params, t.adapters.params...)
		source = withAdapters{source, t.adapters, opt.Seed}
	}
	if err := checkOwn(opt.Own); err != nil {
		return nil, err
	}
	params = append(params, opt.Own...)
	if t.vars, err = newVariables(ctx, b, params, source, opt.Devices); err != nil {
		return nil, err
	}
	if err := t.choose(); err != nil {
		return nil, errors.Join(err, t.vars.free())
	}
	if t.model, err = lxrt.Live(b, cfg, lxrt.Options{Deterministic: opt.Deterministic}, t.current); err != nil {
		return nil, errors.Join(err, t.vars.free())
	}
	return t, nil
}

// Close frees everything on the devices.
func (t *Trainer) Close() error {
	err := t.model.Close()
	t.forgetSent()
	for _, g := range t.gradients {
		g.Free()
		for _, p := range g.packed {
			p.Free()
		}
	}
	for _, u := range t.movers {
		u.Free()
	}
	t.gradients, t.movers = nil, nil
	return errors.Join(err, t.forgetCount(), t.kept.free(), t.adapters.forget(), t.vars.free())
}

// compile builds and compiles a program, and counts the time that it takes.
func (t *Trainer) compile(opt program.Options, define func(b *program.Builder) []*graph.Node) (*program.Program, error) {
	began := time.Now()
	defer func() { t.compiling += time.Since(began) }()
	opt.Deterministic, opt.TF32 = t.opt.Deterministic, t.opt.TF32
	p, err := program.Build(t.backend, opt, define)
	if err == nil {
		err = p.Compile()
	}
	return p, err
}

// deterministic says whether equal steps give equal bits.
func (t *Trainer) deterministic() bool {
	return t.opt.Deterministic || t.kind == backend.KindCPU || t.kind == backend.KindGo
}

// Model computes with the parameters as they are, without dropout. It must not run while [Trainer.Step] does, or between the
// beginning of a step and its end.
func (t *Trainer) Model() lxmert.Engine { return t.model }

// Steps is how often the parameters have been moved.
func (t *Trainer) Steps() int { return t.step }
