package lxrt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/internal/lru"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/internal/program"
)

// Source is where a model's weights come from.
type Source interface {
	// Shape of a parameter as files have it (a linear layer's weight is [out,in]), nil where there is none. Names are
	// those of [lxmert.Config.Params].
	Shape(name string) []int
	// Read fills dst with the parameter's values, row by row; transposed fills it with the transpose of a matrix.
	Read(name string, dst []float32, transposed bool) error
	// Provenance says which weights these are. It may take a while: it hashes them.
	Provenance() (file, hash string, err error)
}

// Options are the choices of a model in memory. The zero value is float32.
type Options struct {
	// BFloat16 keeps weights and layers in bfloat16; LayerNorm, softmax and losses stay in float32.
	BFloat16 bool
	// TF32 has a GPU multiply float32 numbers by TensorFloat-32, with 10 of their 23 mantissa bits.
	TF32 bool
	// Deterministic asks a GPU for results that are the same, bit for bit, whenever they are computed; those of the processor
	// are without being asked for.
	Deterministic bool
	// Backend names the backend in traces, for example "xla:cpu". Empty: GoMLX's own name of it.
	Backend string
	// Libraries names in traces what computes, with versions, as [backend.Backend.Libraries] does.
	Libraries string
	// AllowUnused lets [Open] open a file that holds more than the model, such as an optimiser's state, which it leaves
	// alone. Without it that is an error.
	AllowUnused bool
	// Log gets a line for each thing that a user should know about the weights: how many tensors are left alone, and that
	// the number of attention heads is a guess. Nil: nobody is told.
	Log io.Writer
}

// Model is LXRT with weights on a device. It implements [lxmert.Engine]; Run may be called from several goroutines, which
// share the compiled graphs. Close it when done.
type Model struct {
	cfg     lxmert.Config
	source  Source
	backend compute.Backend
	opt     Options
	dtype   dtypes.DType

	weights  weightStore
	programs lru.Cache[string, *program.Program]
	device   chan struct{}  // holds one token while something executes
	work     sync.WaitGroup // goroutines that use the device

	closers []func() error // what Close closes last

	hashing sync.Mutex
	known   *lxmert.Provenance // once the weights have been hashed

	mu     sync.Mutex
	closed bool
}

// programLimit is how many compiled graphs a model keeps. Each takes a few megabytes; a session that changes requests
// all the time would otherwise grow without bound.
const programLimit = 64

// ErrClosed is returned by a model that was closed.
var ErrClosed = errors.New("lxrt: the model is closed")

// New returns a model of the given sizes. Weights are read when something first needs them, so a file's tensors that no
// request uses are never read.
func New(backend compute.Backend, cfg lxmert.Config, source Source, opt Options) (*Model, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	for _, p := range cfg.Params() {
		if shape := source.Shape(p.Name); !equalDims(shape, p.Shape) {
			if shape == nil {
				return nil, fmt.Errorf("lxrt: the weights have no %s %v, which this model needs", p.Name, p.Shape)
			}
			return nil, fmt.Errorf("lxrt: %s has shape %v, this model needs %v", p.Name, shape, p.Shape)
		}
	}
	m := &Model{cfg: cfg, source: source, backend: backend, opt: opt, dtype: dtypes.Float32, device: make(chan struct{}, 1)}
	if opt.BFloat16 {
		m.dtype = dtypes.BFloat16
	}
	if m.opt.Backend == "" {
		m.opt.Backend = backend.Name()
	}
	m.weights.init(m)
	m.programs.Limit = programLimit
	m.programs.Free = func(_ string, p *program.Program) error {
		p.Free()
		return nil
	}
	return m, nil
}

// Config returns the model's sizes.
func (m *Model) Config() lxmert.Config { return m.cfg }

// Close waits for what runs, then frees the weights and the compiled graphs on the device. The backend stays open, unless
// it is the model's own, see [Load].
func (m *Model) Close() error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil
	}
	m.closed = true
	m.mu.Unlock()
	m.work.Wait()
	err := errors.Join(m.programs.Close(), m.weights.free())
	for _, closer := range m.closers {
		err = errors.Join(err, closer())
	}
	return err
}

// Run computes what a request wants of a batch. See [lxmert.Engine].
func (m *Model) Run(ctx context.Context, b *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	p, err := newPlan(m.cfg, b, r)
	if err != nil {
		return nil, fmt.Errorf("lxrt: %w", err)
	}
	if err := m.begin(); err != nil {
		return nil, err
	}
	defer m.work.Done()
	compiled, release, err := m.compiled(ctx, p.key(), p.define)
	if err != nil {
		return nil, err
	}
	results, err := m.execute(ctx, compiled, release, p.feed)
	if err != nil {
		return nil, err
	}
	t := p.trace(results)
	if t.Provenance, err = m.provenance(); err != nil {
		return nil, err
	}
	return t, nil
}

