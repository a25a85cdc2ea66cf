package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed-516990b0/golxmert/internal/rounding"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/internal/synthetic"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// Sizes of the random inputs: an even number of rows, as models of two images need. Texts are of several lengths, so that the
// mask counts.
const (
	randomRows    = 4
	randomWords   = 20
	randomRegions = 36
	randomSeed    = 1
)

// comparison is one under way.
type comparison struct {
	Options
	dir    string // temporary
	model  *weights.Model
	want   []lxmert.Activation
	names  []string // of want
	batch  *lxmert.Batch
	inputs string // file with it
}

// Run compares engines. Those that this machine lacks are left out, but of what options name an error says what is wrong.
func Run(ctx context.Context, o Options) (*Report, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	c := &comparison{Options: o.withDefaults()}
	var err error
	if c.model, err = weights.OpenModel(o.Load, o.Config); err != nil {
		return nil, err
	}
	defer c.model.Close()
	if c.want, err = c.wanted(c.model.Config, o.Want == nil); err != nil {
		return nil, err
	}
	for _, a := range c.want {
		c.names = append(c.names, a.Name)
	}
	c.fillBatch()
	if err := c.batch.Check(c.model.Config); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Inputs, err)
	}
	if n := max(1, c.model.Config.TaskImages); c.batch.Rows()%n != 0 {
		return nil, fmt.Errorf("%s: %d rows, the model's head takes %d images each", c.Inputs, c.batch.Rows(), n)
	}
	if c.dir, err = os.MkdirTemp("", "lxmert-check-"); err != nil {
		return nil, err
	}
	defer os.RemoveAll(c.dir)
	c.inputs = filepath.Join(c.dir, "inputs.safetensors")
	if err := (&lxmert.Trace{Batch: c.batch}).Save(c.inputs); err != nil {
		return nil, err
	}
	return c.run(ctx)
}

// fillBatch makes inputs where there are none, and gives each row a text and an image of its own, as the original has it.
func (c *comparison) fillBatch() {
	b, cfg := c.Batch, c.model.Config
	if b == nil {
		words := min(randomWords, cfg.MaxPositions)
		b = synthetic.Batch(cfg, randomSeed, randomRows, words, randomRegions)
		for i := range b.IDs {
			b.IDs[i] = b.IDs[i][:max(1, words-i*words/(randomRows+1))]
		}
		c.Inputs = fmt.Sprintf("random inputs, always the same (%d rows of up to %d words and %d regions)", randomRows, words, randomRegions)
	}
	if b.Pairs != nil {
		rows := make([]int, b.Rows())
		for i := range rows {
			rows[i] = i
		}
		b = b.Part(rows...)
	}
	c.batch = b
}

// run has one engine after the other compute, and compares each with the first.
func (c *comparison) run(ctx context.Context) (*Report, error) {
	engines, err := c.engines(ctx)
	if err != nil {
		return nil, err
	}
	if n := len(slices.DeleteFunc(slices.Clone(engines), func(e engine) bool { return e.skipped != "" })); n < 2 {
		if c.Backend != "" {
			return nil, fmt.Errorf("--backend %s is one engine, and there is none to compare it with: --python names a Python with PyTorch, or without --backend all are taken that this machine has", c.Backend)
		}
		return nil, errors.New("this machine has one engine, and none to compare it with: --python names a Python with PyTorch, `lxmert backend install cpu` brings XLA")
	}
	r := c.newReport()
	var reference map[string]lxmert.Tensor
	for _, e := range engines {
		row := Engine{Name: e.name, Skipped: e.skipped}
		if e.skipped == "" {
			values, about, took, err := c.compute(ctx, e)
			if err != nil {
				return nil, err
			}
			row.About, row.Seconds = about, took.Seconds()
			fmt.Fprintf(c.Log, "check: %s has computed (%.1f s): %s\n", e.name, row.Seconds, about)
			if reference == nil {
				reference, r.Reference = values, e.name
				bounds, err := c.bounds(ctx)
				if err != nil {
					return nil, err
				}
				r.allow(reference, bounds)
			} else {
				r.compare(&row, reference, values)
			}
		}
		r.Engines = append(r.Engines, row)
	}
	r.judge()
	return r, nil
}

// compute runs an engine and reads what it leaves.
func (c *comparison) compute(ctx context.Context, e engine) (values map[string]lxmert.Tensor, about string, took time.Duration, err error) {
	start := time.Now()
	out := filepath.Join(c.dir, "activations.safetensors")
	p, said, err := e.program(out)
	if err != nil {
		return nil, "", 0, err
	}
	if _, err := p.Run(ctx, nil); err != nil {
		return nil, "", 0, err
	}
	took = time.Since(start)
	defer os.Remove(out)
	f, err := weights.Open(out)
	if err != nil {
		return nil, "", 0, fmt.Errorf("%s: %w", e.name, err)
	}
	defer f.Close()
	values = map[string]lxmert.Tensor{}
	for _, name := range c.names {
		t, ok := f.Tensor(name)
		if !ok {
			continue
		}
		data, err := t.Float32s()
		if err != nil {
			return nil, "", 0, fmt.Errorf("%s: %w", e.name, err)
		}
		values[name] = lxmert.Tensor{Shape: slices.Clone(t.Shape), Data: data}
	}
	return values, said(), took, nil
}

// bounds says how far two engines may be apart at each activation, nil where a tolerance is given instead.
func (c *comparison) bounds(ctx context.Context) (map[string]float64, error) {
	if c.Tolerance > 0 {
		return nil, nil
	}
	fmt.Fprintln(c.Log, "check: measuring how far rounding carries with these weights and inputs")
	b, err := backend.Open(ctx, c.Backend, nil)
	if err != nil {
		return nil, err
	}
	defer b.Finalize()
	m, err := lxrt.Open(b, c.Load, c.Config, lxrt.Options{AllowUnused: c.AllowUnused, Log: c.Log})
	if err != nil {
		return nil, err
	}
	defer m.Close()
	reach, err := rounding.Reach(m, rounding.Float32, func(eng lxmert.Engine) (map[string][]float64, error) {
		trace, err := eng.Run(ctx, c.batch, lxmert.Request{Want: lxmert.All(c.names...)})
		if err != nil {
			return nil, err
		}
		numbers := make(map[string][]float64, len(trace.Values))
		for name, x := range trace.Values {
			numbers[name] = x.Float64s()
		}
		return numbers, nil
	})
	if err != nil {
		return nil, err
	}
	for name := range reach {
		reach[name] *= 2 // both engines round
	}
	return reach, nil
}
