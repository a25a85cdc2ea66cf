package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// TrainOptions are those of [Train]. The zero value of a field is its default.
type TrainOptions struct {
	Options

	// Pretrain measures steps of pre-training, with all of its heads and six losses, instead of those of a task's head.
	Pretrain bool
	Compile  bool // run PyTorch with torch.compile, too

	LoRA int // rank of adapters that are trained, and the head, instead of the whole model; 0: none

	// How our side makes a step. None of these changes what a step computes.
	Rematerialize bool // compute activations again on the way back instead of keeping them
	Accumulate    int  // parts of a batch that follow each other; default 1
	Devices       int  // of the backend that share each part; default 1
}

func (o TrainOptions) withDefaults() TrainOptions {
	set(&o.Repeat, 5)
	if o.Batches == nil {
		o.Batches = []int{8, 32}
	}
	isDefault := o.Sizes == (lxmert.Config{})
	o.Options = o.Options.withDefaults()
	if isDefault {
		o.Sizes = o.purpose().heads(o.Sizes)
	}
	set(&o.Accumulate, 1)
	set(&o.Devices, 1)
	return o
}

func (o TrainOptions) purpose() purpose { return trainSpec{Pretrain: o.Pretrain}.purpose() }

// clip is the largest norm of the gradients.
func (o TrainOptions) clip() float64 {
	if o.Pretrain {
		return pretrainClip
	}
	return tuningClip
}

func (o TrainOptions) check() error {
	if err := o.Options.check(); err != nil {
		return err
	}
	if err := o.Runs.check(number{"accumulate", o.Accumulate, maxOption}, number{"devices", o.Devices, maxOption}); err != nil {
		return err
	}
	for _, n := range o.Batches {
		if n%(o.Accumulate*o.Devices) != 0 {
			return fmt.Errorf("%w: a batch of %d cannot be shared by %s on %s", ErrOptions, n, plural(o.Accumulate, "part"), plural(o.Devices, "device"))
		}
	}
	if o.LoRA < 0 {
		return fmt.Errorf("%w: --lora is %d, must be at least 0", ErrOptions, o.LoRA)
	}
	if o.LoRA > 0 && o.Peer != "" {
		return fmt.Errorf("%w: --lora is measured by itself: PyTorch's side of --peer trains the whole model", ErrOptions)
	}
	if o.Compile && o.Peer == "" {
		return fmt.Errorf("%w: --compile is a setting of PyTorch, which --peer names", ErrOptions)
	}
	return nil
}

// What a step does, with the numbers of the published training. When losses are compared the learning rate is high, so
// that a wrong gradient or optimizer shows in a few steps.
const (
	dropout      = 0.1
	tuningClip   = 5
	pretrainClip = 1
	learningRate = 5e-5
	comparedRate = 1e-3
	comparedLoss = 3 // steps
)

// Train measures a full training step of a model with a task's head: forward with dropout, backward, clipping and
// BertAdam. Each batch size has processes of its own, so that its memory is known. Otherwise it is like [Forward].
func Train(ctx context.Context, o TrainOptions) (*TrainReport, error) {
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
	t := &training{TrainOptions: o, ours: make([][]Result, len(o.Batches)), theirs: map[setting][][]Result{}}
	if o.Peer != "" {
		if t.torch, err = findTorch(ctx, o.Peer, dir); err != nil {
			return nil, err
		}
		if o.Compile && !t.torch.about.Compile {
			return nil, fmt.Errorf("--peer %s: this PyTorch (%s) has no torch.compile; version 2 and later have", o.Peer, t.torch.about.Torch)
		}
	}
	if t.material, err = prepare(ctx, o.Options, dir, o.purpose()); err != nil {
		return nil, err
	}
	if err := t.compareLosses(ctx); err != nil {
		return nil, err
	}
	for round := range o.Rounds {
		if err := t.round(ctx, round); err != nil {
			return nil, err
		}
	}
	return t.report(), nil
}

// training is a measurement under way.
type training struct {
	TrainOptions
	torch    *pytorch
	material *material

	backendNamed   bool
	onCUDA         bool
	settings       []setting
	ours           [][]Result             // [batch size][process]
	theirs         map[setting][][]Result // likewise
	losses         []float64
	lossDifference float64
}

// compareLosses makes some steps with both engines and without dropout.
func (t *training) compareLosses(ctx context.Context) error {
	if t.torch == nil {
		return nil
	}
	ours, err := t.runOurs(ctx, trainSpec{Batch: t.Batches[0], Compare: true})
	if err != nil {
		return err
	}
	t.settings = torchSettings(ours.OnCUDA)
	theirs, err := t.runTorch(ctx, t.Batches[0], t.settings[0], true)
	if err != nil {
		return err
	}
	if t.Compile {
		t.settings = append(t.settings, setting{env: t.settings[0].env, compile: true})
	}
	t.losses = ours.Losses
	d := relative(t.losses, theirs.Losses)
	if !(d <= t.same()) {
		return fmt.Errorf("golxmert and torch train differently: the losses of %d steps without dropout are %.6g and %.6g, which differ by %.1e, %.0e is allowed; nothing was compared",
			comparedLoss, t.losses, theirs.Losses, d, t.same())
	}
	t.lossDifference = d
	fmt.Fprintf(t.Log, "bench: %d steps of both engines have the same losses, within %.1e\n", comparedLoss, d)
	return nil
}