// provenance hashes the weights, once per model unless it fails.
func (m *Model) provenance() (lxmert.Provenance, error) {
	m.hashing.Lock()
	defer m.hashing.Unlock()
	if m.known == nil {
		file, hash, err := m.source.Provenance()
		if err != nil {
			return lxmert.Provenance{}, fmt.Errorf("lxrt: hashing the weights: %w", err)
		}
		m.known = &lxmert.Provenance{Weights: file, Hash: hash, Backend: m.opt.Backend, DType: strings.ToLower(m.dtype.String()), Version: Version(),
			Sizes: m.cfg.Sizes(), Libraries: m.opt.Libraries}
	}
	return *m.known, nil
}

// begin registers work on the device; end must follow if it returns nil.
func (m *Model) begin() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	m.work.Add(1)
	return nil
}

// compiled returns the compiled graph of a key, compiling it if need be. Callers that ask for the same key at the same
// time wait for one compilation; one that is cancelled leaves it to the others. release must follow.
func (m *Model) compiled(ctx context.Context, key string, define func(b *program.Builder) []*graph.Node) (p *program.Program, release func(), err error) {
	return m.programs.Get(ctx, key, func() (*program.Program, error) {
		if err := m.begin(); err != nil {
			return nil, err
		}
		defer m.work.Done()
		return m.compile(define)
	})
}

// compile builds a graph and compiles it while its weights go to the device.
func (m *Model) compile(define func(b *program.Builder) []*graph.Node) (*program.Program, error) {
	p, err := program.Build(m.backend, program.Options{
		Name: "lxrt", WeightType: m.dtype, WeightShape: m.weights.shape, TF32: m.opt.TF32, Deterministic: m.opt.Deterministic,
	}, define)
	if err != nil {
		return nil, fmt.Errorf("lxrt: building the graph: %w", err)
	}
	compiled, loaded := make(chan struct{}), make(chan error, 1)
	go func() {
		err := m.weights.load(p.Slots, compiled)
		if err == nil {
			_, err = m.provenance()
		}
		loaded <- err
	}()
	if err = p.Compile(); err != nil {
		err = fmt.Errorf("lxrt: compiling the graph: %w", err)
	}
	close(compiled)
	if e := <-loaded; err == nil {
		err = e
	}
	if err != nil {
		p.Free()
		return nil, err
	}
	return p, nil
}

// execute runs a program with the given inputs and releases it. When ctx is cancelled it returns at
// once: the inputs have been copied by then, what has started finishes in the background, and Close waits for it.
func (m *Model) execute(ctx context.Context, p *program.Program, release func(), feed func(program.Input) any) ([]any, error) {
	if err := m.begin(); err != nil {
		release()
		return nil, err
	}
	finish := func() {
		release()
		m.work.Done()
	}
	select {
	case m.device <- struct{}{}:
	case <-ctx.Done():
		finish()
		return nil, ctx.Err()
	}
	inputs, err := m.inputs(p, feed)
	if err != nil {
		<-m.device
		finish()
		return nil, err
	}
	type outcome struct {
		results []any
		err     error
	}
	done := make(chan outcome, 1)
	go func() {
		defer finish()
		defer func() { <-m.device }()
		results, err := p.Run(inputs.all)
		done <- outcome{results, errors.Join(err, inputs.free())}
	}()
	select {
	case o := <-done:
		if o.err != nil {
			return nil, fmt.Errorf("lxrt: running the graph: %w", o.err)
		}
		return o.results, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// runInputs are the device buffers of one run, in the order of a program's slots: weights, which stay, and inputs, which
// go when the run is over.
type runInputs struct{ all, own []compute.Buffer }

func (in *runInputs) free() (err error) {
	for _, b := range in.own {
		err = errors.Join(err, b.Finalize())
	}
	return err
}

// inputs copies the data that feed makes of each input to the device.
func (m *Model) inputs(p *program.Program, feed func(program.Input) any) (in *runInputs, err error) {
	in = &runInputs{}
	defer func() {
		if err != nil {
			err = errors.Join(err, in.free())
		}
	}()
	defer program.Recover(&err)
	for _, s := range p.Slots {
		var b compute.Buffer
		if s.Input == nil {
			b, err = m.weights.buffer(s.Weight)
		} else if data := feed(s.Input); data == nil {
			err = fmt.Errorf("lxrt: nothing feeds the input %q", s.Input)
		} else if b, err = m.backend.BufferFromFlatData(0, data, s.Shape); err == nil {
			in.own = append(in.own, b)
		}
		if err != nil {
			return in, err
		}
		in.all = append(in.all, b)
	}
	return in, nil
}
