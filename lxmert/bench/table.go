package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Print writes the report as tables for a reader.
func (r *Report) Print(w io.Writer) error {
	var b strings.Builder
	m := r.Model
	fmt.Fprintf(&b, "forward pass to out.task: %.1f M parameters, %d answers, %d words, %d regions, %s, %.4g GFLOP per example\n",
		float64(m.Parameters)/1e6, m.Answers, m.Words, m.Regions, m.DType, m.FLOPs/1e9)
	writeEngines(&b, m, r.Machine, r.Ours, r.Torch)
	fmt.Fprintf(&b, "peak:     %.0f GFLOP/s, the fastest of the products tried on this backend (%s)\n\n", r.Peak.GFLOPS, r.Peak.Product)

	t := newTable(&b, "batch", "best ms", "median ms", "examples/s", "GFLOP/s", "of peak", "compile s")
	for _, row := range r.Ours.Rows {
		t.row(row.Batch, milli(row.BestMS), milli(row.MedianMS), fmt.Sprintf("%.1f", row.Examples), fmt.Sprintf("%.1f", row.GFLOPS),
			fmt.Sprintf("%.0f%%", 100*row.Share), fmt.Sprintf("%.1f", row.CompileS))
	}
	t.Flush()
	fmt.Fprintf(&b, "%s per row in %s; rates follow from the best. The first compilation also reads the weights.\n",
		plural(r.Ours.Rows[0].Runs, "run"), plural(r.Ours.Processes, "process"))

	if len(r.Versus) > 0 {
		b.WriteByte('\n')
		r.printVersus(&b)
	}
	b.WriteByte('\n')
	r.printOpening(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) printVersus(b *strings.Builder) {
	t := newTable(b, "batch", "golxmert best ms", "median", "torch best ms", "median", "torch/golxmert best", "median")
	for _, v := range r.Versus {
		t.row(v.Batch, milli(v.OursBestMS), milli(v.OursMedianMS), milli(v.TorchBestMS), milli(v.TorchMedianMS),
			fmt.Sprintf("%.2f", v.RatioBest), fmt.Sprintf("%.2f", v.RatioMedian))
	}
	t.Flush()
	if len(r.Torch) > 1 {
		fmt.Fprintf(b, "The better of torch with and without %s, row by row. ", r.Torch[0].Setting)
	}
	b.WriteString("Above 1, golxmert is faster.\n")
	if r.Difference != nil {
		fmt.Fprintf(b, "Both give the same logits: they differ by %.1e of the largest.\n", *r.Difference)
	}
}

func (r *Report) printOpening(b *strings.Builder) {
	fmt.Fprintf(b, "from starting a process to the first output (batch %d), seconds:\n", r.Ours.Rows[0].Batch)
	t := newTable(b, "", "best", "median", "start", "library", "weights", "compile", "forward", "peak memory")
	row := func(name string, s Side) {
		o := s.Opening
		cells := []any{name}
		for _, v := range []float64{o.TotalS, s.MedianS, o.StartS, o.LibraryS, o.LoadS, o.CompileS, o.ForwardS} {
			cells = append(cells, fmt.Sprintf("%.2f", v))
		}
		t.row(append(cells, memory(s.PeakRSS))...)
	}
	if r.Ours.Anew != nil {
		row("golxmert, the first time", Side{Opening: *r.Ours.Anew, MedianS: r.Ours.Anew.TotalS, PeakRSS: r.Ours.PeakRSS})
	}
	row("golxmert", r.Ours)
	for _, side := range r.Torch {
		row(torchName(side.Setting), side)
	}
	if r.TorchMapped != nil {
		row("torch, mmap", *r.TorchMapped)
	}
	t.Flush()
	if r.Opening > 0 {
		fmt.Fprintf(b, "torch/golxmert, best: %.2f", r.Opening)
		if r.OpeningAnew > 0 {
			fmt.Fprintf(b, ", and %.2f the first time", r.OpeningAnew)
		}
		b.WriteString(". ")
	}
	b.WriteString("The weights are read while the model compiles.")
	if r.Ours.Anew != nil {
		b.WriteString(" Later processes find what the first one compiled.")
	}
	b.WriteByte('\n')
}

// String is the machine in words.
func (m Machine) String() string {
	s := fmt.Sprintf("%s, %s/%s", plural(m.Cores, "core"), m.OS, m.Arch)
	if m.CPU != "" {
		s = m.CPU + ", " + s
	}
	return s
}

// table is a table with right-aligned columns.
type table struct{ *tabwriter.Writer }

func newTable(w io.Writer, heads ...any) table {
	t := table{tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)}
	t.row(heads...)
	return t
}

func (t table) row(cells ...any) {
	for _, c := range cells {
		fmt.Fprintf(t, "%v\t", c)
	}
	fmt.Fprintln(t)
}

// milli writes milliseconds with about four digits.
func milli(ms float64) string {
	switch {
	case ms >= 1000:
		return fmt.Sprintf("%.0f", ms)
	case ms >= 10:
		return fmt.Sprintf("%.1f", ms)
	}
	return fmt.Sprintf("%.3f", ms)
}

// megabytes writes bytes in units of a million.
func megabytes(n int64) string {
	if n < 10e6 {
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.0f MB", float64(n)/1e6)
}

// seconds writes seconds with about three digits.
func seconds(s float64) string {
	switch {
	case s >= 100:
		return fmt.Sprintf("%.0f", s)
	case s >= 0.1:
		return fmt.Sprintf("%.2f", s)
	}
	return fmt.Sprintf("%.4f", s)
}

// perProcess says how often something was timed.
func perProcess(n int, what string, processes int) string {
	return fmt.Sprintf("%s in %s; rates follow from the best.\n", plural(n, what), plural(processes, "process"))
}

// memory writes bytes that may not be known.
func memory(n int64) string {
	if n == 0 {
		return "not known"
	}
	return megabytes(n)
}

// quotient writes a ratio that may not be known.
func quotient(r float64) string {
	if r == 0 {
		return "not known"
	}
	return fmt.Sprintf("%.2f", r)
}

func plural(n int, what string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(what, "s"), strings.HasSuffix(what, "ch"):
		what += "es"
	default:
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// writeEngines says what was measured on what: the lines above a report's tables.
func writeEngines(b *strings.Builder, m Model, machine Machine, ours Side, torch []Side) {
	fmt.Fprintf(b, "weights:  %s, %s\n", m.Weights, megabytes(m.FileBytes))
	fmt.Fprintf(b, "machine:  %s\n", machine)
	fmt.Fprintf(b, "engine:   %s on %s\n", ours.Engine, ours.Device)
	if len(torch) > 0 {
		fmt.Fprintf(b, "peer:     %s on %s, %s\n", torch[0].Engine, torch[0].Device, plural(torch[0].Threads, "thread"))
	}
}
