package bench

import "math"

// Report is what [Forward] found. Times in rows are milliseconds, all others seconds; memory is bytes.
type Report struct {
	Version string  `json:"version"` // of this library
	Machine Machine `json:"machine"`
	Model   Model   `json:"model"`
	Repeat  int     `json:"repeat"` // timed runs per batch size and process
	Rounds  int     `json:"rounds"`

	// Peak is the fastest matrix product of the backend, the best of all processes.
	Peak Peak `json:"peak"`
	Ours Side `json:"ours"`
	// Torch is PyTorch under each of its settings. Empty: it was not measured.
	Torch []Side `json:"torch,omitempty"`
	// TorchMapped is PyTorch opening the weights by mapping them into memory, up to the first output. Nil: it cannot.
	TorchMapped *Side `json:"torch_mapped,omitempty"`
	// Versus compares the batch sizes with the better of PyTorch's settings.
	Versus []Versus `json:"versus,omitempty"`
	// Opening is PyTorch's shortest time to the first output divided by ours, OpeningAnew by ours where it compiled. 0: it was
	// not measured.
	Opening     float64 `json:"torch_over_ours_opening,omitempty"`
	OpeningAnew float64 `json:"torch_over_ours_opening_anew,omitempty"`
	// Difference is the largest difference of the two engines' logits, divided by the largest logit.
	Difference *float64 `json:"logits_difference,omitempty"`
}

// Machine is where the numbers were measured.
type Machine struct {
	OS    string `json:"os"`
	Arch  string `json:"arch"`
	CPU   string `json:"cpu,omitempty"`
	Cores int    `json:"cores"` // that this process may use
}

// Model is what was measured.
type Model struct {
	Weights    string  `json:"weights"` // file name, or the generator
	FileBytes  int64   `json:"file_bytes"`
	Parameters int     `json:"parameters"`
	Answers    int     `json:"answers"` // classes of out.task, or of pre-training's out.qa
	Words      int     `json:"words"`
	Regions    int     `json:"regions"`
	DType      string  `json:"dtype"`
	FLOPs      float64 `json:"flops_per_example"` // of the whole model, by lxmert.FLOPs
}

// Side is one engine's measurements, of all its processes under one setting.
type Side struct {
	Engine    string  `json:"engine"`
	Device    string  `json:"device,omitempty"`
	Setting   string  `json:"setting,omitempty"` // environment of the process; "": nothing set
	Threads   int     `json:"threads,omitempty"` // 0: all cores that the process may use
	Processes int     `json:"processes"`
	Rows      []Row   `json:"rows"`
	Opening   Opening `json:"opening"`          // of the process that was fastest
	MedianS   float64 `json:"opening_median_s"` // of Opening.TotalS
	// Anew is ours only: the first process, which compiled; Opening and MedianS are then of the others, which found its
	// programs. Nil: there was one process, and Opening is its own.
	Anew    *Opening `json:"opening_anew,omitempty"`
	PeakRSS int64    `json:"peak_rss_bytes"` // largest of all processes, weights in the page cache included; 0: not known
	// PeakDevice is the most memory in use on a GPU by any of the processes; 0: not known.
	PeakDevice int64 `json:"peak_device_bytes,omitempty"`
}

// Row is one batch size.
type Row struct {
	Batch    int     `json:"batch"`
	BestMS   float64 `json:"best_ms"`
	MedianMS float64 `json:"median_ms"`
	// Examples per second, GFLOP/s and its share of the peak (0 to 1; 0: no peak was measured) follow from BestMS.
	Examples float64 `json:"examples_per_s"`
	GFLOPS   float64 `json:"gflop_per_s"`
	Share    float64 `json:"share_of_peak,omitempty"`
	// CompileS is the first run less a usual one, in the process where that took longest: ours find programs that an earlier
	// one compiled. The first batch size reads the weights at the same time.
	CompileS float64 `json:"compile_s"`
	Runs     int     `json:"runs"`
}

// Opening is the time from starting a process to its first output, and its parts.
type Opening struct {
	TotalS   float64 `json:"total_s"`   // as the starting process sees it
	StartS   float64 `json:"start_s"`   // until the program's own code runs
	LibraryS float64 `json:"library_s"` // PyTorch: importing it; ours: opening the backend
	LoadS    float64 `json:"load_s"`    // PyTorch: reading the weights; ours: opening their file
	CompileS float64 `json:"compile_s"` // ours only: compiling, and reading the weights meanwhile
	ForwardS float64 `json:"forward_s"`
}

