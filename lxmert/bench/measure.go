package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/seed-516990b0/golxmert/internal/resident"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/internal/peak"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/torch"
)

// Spec says what one process measures.
type Spec struct {
	Weights string `json:"weights"`
	Config  string `json:"config,omitempty"` // file with what the weights do not tell
	Inputs  string `json:"inputs"`           // .safetensors as lxrt.ReadBatch reads it, of the largest batch
	Backend string `json:"backend,omitempty"`
	// Libtorch has libtorch compute, not the backend.
	Libtorch bool  `json:"libtorch,omitempty"`
	BF16     bool  `json:"bf16,omitempty"`
	Batches  []int `json:"batches"`
	Repeat   int   `json:"repeat"`
	// Side of the smallest square product of the peak.
	Side int `json:"side"`
	// Logits asks for the logits of the first batch size.
	Logits bool `json:"logits,omitempty"`
}

// Measure runs our engine in this process. It calls first when the first output is there, and writes what the backend has
// to say to log.
func Measure(ctx context.Context, s Spec, first func(), log io.Writer) (*Result, error) {
	if len(s.Batches) == 0 {
		return nil, errors.New("there is no batch size to measure")
	}
	if s.Libtorch {
		return s.measureLibtorch(ctx, first)
	}
	b, r, err := openBackend(ctx, s.Backend, log)
	if err != nil {
		return nil, err
	}
	defer b.Finalize()

	start := time.Now()
	m, err := lxrt.Open(b, s.Weights, s.Config, lxrt.Options{BFloat16: s.BF16})
	if err != nil {
		return nil, err
	}
	defer m.Close()
	inputs, err := lxrt.ReadBatch(s.Inputs)
	if err != nil {
		return nil, err
	}
	r.Opening.LoadS = time.Since(start).Seconds()
	if err := s.timeRows(ctx, m, inputs, r, first); err != nil {
		return nil, err
	}
	r.PeakDevice = peakDevice(b)
	largest := inputs.Rows()
	r.Peak, err = peak.Measure(ctx, b.Backend, peak.Precision{BFloat16: s.BF16}, peak.Thorough, s.Side, modelProducts(m.Config(), largest, inputs.T(), inputs.V())...)
	return r, err
}

// measureLibtorch is [Measure] on libtorch, whose fastest product is not looked for.
func (s Spec) measureLibtorch(ctx context.Context, first func()) (*Result, error) {
	start := time.Now()
	m, err := torch.Open(s.Weights, s.Config, lxrt.Options{BFloat16: s.BF16})
	if err != nil {
		return nil, err
	}
	defer m.Close()
	inputs, err := lxrt.ReadBatch(s.Inputs)
	if err != nil {
		return nil, err
	}
	r := &Result{Engine: "libtorch 2.1 through gotch", Device: m.Device(), OnCUDA: m.Device() == "cuda"}
	r.Opening.LoadS = time.Since(start).Seconds()
	return r, s.timeRows(ctx, m, inputs, r, first)
}

// timeRows times every batch size.
func (s Spec) timeRows(ctx context.Context, m lxmert.Engine, inputs *lxmert.Batch, r *Result, first func()) error {
	for i, n := range s.Batches {
		rows, err := firstRows(inputs, n)
		if err != nil {
			return err
		}
		t, logits, err := timeBatch(ctx, m, rows, s.Repeat, func() {
			if i == 0 {
				first()
			}
		})
		if err != nil {
			return fmt.Errorf("batch %d: %w", n, err)
		}
		r.Rows = append(r.Rows, t)
		if i == 0 {
			r.Opening.CompileS, r.Opening.ForwardS = t.CompileS, best(t.TimesMS)/1000
		}
		if i == 0 && s.Logits {
			for k := range n {
				r.Logits = append(r.Logits, logits.Row(k).Data)
			}
		}
	}
	r.PeakRSS = resident.Peak()
	return nil
}

// timed runs something often: once to compile, once to warm up, and then for the clock. compiled comes after the first run.
func timed(batch, repeat int, run, compiled func() error) (Timing, error) {
	t := Timing{Batch: batch}
	cold := 0.0
	for i := range repeat + 2 {
		start := time.Now()
		if err := run(); err != nil {
			return t, err
		}
		seconds := time.Since(start).Seconds()
		switch {
		case i == 0:
			cold = seconds
			if err := compiled(); err != nil {
				return t, err
			}
		case i > 1:
			t.TimesMS = append(t.TimesMS, 1000*seconds)
		}
	}
	t.CompileS = max(0, cold-best(t.TimesMS)/1000)
	return t, nil
}

// timeBatch times one batch.
func timeBatch(ctx context.Context, m lxmert.Engine, b *lxmert.Batch, repeat int, compiled func()) (t Timing, logits lxmert.Tensor, err error) {
	t, err = timed(b.Rows(), repeat, func() error {
		trace, err := m.Run(ctx, b, lxmert.Request{Want: lxmert.All("out.task")})
		if err != nil {
			return err
		}
		logits = trace.Values["out.task"]
		return nil
	}, func() error {
		compiled()
		for _, v := range logits.Data {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return errors.New("the logits are not finite numbers")
			}
		}
		return nil
	})
	return t, logits, err
}

// firstRows is a batch of the first n texts and images.
func firstRows(b *lxmert.Batch, n int) (*lxmert.Batch, error) {
	if n < 1 || n > b.Rows() {
		return nil, fmt.Errorf("a batch of %d: the inputs have %d rows", n, b.Rows())
	}
	return someRows(b, 0, n), nil
}

// someRows is a batch of some texts and images.
func someRows(b *lxmert.Batch, from, to int) *lxmert.Batch {
	cut := func(t lxmert.Tensor) lxmert.Tensor {
		size := lxmert.Size(t.Shape[1:])
		return lxmert.Tensor{Shape: append([]int{to - from}, t.Shape[1:]...), Data: t.Data[from*size : to*size]}
	}
	return &lxmert.Batch{IDs: b.IDs[from:to], TextMask: b.TextMask[from:to], Feats: cut(b.Feats), Boxes: cut(b.Boxes)}
}

// peakDevice is the most memory in use on a GPU so far; 0 where it is not known.
func peakDevice(b *backend.Backend) int64 {
	m, _ := b.Memory()
	return m.Peak
}

// openBackend opens a backend and starts the result that names it.
func openBackend(ctx context.Context, spec string, log io.Writer) (*backend.Backend, *Result, error) {
	start := time.Now()
	b, err := backend.Open(ctx, spec, log)
	if err != nil {
		return nil, nil, err
	}
	r := &Result{Engine: "golxmert " + lxrt.Version(), Device: string(b.Kind), OnCUDA: b.Kind == backend.KindCUDA}
	if device, _, _ := strings.Cut(b.Devices[0], " ["); b.Kind != backend.KindGo {
		r.Device += ", " + device
	}
	r.Opening.LibraryS = time.Since(start).Seconds()
	return b, r, nil
}
