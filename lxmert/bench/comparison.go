package bench

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/internal/resident"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// comparison is a measurement under way of a method of analysis: ours in turns with PyTorch's.
type comparison struct {
	Options
	torch    *pytorch
	material *material
	unit     string // what times are given of

	settings   []setting
	ours       []Result
	theirs     map[setting][]Result
	difference float64
}

// measure checks the options, prepares what both engines take, and has them take turns.
func (c *comparison) measure(ctx context.Context, ours func(ctx context.Context, round int) error, theirs func(ctx context.Context, round int, s setting) error) error {
	c.Options = c.withDefaults()
	if err := c.check(); err != nil {
		return err
	}
	dir, remove, err := temporary()
	if err != nil {
		return err
	}
	defer remove()
	c.programs = filepath.Join(dir, "programs")
	c.theirs = map[setting][]Result{}
	if c.Peer != "" {
		if c.torch, err = findTorch(ctx, c.Peer, dir); err != nil {
			return err
		}
	}
	if c.material, err = prepare(ctx, c.Options, dir, forFineTuning); err != nil {
		return err
	}
	for round := range c.Rounds {
		err := takeTurns(ctx,
			func(ctx context.Context) error { return ours(ctx, round) },
			func() []setting { return c.settings },
			func(ctx context.Context, s setting) error { return theirs(ctx, round, s) })
		if err != nil {
			return err
		}
	}
	return nil
}

// runOurs has a process of ours do a job, whose result must have these batches.
func (c *comparison) runOurs(ctx context.Context, round int, j job, batches func() []int) error {
	isFirst := len(c.ours) == 0
	p, err := c.Runs.ours(j, isFirst)
	if err != nil {
		return err
	}
	var r Result
	if _, err := p.Run(ctx, &r); err != nil {
		return err
	}
	c.ours = append(c.ours, r)
	if isFirst && c.torch != nil {
		c.settings = torchSettings(r.OnCUDA)
	}
	c.progress(round, "golxmert", &r)
	return r.checkRows(batches(), c.Repeat)
}

// runTorch has PyTorch do what args say, one at a time and rows times, under a setting; name is what progress calls that. differs
// is the error where both compute something else: it takes the difference and what is allowed.
func (c *comparison) runTorch(ctx context.Context, round int, s setting, name string, args []string, rows int, differs string) (Result, error) {
	var r Result
	p, err := c.torch.program(torchRun{setting: s, material: c.material, threads: c.Threads, onCUDA: c.ours[0].OnCUDA, bf16: c.BF16, tf32: c.TF32}, args)
	if err != nil {
		return r, err
	}
	if _, err := p.Run(ctx, &r); err != nil {
		return r, err
	}
	d := difference(c.ours[0].Logits, r.Logits)
	if !(d <= c.same()) {
		return r, fmt.Errorf(differs, d, c.same())
	}
	c.difference = max(c.difference, d)
	c.progress(round, name, &r)
	return r, r.checkRows([]int{1}, rows)
}

func (c *comparison) progress(round int, who string, r *Result) {
	fmt.Fprintf(c.Log, "bench: round %d of %d, %s: best", round+1, c.Rounds, who)
	for _, row := range r.Rows {
		fmt.Fprintf(c.Log, " %s", milli(best(row.TimesMS)/float64(row.Batch)))
	}
	fmt.Fprintf(c.Log, " ms per %s\n", c.unit)
}

// modelSpec says which model one process opens, and what it is asked.
type modelSpec struct {
	Weights string `json:"weights"`
	Config  string `json:"config,omitempty"` // file with what the weights do not tell
	Inputs  string `json:"inputs"`           // as writeInputs writes them, of the largest batch
	Backend string `json:"backend,omitempty"`
	BF16    bool   `json:"bf16,omitempty"`
}

// spec is what our processes open.
func (m *material) spec(o Options) modelSpec {
	return modelSpec{Weights: m.weights, Config: o.Config, Inputs: m.inputs, Backend: o.backend(), BF16: o.BF16}
}

// with opens the model and the inputs in this process for what measures them, and fills in the rest of the result.
func (s modelSpec) with(ctx context.Context, log io.Writer, measure func(m *lxrt.Model, inputs *lxmert.Batch, r *Result) error) (*Result, error) {
	b, r, err := openBackend(ctx, s.Backend, log)
	if err != nil {
		return nil, err
	}
	defer b.Finalize()
	m, err := lxrt.Open(b, s.Weights, s.Config, lxrt.Options{BFloat16: s.BF16})
	if err != nil {
		return nil, err
	}
	defer m.Close()
	inputs, err := lxrt.ReadBatch(s.Inputs)
	if err != nil {
		return nil, err
	}
	if err := measure(m, inputs, r); err != nil {
		return nil, err
	}
	r.PeakRSS, r.PeakDevice = resident.Peak(), peakDevice(b)
	return r, nil
}
