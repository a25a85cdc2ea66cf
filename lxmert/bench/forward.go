package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// Options of [Forward]. The zero value of a field is its default.
type Options struct {
	// Load names weights with a task's head, Config a file with what they do not tell. "": synthetic weights of the
	// sizes Sizes (zero: the published model with VQA's 3,129 answers), which are written to Keep ("": a temporary file).
	Load, Config string
	Sizes        lxmert.Config
	Keep         string

	Backend string // spec for backend.Open
	BF16    bool   // bfloat16 on both sides

	Batches        []int // rows; default 1, 8, 32
	Words, Regions int   // default 20 and 36
	Repeat         int   // timed runs per batch size and process; default 15
	// Rounds is how often the engines take turns; default 3, and 1 without a peer. In a round each of PyTorch's settings
	// runs once, with one of our processes before it.
	Rounds int

	Peer    string // a Python that has PyTorch; "": none
	Threads int    // of PyTorch; default the number of cores

	Side int // of the smallest square product of the peak; default 2048

	// Self is the command line of a process that calls [Measure] with the [Spec] that is added to it as its last argument,
	// in JSON, and prints as [Serve] does.
	Self []string
	// Log is told of progress. Nil: nobody is.
	Log io.Writer
}

func (o Options) withDefaults() Options {
	set := func(field *int, value int) {
		if *field == 0 {
			*field = value
		}
	}
	if o.Sizes == (lxmert.Config{}) {
		o.Sizes = lxmert.LXR955()
		o.Sizes.TaskClasses, o.Sizes.TaskImages = 3129, 1
	}
	if o.Batches == nil {
		o.Batches = []int{1, 8, 32}
	}
	set(&o.Words, 20)
	set(&o.Regions, 36)
	set(&o.Repeat, 15)
	if o.Peer != "" {
		set(&o.Rounds, 3)
	}
	set(&o.Rounds, 1)
	set(&o.Threads, runtime.NumCPU())
	set(&o.Side, 2048)
	if o.Log == nil {
		o.Log = io.Discard
	}
	return o
}

func (o Options) check() error {
	if len(o.Batches) == 0 {
		return fmt.Errorf("%w: there is no batch size", ErrOptions)
	}
	for _, n := range o.Batches {
		if n < 1 || n > 1<<16 {
			return fmt.Errorf("%w: a batch of %d, must be 1 to 65536", ErrOptions, n)
		}
	}
	for _, f := range []struct {
		name  string
		value int
	}{{"words", o.Words}, {"regions", o.Regions}, {"repeat", o.Repeat}, {"rounds", o.Rounds}, {"threads", o.Threads}} {
		if f.value < 1 || f.value > 1<<16 {
			return fmt.Errorf("%w: --%s is %d, must be 1 to 65536", ErrOptions, f.name, f.value)
		}
	}
	if o.Load != "" && o.Keep != "" {
		return fmt.Errorf("%w: --keep is for synthetic weights, --load names others", ErrOptions)
	}
	if o.Keep != "" && filepath.Ext(o.Keep) != ".pth" {
		return fmt.Errorf("%w: --keep %s: the file's name must end in .pth", ErrOptions, o.Keep)
	}
	return nil
}

// The largest difference of logits, relative to the largest logit, at which two engines count as the same model.
const (
	sameFloat32  = 1e-3
	sameBFloat16 = 5e-2
)

// Forward measures the forward pass to out.task. It starts processes, and needs room for the weights in the folder of
// temporary files unless Load or Keep name another place. Errors that wrap [ErrOptions] are about the options.
func Forward(ctx context.Context, o Options) (*Report, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "lxmert-bench-")
	if err != nil {
		return nil, fmt.Errorf("no folder for temporary files: %w; TMPDIR names another", err)
	}
	defer os.RemoveAll(dir)
	f := &forward{Options: o}
	if o.Peer != "" {
		if f.torch, err = findTorch(ctx, o.Peer, dir); err != nil {
			return nil, err
		}
	}
	if o.Load == "" {
		fmt.Fprintf(o.Log, "bench: making weights (%d MB)\n", 4*o.Sizes.NumParams()/1e6)
	}
	if f.material, err = prepare(ctx, o, dir); err != nil {
		return nil, err
	}
	if err := f.rounds(ctx); err != nil {
		return nil, err
	}
	return f.report()
}

// forward is a measurement under way.
type forward struct {
	Options
	torch    *torch
	material *material

	ours     []Result
	settings []string
	theirs   map[string][]Result // by setting
	mapped   []Result            // to the first output only, with mapped weights
}

