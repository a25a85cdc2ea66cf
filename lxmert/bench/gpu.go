package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// This file measures what somebody wants to know who has a GPU for a quarter of an hour.

// GPUOptions are those of [GPU]. The zero value of a field is its default.
type GPUOptions struct {
	Options        // Peer, Backend (default "cuda"), Words, Regions, Threads, Side, Sizes, Repeat (default 10), Self and Log
	Dir     string // for results and weights
	Golden  string // folder with outputs of the original, as testdata/golden/model-1; "": they are not compared
	// MaxBatch makes larger batches this large; 0: none.
	MaxBatch int
	Limit    time.Duration // for one measurement; default two minutes
}

// GPURow is one measurement.
type GPURow struct {
	Name    string  `json:"name"`
	Version string  `json:"version"` // of this library
	Device  string  `json:"device,omitempty"`
	Torch   string  `json:"torch,omitempty"` // version and device of the peer
	Seconds float64 `json:"seconds"`         // that the measurement took
	Error   string  `json:"error,omitempty"` // "": it was made

	Batch    int     `json:"batch,omitempty"`
	BestMS   float64 `json:"best_ms,omitempty"` // of a batch
	Examples float64 `json:"examples_per_s,omitempty"`
	CompileS float64 `json:"compile_s,omitempty"`
	// PeakDevice is the most memory in use on the GPU, TorchPeakDevice PyTorch's, in bytes.
	PeakDevice      int64 `json:"peak_device_bytes,omitempty"`
	TorchPeakDevice int64 `json:"torch_peak_device_bytes,omitempty"`
	// TorchMS are PyTorch's best times of as many examples, eager and through torch.compile.
	TorchMS         float64 `json:"torch_ms,omitempty"`
	TorchCompiledMS float64 `json:"torch_compiled_ms,omitempty"`
	// ColdS and WarmS are from starting a process to its first output, where programs are compiled and where a process before did.
	ColdS float64 `json:"cold_start_s,omitempty"`
	WarmS float64 `json:"warm_start_s,omitempty"`
	// Difference is the largest from the original's outputs, or from PyTorch's losses or outputs.
	Difference *float64 `json:"difference,omitempty"`
}

// gpuRow says what a row measures.
type gpuRow struct {
	what       string // "golden", "train", "forward", "explain" or "start"
	batch      int
	bf16, tf32 bool
}

// gpuRows are in order of worth.
var gpuRows = []gpuRow{
	{what: "golden"},
	{what: "train", batch: 32, bf16: true},
	{what: "train", batch: 256, bf16: true},
	{what: "train", batch: 32, tf32: true},
	{what: "explain", batch: 32, bf16: true},
	{what: "forward", batch: 512, bf16: true},
	{what: "start", batch: 1, bf16: true},
	{what: "train", batch: 32},
	{what: "train", batch: 256, tf32: true},
	{what: "forward", batch: 512, tf32: true},
	{what: "explain", batch: 32, tf32: true},
	{what: "train", batch: 256},
	{what: "forward", batch: 512},
}

func (r gpuRow) name() string {
	switch {
	case r.what == "golden":
		return r.what
	case r.bf16:
		return fmt.Sprintf("%s-%d-bf16", r.what, r.batch)
	case r.tf32:
		return fmt.Sprintf("%s-%d-tf32", r.what, r.batch)
	}
	return fmt.Sprintf("%s-%d-float32", r.what, r.batch)
}

// GPU measures row by row, the most wanted first, and writes each into a file of its own when it is done. Rows that are there are
// not measured again; those that failed are. The error of a row stands in the report.
func GPU(ctx context.Context, o GPUOptions) (*GPUReport, error) {
	set(&o.Repeat, 10)
	if o.Limit == 0 {
		o.Limit = 2 * time.Minute
	}
	if o.Backend == "" {
		o.Backend = string(backend.KindCUDA)
	}
	set(&o.Rounds, 1)
	load := o.Load
	o.Options = o.Options.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	if err := checkRows(o.Dir, o.MaxBatch); err != nil {
		return nil, err
	}
	if o.Golden != "" && !exists(goldenForward(o.Golden)) {
		return nil, fmt.Errorf("%w: --golden %s: there is no %s", ErrOptions, o.Golden, goldenForward(o.Golden))
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, err
	}
	if err := backend.Ready(ctx, o.Backend); err != nil {
		return nil, err
	}
	compiles := false
	if o.Peer != "" {
		dir, remove, err := temporary()
		if err != nil {
			return nil, err
		}
		t, err := findTorch(ctx, o.Peer, dir)
		remove()
		if err != nil {
			return nil, err
		}
		compiles = t.about.Compile
	}
	if load == "" {
		o.Load = filepath.Join(o.Dir, "weights.pth")
		if !exists(o.Load) {
			fmt.Fprintf(o.Log, "bench: making weights (%d MB)\n", 4*o.Sizes.NumParams()/1e6)
			if err := writeSynthetic(ctx, o.Load, o.Sizes); err != nil {
				return nil, err
			}
		}
	}
	report := &GPUReport{Machine: thisMachine(), Dir: o.Dir}
	for _, row := range o.rows() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		file := filepath.Join(o.Dir, row.name()+".json")
		found, err := readRow[GPURow](file)
		if err != nil {
			return nil, err
		}
		if found == nil || found.Error != "" {
			fmt.Fprintf(o.Log, "bench: %s\n", row.name())
			found = o.measure(ctx, row, compiles)
			if err := ctx.Err(); err != nil {
				return nil, err // what was cut short is no result
			}
			if err := writeRow(file, found); err != nil {
				return nil, err
			}
			fmt.Fprintf(o.Log, "bench: %s\n", found)
		}
		report.Rows = append(report.Rows, *found)
	}
	return report, nil
}