// Versus compares one batch size. Ratios are PyTorch's time divided by ours: above 1, ours is faster.
type Versus struct {
	Batch         int     `json:"batch"`
	OursBestMS    float64 `json:"ours_best_ms"`
	OursMedianMS  float64 `json:"ours_median_ms"`
	TorchBestMS   float64 `json:"torch_best_ms"`
	TorchMedianMS float64 `json:"torch_median_ms"`
	RatioBest     float64 `json:"ratio_best"`
	RatioMedian   float64 `json:"ratio_median"`
}

// Result is what one measured process says of itself.
type Result struct {
	Engine  string   `json:"engine"`
	Device  string   `json:"device"`
	OnCUDA  bool     `json:"on_cuda"`
	Threads int      `json:"threads"`
	Opening Opening  `json:"opening"` // TotalS and StartS are filled by who started the process
	Rows    []Timing `json:"rows"`
	PeakRSS int64    `json:"peak_rss_bytes"`
	// PeakDevice is the most memory in use on a GPU; 0: not known.
	PeakDevice int64       `json:"peak_device_bytes,omitempty"`
	Peak       Peak        `json:"peak"`
	Logits     [][]float32 `json:"logits,omitempty"` // of the first batch size
	Losses     []float64   `json:"losses,omitempty"` // of the first training steps
}

// Timing is all runs of one batch size.
type Timing struct {
	Batch    int       `json:"batch"`
	TimesMS  []float64 `json:"times_ms"`
	CompileS float64   `json:"compile_s"`
}

// newSide sums up the processes of one engine under one setting. flops is the work of one example, peak the GFLOP/s to
// compare with (0: none).
func newSide(results []Result, setting string, flops, peak float64) Side {
	s := Side{Setting: setting, Processes: len(results), Rows: []Row{}}
	for _, r := range results {
		s.Engine, s.Device, s.Threads = r.Engine, r.Device, r.Threads
		s.PeakRSS, s.PeakDevice = max(s.PeakRSS, r.PeakRSS), max(s.PeakDevice, r.PeakDevice)
	}
	s.opened(results)
	for i, first := range results[0].Rows {
		var times []float64
		compile := 0.0
		for _, r := range results {
			times = append(times, r.Rows[i].TimesMS...)
			compile = max(compile, r.Rows[i].CompileS)
		}
		row := Row{Batch: first.Batch, BestMS: best(times), MedianMS: median(times), CompileS: compile, Runs: len(times)}
		row.Examples = ratio(1000*float64(row.Batch), row.BestMS)
		row.GFLOPS = row.Examples * flops / 1e9
		row.Share = ratio(row.GFLOPS, peak)
		s.Rows = append(s.Rows, row)
	}
	return s
}

// opened sums up how the processes opened.
func (s *Side) opened(results []Result) {
	s.Opening = Opening{TotalS: math.Inf(1)}
	var totals []float64
	for _, r := range results {
		totals = append(totals, r.Opening.TotalS)
		if r.Opening.TotalS < s.Opening.TotalS {
			s.Opening = r.Opening
		}
	}
	s.MedianS = median(totals)
}

// compare sets our rows against the better of PyTorch's settings, row by row.
func compare(ours Side, torch []Side) []Versus {
	var out []Versus
	for i, row := range ours.Rows {
		v := Versus{Batch: row.Batch, OursBestMS: row.BestMS, OursMedianMS: row.MedianMS, TorchBestMS: math.Inf(1), TorchMedianMS: math.Inf(1)}
		for _, side := range torch {
			v.TorchBestMS = min(v.TorchBestMS, side.Rows[i].BestMS)
			v.TorchMedianMS = min(v.TorchMedianMS, side.Rows[i].MedianMS)
		}
		v.RatioBest, v.RatioMedian = ratio(v.TorchBestMS, v.OursBestMS), ratio(v.TorchMedianMS, v.OursMedianMS)
		out = append(out, v)
	}
	return out
}

// difference is the largest difference of two engines' logits relative to the largest logit; NaN if they are of
// different sizes or not numbers.
func difference(a, b [][]float32) float64 {
	if len(a) != len(b) || len(a) == 0 {
		return math.NaN()
	}
	largest, worst := 0.0, 0.0
	for n := range a {
		if len(a[n]) != len(b[n]) {
			return math.NaN()
		}
		for c := range a[n] {
			largest = max(largest, math.Abs(float64(b[n][c])))
			worst = max(worst, math.Abs(float64(a[n][c])-float64(b[n][c])))
		}
	}
	if worst == 0 {
		return 0
	}
	return worst / largest
}
