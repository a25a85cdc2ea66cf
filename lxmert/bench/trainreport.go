package bench

import (
	"fmt"
	"io"
	"strings"
)

// TrainReport is what [Train] found. Times in rows are milliseconds, all others seconds; memory is bytes.
type TrainReport struct {
	Version string  `json:"version"` // of this library
	Machine Machine `json:"machine"`
	Model   Model   `json:"model"`  // FLOPs are three times those of the forward pass
	Repeat  int     `json:"repeat"` // timed steps per batch size and process
	Rounds  int     `json:"rounds"`
	// Pretrain: steps of pre-training. Operations count as the published loss has them, with the masked-word head at every word.
	Pretrain bool `json:"pretrain,omitempty"`

	// How our side made its steps; see [TrainOptions].
	LoRA          int  `json:"lora,omitempty"`
	Rematerialize bool `json:"rematerialize"`
	Accumulate    int  `json:"accumulate"`
	Devices       int  `json:"devices"`

	// Peak is the fastest matrix product of the backend, the best of all processes.
	Peak Peak      `json:"peak"`
	Ours TrainSide `json:"ours"`
	// Torch is PyTorch under each of its settings. Empty: it was not measured.
	Torch []TrainSide `json:"torch,omitempty"`
	// Versus compares the batch sizes with the better of PyTorch's settings.
	Versus []TrainVersus `json:"versus,omitempty"`
	// Losses are those of our first steps without dropout, LossDifference how far PyTorch's are from them at most,
	// relative to PyTorch's.
	Losses         []float64 `json:"losses,omitempty"`
	LossDifference *float64  `json:"loss_difference,omitempty"`
}

// TrainSide is one engine's measurements under one setting.
type TrainSide struct {
	Engine  string     `json:"engine"`
	Device  string     `json:"device,omitempty"`
	Setting string     `json:"setting,omitempty"` // environment of the process, or "torch.compile"; "": nothing set
	Threads int        `json:"threads,omitempty"` // 0: all cores that the process may use
	Rows    []TrainRow `json:"rows"`
}

// TrainRow is one batch size.
type TrainRow struct {
	Row
	Processes int   `json:"processes"`
	PeakRSS   int64 `json:"peak_rss_bytes"` // of the host, largest of the processes; 0: not known
	// PeakDevice is the most memory in use on a GPU; 0: not known.
	PeakDevice int64 `json:"peak_device_bytes,omitempty"`
}

// TrainVersus compares one batch size. Ratios are what PyTorch needs divided by what we need: above 1, ours is better.
type TrainVersus struct {
	Versus
	OursPeakRSS  int64   `json:"ours_peak_rss_bytes"`
	TorchPeakRSS int64   `json:"torch_peak_rss_bytes"`   // the smaller of the settings'
	RatioMemory  float64 `json:"ratio_memory,omitempty"` // 0: not known
}

// newTrainSide sums up the processes of each batch size, as newSide does.
func newTrainSide(results [][]Result, setting string, flops, peak float64) TrainSide {
	var t TrainSide
	for _, ofBatch := range results {
		s := newSide(ofBatch, setting, flops, peak)
		t.Engine, t.Device, t.Setting, t.Threads = s.Engine, s.Device, s.Setting, s.Threads
		t.Rows = append(t.Rows, TrainRow{Row: s.Rows[0], Processes: s.Processes, PeakRSS: s.PeakRSS, PeakDevice: s.PeakDevice})
	}
	return t
}

// side has what is measured of any method: the rows, and the most memory that one of them took on a GPU.
func (t TrainSide) side() Side {
	s := Side{Engine: t.Engine, Device: t.Device, Setting: t.Setting}
	for _, row := range t.Rows {
		s.Rows = append(s.Rows, row.Row)
		s.PeakDevice = max(s.PeakDevice, row.PeakDevice)
	}
	return s
}

// compareTraining sets our rows against the better of PyTorch's settings, number by number.
func compareTraining(ours TrainSide, torch []TrainSide) []TrainVersus {
	var sides []Side
	for _, t := range torch {
		sides = append(sides, t.side())
	}
	var out []TrainVersus
	for i, v := range compare(ours.side(), sides) {
		t := TrainVersus{Versus: v, OursPeakRSS: ours.Rows[i].PeakRSS}
		for _, side := range torch {
			if rss := side.Rows[i].PeakRSS; t.TorchPeakRSS == 0 || rss > 0 && rss < t.TorchPeakRSS {
				t.TorchPeakRSS = rss
			}
		}
		t.RatioMemory = ratio(float64(t.TorchPeakRSS), float64(t.OursPeakRSS))
		out = append(out, t)
	}
	return out
}