// rows are those that can be measured, each once.
func (o GPUOptions) rows() (rows []gpuRow) {
	for _, r := range gpuRows {
		if o.MaxBatch > 0 {
			r.batch = min(r.batch, o.MaxBatch)
		}
		if (r.what != "golden" || o.Golden != "") && !slices.Contains(rows, r) {
			rows = append(rows, r)
		}
	}
	return rows
}

// measure makes a row.
func (o GPUOptions) measure(ctx context.Context, row gpuRow, compiles bool) *GPURow {
	begun := time.Now()
	limited, cancel := context.WithTimeout(ctx, o.Limit)
	defer cancel()
	r := &GPURow{Name: row.name(), Version: lxrt.Version(), Batch: row.batch}
	run := o.Options
	run.BF16, run.TF32, run.Batches, run.Log = row.bf16, row.tf32, []int{row.batch}, io.Discard
	var err error
	switch row.what {
	case "golden":
		err = r.golden(limited, o)
	case "train":
		err = r.train(limited, TrainOptions{Options: run, Compile: compiles && o.Peer != ""})
	case "explain":
		err = r.explain(limited, run)
	case "start":
		run.Rounds = 2
		err = r.forward(limited, run)
	default:
		err = r.forward(limited, run)
		r.ColdS, r.WarmS = 0, 0
	}
	if errors.Is(limited.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("it took longer than %s, which --limit allows", o.Limit)
	}
	if err != nil {
		r.Error = err.Error()
	}
	r.Seconds = time.Since(begun).Seconds()
	return r
}

func (r *GPURow) golden(ctx context.Context, o GPUOptions) error {
	p, err := o.Runs.ours(job{Golden: &goldenSpec{Folder: o.Golden, Backend: o.Backend}}, true)
	if err != nil {
		return err
	}
	var result Result
	if _, err := p.Run(ctx, &result); err != nil {
		return err
	}
	if len(result.Losses) != 1 {
		return errors.New("golxmert answered with no difference")
	}
	r.Device, r.Difference = result.Device, &result.Losses[0]
	if !(*r.Difference <= goldenTolerance) {
		return fmt.Errorf("outputs differ from the original's by %.1e of the largest, %.0e is allowed", *r.Difference, goldenTolerance)
	}
	return nil
}

// take fills in what our side did, of one batch size.
func (r *GPURow) take(s Side) {
	row := s.Rows[0]
	r.Device, r.Batch, r.BestMS, r.Examples, r.CompileS, r.PeakDevice = s.Device, row.Batch, row.BestMS, row.Examples, row.CompileS, s.PeakDevice
}

// takeTorch fills in PyTorch's side; each time is of so many of our batches.
func (r *GPURow) takeTorch(s Side, batches float64) {
	r.Torch = s.Engine + ", " + s.Device
	to := &r.TorchMS
	if s.Setting == compiled {
		to = &r.TorchCompiledMS
	}
	if ms := s.Rows[0].BestMS * batches; *to == 0 || ms < *to {
		*to = ms
	}
	if r.TorchPeakDevice == 0 || s.PeakDevice < r.TorchPeakDevice {
		r.TorchPeakDevice = s.PeakDevice
	}
}

func (r *GPURow) train(ctx context.Context, o TrainOptions) error {
	report, err := Train(ctx, o)
	if err != nil {
		return err
	}
	r.take(report.Ours.side())
	for _, t := range report.Torch {
		r.takeTorch(t.side(), 1)
	}
	r.Difference = report.LossDifference
	return nil
}

func (r *GPURow) explain(ctx context.Context, o Options) error {
	report, err := Analysis(ctx, o)
	if err != nil {
		return err
	}
	r.take(report.Ours)
	for _, s := range report.TorchMapsOnly {
		r.takeTorch(s, float64(r.Batch)) // one at a time
	}
	r.Difference = report.Difference
	return nil
}

func (r *GPURow) forward(ctx context.Context, o Options) error {
	report, err := Forward(ctx, o)
	if err != nil {
		return err
	}
	r.take(report.Ours)
	r.WarmS = report.Ours.Opening.TotalS
	if anew := report.Ours.Anew; anew != nil {
		r.ColdS = anew.TotalS
	}
	for _, s := range report.Torch {
		r.takeTorch(s, 1)
	}
	r.Difference = report.Difference
	return nil
}

// ratio is PyTorch's best time over ours, 0 where there is none.
func (r *GPURow) ratio() float64 {
	theirs := r.TorchMS
	if ms := r.TorchCompiledMS; ms > 0 && (theirs == 0 || ms < theirs) {
		theirs = ms
	}
	return ratio(theirs, r.BestMS)
}
