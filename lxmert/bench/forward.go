package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert/internal/process"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// The largest difference of logits or losses, relative to the largest one, at which two engines count as the same model.
const (
	sameFloat32  = 1e-3
	sameTF32     = 1e-2 // of which numbers have three bits more than of bfloat16
	sameBFloat16 = 5e-2
)

// Forward measures the forward pass to out.task. It starts processes, and needs room for the weights in the folder of
// temporary files unless Load or Keep name another place. Errors that wrap [ErrOptions] are about the options.
func Forward(ctx context.Context, o Options) (*Report, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	dir, remove, err := temporary()
	if err != nil {
		return nil, err
	}
	defer remove()
	o.programs = filepath.Join(dir, "programs")
	f := &forward{Options: o}
	if o.Peer != "" {
		if f.torch, err = findTorch(ctx, o.Peer, dir); err != nil {
			return nil, err
		}
	}
	if f.material, err = prepare(ctx, o, dir, forAnswers); err != nil {
		return nil, err
	}
	if err := f.rounds(ctx); err != nil {
		return nil, err
	}
	return f.report()
}

// beside says whether there is an engine to compare with.
func (f *forward) beside() bool { return f.torch != nil || f.Libtorch }

// forward is a measurement under way.
type forward struct {
	Options
	torch    *pytorch
	material *material

	ours     []Result
	settings []setting
	theirs   map[setting][]Result
	mapped   []Result // to the first output only, with mapped weights
}