func (f *forward) rounds(ctx context.Context) error {
	f.theirs = map[string][]Result{}
	for round := range f.Rounds {
		if f.torch == nil {
			if err := f.runOurs(ctx, round); err != nil {
				return err
			}
			continue
		}
		for turn := 0; turn == 0 || turn < len(f.settings); turn++ {
			if err := f.runOurs(ctx, round); err != nil {
				return err
			}
			f.settings = f.torch.settings(f.ours[0].OnCUDA)
			if err := f.runTorch(ctx, round, f.settings[turn]); err != nil {
				return err
			}
		}
		if f.torch.about.Mmap && f.material.mappable {
			if err := f.runMapped(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *forward) spec(weights string, firstOfAll bool) Spec {
	return Spec{
		Weights: weights, Config: f.Config, Inputs: f.material.inputs, Backend: f.Backend, BF16: f.BF16,
		Batches: f.Batches, Repeat: f.Repeat, Side: f.Side, Logits: firstOfAll && f.torch != nil,
	}
}

func (f *forward) runOurs(ctx context.Context, round int) error {
	spec, err := json.Marshal(f.spec(f.material.weights, len(f.ours) == 0))
	if err != nil {
		return err
	}
	notes := ""
	if len(f.ours) == 0 {
		notes = "backend: "
	}
	r, err := runProcess(ctx, "golxmert", append(slices.Clone(f.Self), string(spec)), os.Environ(), notes, f.Log)
	if err != nil {
		return err
	}
	f.ours = append(f.ours, *r)
	f.progress(round, "golxmert", r)
	return f.checkRows(r)
}

func (f *forward) runTorch(ctx context.Context, round int, setting string) error {
	isFirst := len(f.theirs) == 0
	r, err := f.torch.measure(ctx, f.spec(f.material.forTorch, isFirst), f.material.config,
		torchRun{setting: setting, threads: f.Threads, onCUDA: f.ours[0].OnCUDA})
	if err != nil {
		return err
	}
	f.theirs[setting] = append(f.theirs[setting], *r)
	name := "torch"
	if setting != "" {
		name = "torch, passive"
	}
	f.progress(round, name, r)
	if isFirst {
		if d := difference(f.ours[0].Logits, r.Logits); !(d <= f.same()) {
			return fmt.Errorf("golxmert and torch give different logits: they differ by %.1e of the largest, %.0e is allowed; nothing was compared", d, f.same())
		}
	}
	return f.checkRows(r)
}

// runMapped times how soon PyTorch has an output if it maps the weights, its fastest way of opening them.
func (f *forward) runMapped(ctx context.Context) error {
	r, err := f.torch.measure(ctx, f.spec(f.material.forTorch, false), f.material.config,
		torchRun{setting: f.settings[0], threads: f.Threads, onCUDA: f.ours[0].OnCUDA, mapped: true})
	if err != nil {
		return err
	}
	f.mapped = append(f.mapped, *r)
	return nil
}

func (f *forward) same() float64 {
	if f.BF16 {
		return sameBFloat16
	}
	return sameFloat32
}

// checkRows says whether a process measured what it was asked for.
func (f *forward) checkRows(r *Result) error {
	if len(r.Rows) != len(f.Batches) {
		return fmt.Errorf("%s measured %d of %d batch sizes", r.Engine, len(r.Rows), len(f.Batches))
	}
	for i, row := range r.Rows {
		if row.Batch != f.Batches[i] || len(row.TimesMS) != f.Repeat {
			return fmt.Errorf("%s measured batch %d %d times, asked for was batch %d %d times", r.Engine, row.Batch, len(row.TimesMS), f.Batches[i], f.Repeat)
		}
	}
	return nil
}

func (f *forward) progress(round int, who string, r *Result) {
	fmt.Fprintf(f.Log, "bench: round %d of %d, %s: first output after %.1f s; best", round+1, f.Rounds, who, r.Opening.TotalS)
	for _, row := range r.Rows {
		fmt.Fprintf(f.Log, " %s", milli(best(row.TimesMS)))
	}
	fmt.Fprintln(f.Log, " ms")
}

func (f *forward) report() (*Report, error) {
	r := &Report{Version: lxrt.Version(), Machine: thisMachine(), Model: f.material.model, Repeat: f.Repeat, Rounds: f.Rounds}
	for _, p := range f.ours {
		if p.Peak.GFLOPS > r.Peak.GFLOPS {
			r.Peak = p.Peak
		}
	}
	r.Ours = newSide(f.ours, "", r.Model.FLOPs, r.Peak.GFLOPS)
	if f.torch == nil {
		return r, nil
	}
	fastest := 0.0
	for _, setting := range f.settings {
		side := newSide(f.theirs[setting], setting, r.Model.FLOPs, r.Peak.GFLOPS)
		r.Torch = append(r.Torch, side)
		if total := side.Opening.TotalS; fastest == 0 || total < fastest {
			fastest = total
		}
	}
	if len(f.mapped) > 0 {
		side := newSide(f.mapped, f.settings[0], r.Model.FLOPs, r.Peak.GFLOPS)
		r.TorchMapped = &side
		fastest = min(fastest, side.Opening.TotalS)
	}
	r.Versus = compare(r.Ours, r.Torch)
	r.Opening = ratio(fastest, r.Ours.Opening.TotalS)
	d := difference(f.ours[0].Logits, f.theirs[f.settings[0]][0].Logits)
	r.Difference = &d
	return r, nil
}
