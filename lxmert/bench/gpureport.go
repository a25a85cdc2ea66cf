package bench

import (
	"fmt"
	"io"
	"strings"
)

// GPUReport is what [GPU] has found so far, in this call and in earlier ones.
type GPUReport struct {
	Machine Machine  `json:"machine"`
	Dir     string   `json:"folder"` // with the results
	Rows    []GPURow `json:"rows"`
}

// Failed is how many rows could not be measured.
func (r *GPUReport) Failed() (n int) {
	for _, row := range r.Rows {
		if row.Error != "" {
			n++
		}
	}
	return n
}

// String is a row in a line.
func (r *GPURow) String() string {
	if r.Error != "" {
		return r.Name + " failed: " + strings.Join(strings.Fields(r.Error), " ")
	}
	text := r.Name
	if r.BestMS > 0 {
		text += fmt.Sprintf(": best %s ms, %.1f examples/s", milli(r.BestMS), r.Examples)
	}
	if q := r.ratio(); q > 0 {
		text += fmt.Sprintf(", torch takes %.2f times as long", q)
	}
	if r.BestMS == 0 && r.Difference != nil {
		text += fmt.Sprintf(": within %.1e of the original", *r.Difference)
	}
	return text
}

// Print writes the report as tables for a reader.
func (r *GPUReport) Print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "machine:  %s\n", r.Machine)
	for _, row := range r.Rows {
		if row.Device != "" {
			fmt.Fprintf(&b, "device:   %s\n", row.Device)
			break
		}
	}
	for _, row := range r.Rows {
		if row.Torch != "" {
			fmt.Fprintf(&b, "peer:     %s\n", row.Torch)
			break
		}
	}
	fmt.Fprintf(&b, "results:  %s\n\n", r.Dir)
	t := newTable(&b, "", "best ms", "examples/s", "torch ms", "compiled", "torch/golxmert", "GPU memory", "torch's", "compile s", "difference")
	known := func(x float64, text string) string {
		if x == 0 {
			return "-"
		}
		return text
	}
	number := func(format string, x float64) string { return known(x, fmt.Sprintf(format, x)) }
	ms := func(x float64) string { return known(x, milli(x)) }
	bytes := func(n int64) string { return known(float64(n), megabytes(n)) }
	for _, row := range r.Rows {
		if row.Error != "" {
			continue
		}
		difference := "-"
		if row.Difference != nil {
			difference = fmt.Sprintf("%.1e", *row.Difference)
		}
		t.row(row.Name, ms(row.BestMS), number("%.1f", row.Examples), ms(row.TorchMS), ms(row.TorchCompiledMS), number("%.2f", row.ratio()),
			bytes(row.PeakDevice), bytes(row.TorchPeakDevice), number("%.1f", row.CompileS), difference)
	}
	t.Flush()
	for _, row := range r.Rows {
		if row.WarmS > 0 && row.Error == "" {
			fmt.Fprintf(&b, "From starting a process to its first output: %.2f s", row.WarmS)
			if row.ColdS > 0 {
				fmt.Fprintf(&b, ", and %.2f s where it compiles", row.ColdS)
			}
			b.WriteString(".\n")
		}
	}
	for _, row := range r.Rows {
		if row.Error != "" {
			fmt.Fprintln(&b, row.String())
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