// relative is the largest difference of two lists, each relative to the second's entry; NaN if they are of different
// lengths, empty, or not numbers.
func relative(a, b []float64) float64 {
	if len(a) != len(b) || len(a) == 0 {
		return math.NaN()
	}
	worst := 0.0
	for i := range a {
		d := math.Abs(a[i]-b[i]) / math.Abs(b[i])
		if a[i] == b[i] {
			d = 0
		}
		worst = max(worst, d) // NaN stays
	}
	return worst
}

func (t *training) round(ctx context.Context, round int) error {
	for i, batch := range t.Batches {
		side := t.Side // the peak is measured once
		err := takeTurns(ctx,
			func(ctx context.Context) error {
				r, err := t.runOurs(ctx, trainSpec{Batch: batch, Side: side})
				if err != nil {
					return err
				}
				side = 0
				t.ours[i] = append(t.ours[i], *r)
				t.progress(round, "golxmert", r)
				return r.checkRows([]int{batch}, t.Repeat)
			},
			func() []setting { return t.settings },
			func(ctx context.Context, s setting) error {
				r, err := t.runTorch(ctx, batch, s, false)
				if err != nil {
					return err
				}
				if t.theirs[s] == nil {
					t.theirs[s] = make([][]Result, len(t.Batches))
				}
				t.theirs[s][i] = append(t.theirs[s][i], *r)
				t.progress(round, torchName(s.String()), r)
				return r.checkRows([]int{batch}, t.Repeat)
			})
		if err != nil {
			return err
		}
	}
	return nil
}

// runOurs makes steps with our engine, of which s says how many rows they have and what is wanted.
func (t *training) runOurs(ctx context.Context, s trainSpec) (*Result, error) {
	s.modelSpec = t.material.spec(t.Options)
	s.Pretrain, s.Clip = t.Pretrain, t.clip()
	s.Repeat, s.LoRA, s.Rematerialize, s.Accumulate, s.Devices = t.Repeat, t.LoRA, t.Rematerialize, t.Accumulate, t.Devices
	p, err := t.Runs.ours(job{Train: &s}, !t.backendNamed)
	if err != nil {
		return nil, err
	}
	var r Result
	if _, err = p.Run(ctx, &r); err != nil {
		return nil, err
	}
	t.backendNamed, t.onCUDA = true, r.OnCUDA
	return &r, nil
}

// runTorch times steps of PyTorch, or compares: makes those whose losses are compared.
func (t *training) runTorch(ctx context.Context, batch int, s setting, compare bool) (*Result, error) {
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	args := []string{"--train", "--batches", strconv.Itoa(batch), "--repeat", strconv.Itoa(t.Repeat),
		"--dropout", number(dropout), "--clip", number(t.clip()), "--lr", number(learningRate)}
	if t.Pretrain {
		args = append(args, "--pretrain")
	}
	if compare {
		args = append(args, "--losses", strconv.Itoa(comparedLoss), "--dropout", "0", "--lr", number(comparedRate))
	}
	p, err := t.torch.program(torchRun{setting: s, material: t.material, threads: t.Threads, onCUDA: t.onCUDA, bf16: t.BF16, tf32: t.TF32}, args)
	if err != nil {
		return nil, err
	}
	var r Result
	if _, err := p.Run(ctx, &r); err != nil {
		return nil, err
	}
	if compare && len(r.Losses) != comparedLoss {
		return nil, errors.New("torch answered with no losses")
	}
	return &r, nil
}

func (t *training) progress(round int, who string, r *Result) {
	fmt.Fprintf(t.Log, "bench: round %d of %d, batch %d, %s: best %s ms, peak memory %s\n", round+1, t.Rounds, r.Rows[0].Batch, who, milli(best(r.Rows[0].TimesMS)), memory(r.PeakRSS))
}

func (t *training) report() *TrainReport {
	r := &TrainReport{
		Version: lxrt.Version(), Machine: thisMachine(), Model: t.material.model, Repeat: t.Repeat, Rounds: t.Rounds, Pretrain: t.Pretrain,
		LoRA: t.LoRA, Rematerialize: t.Rematerialize, Accumulate: t.Accumulate, Devices: t.Devices,
	}
	for _, p := range slices.Concat(t.ours...) {
		if p.Peak.GFLOPS > r.Peak.GFLOPS {
			r.Peak = p.Peak
		}
	}
	r.Ours = newTrainSide(t.ours, "", r.Model.FLOPs, r.Peak.GFLOPS)
	if t.torch == nil {
		return r
	}
	for _, s := range t.settings {
		r.Torch = append(r.Torch, newTrainSide(t.theirs[s], s.String(), r.Model.FLOPs, r.Peak.GFLOPS))
	}
	r.Versus = compareTraining(r.Ours, r.Torch)
	r.Losses, r.LossDifference = t.losses, &t.lossDifference
	return r
}