// Print writes the report as tables for a reader.
func (r *TrainReport) Print(w io.Writer) error {
	var b strings.Builder
	m := r.Model
	what := "training step"
	if r.Pretrain {
		what = "step of pre-training"
	}
	fmt.Fprintf(&b, "%s: %.1f M parameters, %d answers, %d words, %d regions, %s, dropout %g, BertAdam, %.4g GFLOP per example\n",
		what, float64(m.Parameters)/1e6, m.Answers, m.Words, m.Regions, m.DType, dropout, m.FLOPs/1e9)
	fmt.Fprintf(&b, "weights:  %s, %s\n", m.Weights, megabytes(m.FileBytes))
	fmt.Fprintf(&b, "machine:  %s\n", r.Machine)
	fmt.Fprintf(&b, "engine:   %s on %s%s\n", r.Ours.Engine, r.Ours.Device, r.how())
	if len(r.Torch) > 0 {
		fmt.Fprintf(&b, "peer:     %s on %s, %s\n", r.Torch[0].Engine, r.Torch[0].Device, plural(r.Torch[0].Threads, "thread"))
	}
	fmt.Fprintf(&b, "peak:     %.0f GFLOP/s, the fastest of the products tried on this backend (%s)\n\n", r.Peak.GFLOPS, r.Peak.Product)

	t := newTable(&b, "batch", "best ms", "median ms", "examples/s", "GFLOP/s", "of peak", "compile s", "peak memory")
	for _, row := range r.Ours.Rows {
		t.row(row.Batch, milli(row.BestMS), milli(row.MedianMS), fmt.Sprintf("%.1f", row.Examples), fmt.Sprintf("%.1f", row.GFLOPS),
			fmt.Sprintf("%.0f%%", 100*row.Share), fmt.Sprintf("%.1f", row.CompileS), memory(row.PeakRSS))
	}
	t.Flush()
	fmt.Fprintf(&b, "%s per row in %s; rates follow from the best. Operations count as three forward passes.\n",
		plural(r.Ours.Rows[0].Runs, "step"), plural(r.Ours.Rows[0].Processes, "process"))
	if len(r.Versus) > 0 {
		b.WriteByte('\n')
		r.printVersus(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// how is what our side does differently from usual.
func (r *TrainReport) how() string {
	s := ""
	if r.LoRA > 0 {
		s += fmt.Sprintf(", adapters of rank %d", r.LoRA)
	}
	if r.Rematerialize {
		s += ", activations computed twice"
	}
	if r.Accumulate > 1 {
		s += fmt.Sprintf(", batches in %d parts", r.Accumulate)
	}
	if r.Devices > 1 {
		s += fmt.Sprintf(", %d devices", r.Devices)
	}
	return s
}

func (r *TrainReport) printVersus(b *strings.Builder) {
	t := newTable(b, "batch", "", "best ms", "median", "examples/s", "peak memory")
	row := func(name string, row TrainRow) {
		t.row(row.Batch, name, milli(row.BestMS), milli(row.MedianMS), fmt.Sprintf("%.1f", row.Examples), memory(row.PeakRSS))
	}
	for i := range r.Ours.Rows {
		row("golxmert", r.Ours.Rows[i])
		for _, side := range r.Torch {
			row(torchName(side.Setting), side.Rows[i])
		}
	}
	t.Flush()
	b.WriteByte('\n')
	t = newTable(b, "batch", "torch/golxmert best", "median", "peak memory")
	for _, v := range r.Versus {
		t.row(v.Batch, fmt.Sprintf("%.2f", v.RatioBest), fmt.Sprintf("%.2f", v.RatioMedian), quotient(v.RatioMemory))
	}
	t.Flush()
	fmt.Fprintf(b, "The best of torch's settings, number by number. Above 1, golxmert needs less.\nWithout dropout the first losses of both differ by %.1e at most.\n", *r.LossDifference)
}
