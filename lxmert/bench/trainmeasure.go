package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/internal/resident"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/internal/peak"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/task"
	"github.com/seed-516990b0/golxmert/lxmert/train"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// trainSpec says which steps one process times.
type trainSpec struct {
	modelSpec
	Batch    int     `json:"batch"`
	Repeat   int     `json:"repeat"`
	Side     int     `json:"side,omitempty"` // of the smallest square product of the peak; 0: measure no peak
	Pretrain bool    `json:"pretrain,omitempty"`
	Clip     float64 `json:"clip"`
	// Compare: make the steps whose losses are compared, and time nothing.
	Compare bool `json:"compare,omitempty"`

	LoRA          int  `json:"lora,omitempty"`
	Rematerialize bool `json:"rematerialize,omitempty"`
	Accumulate    int  `json:"accumulate"`
	Devices       int  `json:"devices"`
}

// measure trains in this process.
func (s trainSpec) measure(ctx context.Context, log io.Writer) (*Result, error) {
	b, r, err := openBackend(ctx, s.Backend, log)
	if err != nil {
		return nil, err
	}
	defer b.Finalize()
	inputs, parts, err := s.parts()
	if err != nil {
		return nil, err
	}
	t, cfg, err := s.trainer(ctx, b)
	if err != nil {
		return nil, err
	}
	if s.Compare {
		r.Losses, err = losses(ctx, t, parts)
		return r, errors.Join(err, t.Close())
	}
	row, err := s.time(ctx, t, parts)
	r.PeakRSS, r.PeakDevice = resident.Peak(), peakDevice(b)
	if err = errors.Join(err, t.Close()); err != nil {
		return nil, fmt.Errorf("batch %d: %w", s.Batch, err)
	}
	r.Rows = []Timing{*row}
	if s.Side == 0 {
		return r, nil
	}
	r.Peak, err = peak.Measure(ctx, b.Backend, peak.Precision{BFloat16: s.BF16}, peak.Thorough, s.Side, modelProducts(cfg, s.Batch, inputs.T(), inputs.V())...)
	return r, err
}

// parts reads the inputs of a step.
func (s trainSpec) parts() (*lxmert.Batch, []train.Part, error) {
	b, err := lxrt.ReadBatch(s.Inputs)
	if err != nil {
		return nil, nil, err
	}
	f, err := weights.Open(s.Inputs)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if _, err := firstRows(b, s.Batch); err != nil {
		return nil, nil, err
	}
	read := answerLabels
	if s.Pretrain {
		read = pretrainLabels
	}
	labels, err := read(f, s.Batch, s.Accumulate)
	if err != nil {
		return nil, nil, err
	}
	rows := s.Batch / s.Accumulate
	var parts []train.Part
	for i, l := range labels {
		parts = append(parts, train.Part{Batch: someRows(b, i*rows, (i+1)*rows), Labels: l})
	}
	return b, parts, nil
}

// answerLabels are those of the parts of a step with the first rows of a file of inputs.
func answerLabels(f *weights.File, rows, parts int) ([]map[string]train.Label, error) {
	labels := &labelFile{file: f, rows: rows}
	answers, classes := labels.floats(targets)
	if labels.err != nil {
		return nil, labels.err
	}
	var all []map[string]train.Label
	for n, from := rows/parts, 0; from < rows; from += n {
		all = append(all, map[string]train.Label{targets: {Data: answers[from*classes : (from+n)*classes], Shape: []int{n, classes}}})
	}
	return all, nil
}

// trainer has the model's parameters on the device.
func (s trainSpec) trainer(ctx context.Context, b *backend.Backend) (*train.Trainer, lxmert.Config, error) {
	m, err := weights.OpenModel(s.Weights, s.Config)
	if err != nil {
		return nil, lxmert.Config{}, err
	}
	defer m.Close()
	cfg := s.purpose().heads(m.Config)
	values := &train.Initial{Config: cfg}
	for _, p := range cfg.Params() {
		t, ok := m.Tensor(p.Name)
		if !ok {
			return nil, cfg, fmt.Errorf("%s has no %s", m.File.Path, p.Name)
		}
		if err := values.Set(p.Name, t); err != nil {
			return nil, cfg, err
		}
	}
	t, err := s.trainerOf(ctx, b.Backend, cfg, values)
	return t, cfg, err
}

func (s trainSpec) purpose() purpose {
	if s.Pretrain {
		return forPretraining
	}
	return forFineTuning
}

// trainerOf has parameters from anywhere.
func (s trainSpec) trainerOf(ctx context.Context, b compute.Backend, cfg lxmert.Config, values train.Source) (*train.Trainer, error) {
	objective := train.Objective(answering)
	if s.Pretrain {
		objective = task.PretrainingObjective(lxrt.PretrainingLosses(), true)
	}
	opt := train.Options{
		Optimizer: "bert", LR: learningRate, Schedule: train.Schedule{Warmup: -1, Total: -1}, Clip: s.Clip,
		HiddenDropout: dropout, AttentionDropout: dropout, Seed: seed, Devices: s.Devices,
		BFloat16: s.BF16, PooledOnly: !s.Pretrain, Rematerialize: s.Rematerialize, LoRA: train.LoRA{Rank: s.LoRA},
	}
	if s.Compare {
		opt.LR, opt.HiddenDropout, opt.AttentionDropout = comparedRate, 0, 0
	}
	return train.NewTrainer(ctx, b, cfg, values, objective, opt)
}

// answering is VQA's objective: the soft answers' loss, and which answers the model gives.
func answering(net *lxrt.Net, label func(string) *Node) (loss *Node, outputs []*Node) {
	logits := net.Node("out.task")
	return lxrt.SoftAnswerLoss(logits, label(targets)), []*Node{ArgMax(logits, -1, dtypes.Int32)}
}

// losses are those of the first steps.
func losses(ctx context.Context, t *train.Trainer, parts []train.Part) ([]float64, error) {
	var list []float64
	for range comparedLoss {
		r, err := t.Step(ctx, parts...)
		if err != nil {
			return nil, err
		}
		list = append(list, r.Loss)
	}
	return list, nil
}

// time makes steps: one to compile, one to warm up, and then for the clock.
func (s trainSpec) time(ctx context.Context, t *train.Trainer, parts []train.Part) (*Timing, error) {
	row := &Timing{Batch: s.Batch}
	firstStep := 0.0
	err := t.MakeSteps(ctx, s.Repeat+2, func(int) ([]train.Part, error) { return parts, nil }, func(i int, r *train.Result, took time.Duration) error {
		seconds := took.Seconds()
		switch {
		case r.Skipped:
			return fmt.Errorf("step %d was skipped: its loss is %g, the gradients' norm %g", i+1, r.Loss, r.Norm)
		case i == 0:
			firstStep = seconds + r.Compiling.Seconds()
		case i > 1:
			row.TimesMS = append(row.TimesMS, 1000*seconds)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	row.CompileS = max(0, firstStep-best(row.TimesMS)/1000)
	return row, nil
}
