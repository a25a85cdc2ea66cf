package bench

import (
	"fmt"
	"io"
	"strings"
)

// DataReport is what [Data] found. Memory is bytes, MB are millions of them; times are seconds, of batches milliseconds.
type DataReport struct {
	Version string   `json:"version"` // of this library
	Machine Machine  `json:"machine"`
	File    DataFile `json:"file"`
	Batch   int      `json:"batch"`  // images of a batch
	Repeat  int      `json:"repeat"` // timed batches per process
	Rounds  int      `json:"rounds"`

	Ours   DataSide    `json:"ours"`
	Python *DataSide   `json:"python,omitempty"` // the reference's way. Nil: it was not measured
	Versus *DataVersus `json:"versus,omitempty"`
}

// DataFile is the TSV.
type DataFile struct {
	Bytes    int64 `json:"bytes"`
	Images   int   `json:"images"`
	Regions  int   `json:"regions"`  // of each image
	Features int   `json:"features"` // of each region
}

// DataSide is one engine's measurements.
type DataSide struct {
	Engine string `json:"engine"`
	// Reading all of the file: we pack it, once for all; the reference loads it at every start.
	ReadBestS   float64 `json:"read_best_s"`
	ReadMedianS float64 `json:"read_median_s"`
	ReadMBPerS  float64 `json:"read_mb_per_s"` // of text, from ReadBestS
	ReadPeakRSS int64   `json:"read_peak_rss_bytes"`
	StoreBytes  int64   `json:"store_bytes,omitempty"` // of the packed store; 0: there is none
	// What every start after the first costs: we open the store; the reference loads the file again.
	OpenBestS   float64 `json:"open_best_s"`
	OpenMedianS float64 `json:"open_median_s"`
	// Batches of random images: we read them from the store, the reference has them in memory.
	BatchBestMS   float64 `json:"batch_best_ms"`
	BatchMedianMS float64 `json:"batch_median_ms"`
	ImagesPerS    float64 `json:"images_per_s"`   // from BatchBestMS
	PeakRSS       int64   `json:"peak_rss_bytes"` // of the process that makes batches, largest of all; 0: not known
	Processes     int     `json:"processes"`
	Batches       int     `json:"batches"` // that were timed
}

// DataVersus are ratios: what Python needs divided by what we need. Above 1, ours is better.
type DataVersus struct {
	ReadBest    float64 `json:"ratio_read_best"`
	ReadMedian  float64 `json:"ratio_read_median"`
	OpenBest    float64 `json:"ratio_open_best"`
	OpenMedian  float64 `json:"ratio_open_median"`
	BatchBest   float64 `json:"ratio_batch_best"`
	BatchMedian float64 `json:"ratio_batch_median"`
	Memory      float64 `json:"ratio_memory,omitempty"`      // while batches are made; 0: not known
	ReadMemory  float64 `json:"ratio_read_memory,omitempty"` // while the file is read; 0: not known
}

// newDataSide sums up the processes that read all of the file, and those that made batches.
func newDataSide(reading, batches []dataResult, bytes int64, batch int) DataSide {
	s := DataSide{Engine: batches[0].Engine, Processes: len(batches)}
	var read, open, times []float64
	for _, r := range reading {
		read = append(read, r.LoadS)
		s.ReadPeakRSS, s.StoreBytes = max(s.ReadPeakRSS, r.PeakRSS), r.StoreBytes
	}
	for _, r := range batches {
		open, times = append(open, r.LoadS), append(times, r.TimesMS...)
		s.PeakRSS = max(s.PeakRSS, r.PeakRSS)
	}
	s.ReadBestS, s.ReadMedianS = best(read), median(read)
	s.ReadMBPerS = ratio(float64(bytes)/1e6, s.ReadBestS)
	s.OpenBestS, s.OpenMedianS = best(open), median(open)
	s.BatchBestMS, s.BatchMedianMS, s.Batches = best(times), median(times), len(times)
	s.ImagesPerS = ratio(1000*float64(batch), s.BatchBestMS)
	return s
}

func compareData(ours, python DataSide) *DataVersus {
	return &DataVersus{
		ReadBest: ratio(python.ReadBestS, ours.ReadBestS), ReadMedian: ratio(python.ReadMedianS, ours.ReadMedianS),
		OpenBest: ratio(python.OpenBestS, ours.OpenBestS), OpenMedian: ratio(python.OpenMedianS, ours.OpenMedianS),
		BatchBest: ratio(python.BatchBestMS, ours.BatchBestMS), BatchMedian: ratio(python.BatchMedianMS, ours.BatchMedianMS),
		Memory:     ratio(float64(python.PeakRSS), float64(ours.PeakRSS)),
		ReadMemory: ratio(float64(python.ReadPeakRSS), float64(ours.ReadPeakRSS)),
	}
}

// Print writes the report as tables for a reader.
func (r *DataReport) Print(w io.Writer) error {
	var b strings.Builder
	f := r.File
	fmt.Fprintf(&b, "region features: a TSV of %s, %s of %s with %s\n", megabytes(f.Bytes), plural(f.Images, "image"), plural(f.Regions, "region"), plural(f.Features, "feature"))
	fmt.Fprintf(&b, "machine:  %s\n", r.Machine)
	fmt.Fprintf(&b, "engine:   %s, whose store takes %s\n", r.Ours.Engine, megabytes(r.Ours.StoreBytes))
	if r.Python != nil {
		fmt.Fprintf(&b, "peer:     %s, which keeps all images in memory\n", r.Python.Engine)
	}
	b.WriteByte('\n')

	t := newTable(&b, "", "best s", "median s", "MB/s", "peak memory")
	read := func(name string, s *DataSide) {
		t.row(name, seconds(s.ReadBestS), seconds(s.ReadMedianS), fmt.Sprintf("%.0f", s.ReadMBPerS), memory(s.ReadPeakRSS))
	}
	read("golxmert packs, once", &r.Ours)
	t.row("golxmert opens, every start", seconds(r.Ours.OpenBestS), seconds(r.Ours.OpenMedianS), "-", "-")
	if r.Python != nil {
		read("python loads, every start", r.Python)
	}
	t.Flush()
	fmt.Fprintf(&b, "\nbatches of %s at random:\n", plural(r.Batch, "image"))
	t = newTable(&b, "", "best ms", "median ms", "images/s", "peak memory")
	batches := func(name string, s *DataSide) {
		t.row(name, milli(s.BatchBestMS), milli(s.BatchMedianMS), fmt.Sprintf("%.0f", s.ImagesPerS), memory(s.PeakRSS))
	}
	batches("golxmert, from the store", &r.Ours)
	if r.Python != nil {
		batches("python, from memory", r.Python)
	}
	t.Flush()
	b.WriteString(perProcess(r.Ours.Batches, "batch", r.Ours.Processes))

	if v := r.Versus; v != nil {
		b.WriteString("\npython/golxmert:\n")
		t = newTable(&b, "", "best", "median", "peak memory")
		row := func(name string, best, median float64, memory string) {
			t.row(name, fmt.Sprintf("%.2f", best), fmt.Sprintf("%.2f", median), memory)
		}
		row("loading / packing", v.ReadBest, v.ReadMedian, quotient(v.ReadMemory))
		row("loading / opening", v.OpenBest, v.OpenMedian, "-")
		row("batches", v.BatchBest, v.BatchMedian, quotient(v.Memory))
		t.Flush()
		b.WriteString("Above 1, golxmert needs less. Both make the same batches, to the bit.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