func (f *forward) rounds(ctx context.Context) error {
	f.theirs = map[setting][]Result{}
	for round := range f.Rounds {
		err := takeTurns(ctx,
			func(ctx context.Context) error { return f.runOurs(ctx, round) },
			func() []setting { return f.settings },
			func(ctx context.Context, s setting) error { return f.runTorch(ctx, round, s) })
		if err != nil {
			return err
		}
		if f.torch != nil && f.torch.about.Mmap && f.material.mappable {
			if err := f.runMapped(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *forward) spec(weights string, firstOfAll bool) Spec {
	return Spec{
		Weights: weights, Config: f.Config, Inputs: f.material.inputs, Backend: f.backend(), BF16: f.BF16,
		Batches: f.Batches, Repeat: f.Repeat, Side: f.Side, Logits: firstOfAll && f.beside(),
	}
}

func (f *forward) runOurs(ctx context.Context, round int) error {
	isFirst := len(f.ours) == 0
	spec := f.spec(f.material.weights, isFirst)
	p, err := f.Runs.ours(job{Forward: &spec}, isFirst)
	if err != nil {
		return err
	}
	r, err := runEngine(ctx, p)
	if err != nil {
		return err
	}
	f.ours = append(f.ours, *r)
	if isFirst && f.beside() {
		f.settings = torchSettings(r.OnCUDA)
	}
	f.progress(round, "golxmert", r)
	return f.checkRows(r)
}

func (f *forward) runTorch(ctx context.Context, round int, s setting) error {
	isFirst := len(f.theirs) == 0
	r, err := f.measureTorch(ctx, s, isFirst, false)
	if err != nil {
		return err
	}
	if r.OnCUDA != f.ours[0].OnCUDA && f.Libtorch {
		return fmt.Errorf("libtorch computes on %s and XLA on %s, which says nothing about either: --backend cpu measures both on the processor, where this libtorch is one for processors", r.Device, f.ours[0].Device)
	}
	f.theirs[s] = append(f.theirs[s], *r)
	f.progress(round, torchName(s.String()), r)
	if isFirst {
		if d := difference(f.ours[0].Logits, r.Logits); !(d <= f.same()) {
			return fmt.Errorf("golxmert and torch give different logits: they differ by %.1e of the largest, %.0e is allowed; nothing was compared", d, f.same())
		}
	}
	return f.checkRows(r)
}

// measureTorch runs PyTorch; mapped: with mapped weights, and to the first output only.
func (f *forward) measureTorch(ctx context.Context, s setting, isFirst, mapped bool) (*Result, error) {
	if f.Libtorch {
		return f.measureLibtorch(ctx, s, isFirst)
	}
	spec := f.spec(f.material.forTorch, isFirst)
	repeat := spec.Repeat
	if mapped {
		repeat = 0
	}
	var batches []string
	for _, n := range spec.Batches {
		batches = append(batches, strconv.Itoa(n))
	}
	argv := []string{"--batches", strings.Join(batches, ","), "--repeat", strconv.Itoa(repeat)}
	if spec.Logits {
		argv = append(argv, "--logits")
	}
	if mapped {
		argv = append(argv, "--mmap")
	}
	p, err := f.torch.program(f.torchRun(s), argv)
	if err != nil {
		return nil, err
	}
	return runEngine(ctx, p)
}

// measureLibtorch runs libtorch in a process of this program.
func (f *forward) measureLibtorch(ctx context.Context, s setting, isFirst bool) (*Result, error) {
	spec := f.spec(f.material.weights, isFirst)
	spec.Libtorch = true
	p, err := f.Runs.ours(job{Forward: &spec}, false)
	if err != nil {
		return nil, err
	}
	p.Who, p.Env = "libtorch", append(torchEnvironment(p.Env, s.env), "OMP_NUM_THREADS="+strconv.Itoa(f.Threads))
	r, err := runEngine(ctx, p)
	if err == nil {
		r.Threads = f.Threads
	}
	return r, err
}

// torchRun is how PyTorch runs the model under a setting.
func (f *forward) torchRun(s setting) torchRun {
	return torchRun{setting: s, material: f.material, threads: f.Threads, onCUDA: f.ours[0].OnCUDA, bf16: f.BF16, tf32: f.TF32}
}

// runEngine runs a process that says when its first output is there.
func runEngine(ctx context.Context, p process.Program) (*Result, error) {
	var r Result
	first, err := p.Run(ctx, &r)
	if err != nil {
		return nil, err
	}
	if first == 0 {
		return nil, fmt.Errorf("%s answered with no measurement", p.Who)
	}
	o := &r.Opening
	o.TotalS = first.Seconds()
	o.StartS = max(0, o.TotalS-o.LibraryS-o.LoadS-o.CompileS-o.ForwardS)
	return &r, nil
}

// runMapped times how soon PyTorch has an output if it maps the weights, its fastest way of opening them.
func (f *forward) runMapped(ctx context.Context) error {
	r, err := f.measureTorch(ctx, f.settings[0], false, true)
	if err != nil {
		return err
	}
	f.mapped = append(f.mapped, *r)
	return nil
}

func (o Options) same() float64 {
	switch {
	case o.BF16:
		return sameBFloat16
	case o.TF32:
		return sameTF32
	}
	return sameFloat32
}

func (f *forward) checkRows(r *Result) error { return r.checkRows(f.Batches, f.Repeat) }

// checkRows says whether a process measured what it was asked for.
func (r *Result) checkRows(batches []int, repeat int) error {
	if len(r.Rows) != len(batches) {
		return fmt.Errorf("%s measured %d of %d batch sizes", r.Engine, len(r.Rows), len(batches))
	}
	for i, row := range r.Rows {
		if row.Batch != batches[i] || len(row.TimesMS) != repeat {
			return fmt.Errorf("%s measured batch %d %d times, asked for was batch %d %d times", r.Engine, row.Batch, len(row.TimesMS), batches[i], repeat)
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
	if kept, _ := os.ReadDir(f.programs); len(f.ours) > 1 && len(kept) > 0 {
		r.Ours.Anew = &f.ours[0].Opening
		r.Ours.opened(f.ours[1:])
	}
	if !f.beside() {
		return r, nil
	}
	fastest := 0.0
	for _, s := range f.settings {
		side := newSide(f.theirs[s], s.String(), r.Model.FLOPs, r.Peak.GFLOPS)
		r.Torch = append(r.Torch, side)
		if total := side.Opening.TotalS; fastest == 0 || total < fastest {
			fastest = total
		}
	}
	if len(f.mapped) > 0 {
		side := newSide(f.mapped, f.settings[0].String(), r.Model.FLOPs, r.Peak.GFLOPS)
		r.TorchMapped = &side
		fastest = min(fastest, side.Opening.TotalS)
	}
	r.Versus = compare(r.Ours, r.Torch)
	r.Opening = ratio(fastest, r.Ours.Opening.TotalS)
	if r.Ours.Anew != nil {
		r.OpeningAnew = ratio(fastest, r.Ours.Anew.TotalS)
	}
	d := difference(f.ours[0].Logits, f.theirs[f.settings[0]][0].Logits)
	r.Difference = &d
	return r, nil
}
