package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// AheadReport is what [Ahead] has found so far, in this call and in earlier ones.
type AheadReport struct {
	Machine Machine      `json:"machine"`
	Dir     string       `json:"folder"` // with the results
	Plugin  string       `json:"plugin"` // that compiles
	Rows    []AheadRow   `json:"rows"`
	Wholes  []AheadWhole `json:"wholes"`
}

// AheadWhole is what a row's programs cost together, of training with the update: a whole step.
type AheadWhole struct {
	Name string `json:"name"`
	Cost Cost   `json:"cost"`
	JAX  *Cost  `json:"jax,omitempty"`
	// Ratio is JAX's time divided by ours. 0: JAX was not asked for.
	Ratio float64 `json:"ratio,omitempty"`
}

// sumUp adds what belongs together.
func (r *AheadReport) sumUp() {
	for _, row := range r.Rows {
		programs := row.Programs
		if strings.HasPrefix(row.Name, updating) || len(programs) == 0 {
			continue
		}
		if strings.HasPrefix(row.Name, "train-") {
			name := updateOf(strings.Contains(row.Name, "bf16"))
			update := slices.IndexFunc(r.Rows, func(row AheadRow) bool { return row.Name == name && len(row.Programs) > 0 })
			if update < 0 {
				continue
			}
			programs = slices.Concat(programs, r.Rows[update].Programs)
		}
		whole := AheadWhole{Name: row.Name}
		for _, p := range programs {
			whole.Cost.Add(p.Cost)
		}
		if row.JAX != nil {
			whole.JAX, whole.Ratio = &row.JAX.Cost, ratio(row.JAX.Cost.Seconds, whole.Cost.Seconds)
		}
		r.Wholes = append(r.Wholes, whole)
	}
}

// Failed is how many rows are not complete.
func (r *AheadReport) Failed() (n int) {
	for _, row := range r.Rows {
		if row.Error != "" {
			n++
		}
	}
	return n
}

// String is a row in a line.
func (r *AheadRow) String() string {
	if r.Error != "" {
		return r.Name + " failed: " + strings.Join(strings.Fields(r.Error), " ")
	}
	var all Cost
	for _, p := range r.Programs {
		all.Add(p.Cost)
	}
	return fmt.Sprintf("%s: %s, at least %s ms", r.Name, plural(all.Kernels, "kernel"), milli(1000*all.Seconds))
}

// Print writes the report as tables for a reader.
func (r *AheadReport) Print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "machine:  %s\ncompiler: %s, for an H100 that is not there\nresults:  %s\n\n", r.Machine, r.Plugin, r.Dir)
	t := newTable(&b, "", "program", "compiles", "in s", "argument MB", "output MB", "temporary MB", "in place MB", "kernels", "GFLOP", "GB moved", "at least ms")
	for _, row := range r.Rows {
		programs := slices.Clone(row.Programs)
		if row.JAX != nil {
			programs = append(programs, *row.JAX)
		}
		for _, p := range programs {
			t.row(row.Name, p.Name, p.how(), fmt.Sprintf("%.1f", p.CompileS), millions(p.Need.Arguments), millions(p.Need.Outputs), millions(p.Need.Temporary), millions(p.Need.Aliased),
				p.Cost.Kernels, operations(p.Cost.FLOPs), fmt.Sprintf("%.3f", p.Cost.Bytes/1e9), fmt.Sprintf("%.3f", 1000*p.Cost.Seconds))
		}
	}
	t.Flush()
	b.WriteString("Of a device where there are several. What compiles with cuBLAS does not with Triton's products without a GPU to try them on.\n\n")
	t = newTable(&b, "", "kernels", "GB moved", "at least ms", "JAX: kernels", "GB moved", "at least ms", "JAX/golxmert")
	for _, whole := range r.Wholes {
		cells := append([]any{whole.Name}, costCells(whole.Cost)...)
		if whole.JAX == nil {
			cells = append(cells, "-", "-", "-", "-")
		} else {
			cells = append(append(cells, costCells(*whole.JAX)...), fmt.Sprintf("%.2f", whole.Ratio))
		}
		t.row(cells...)
	}
	t.Flush()
	b.WriteString(`Training is a whole step, with the update. Milliseconds are reckoned: each kernel takes as long as its bytes at 80 % of an H100's
bandwidth or its products at 60 % of its tensor cores, and 2.5 us at least. A real one takes longer, and what the host does and transfers between
devices take comes on top. All else is what the compiler says.
`)
	for _, row := range r.Rows {
		if row.Error != "" {
			fmt.Fprintln(&b, row.String())
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func costCells(c Cost) []any {
	return []any{c.Kernels, fmt.Sprintf("%.3f", c.Bytes/1e9), fmt.Sprintf("%.3f", 1000*c.Seconds)}
}

// how says whether a program compiles with what XLA tries first.
func (p AheadProgram) how() string {
	if p.Fallback != "" {
		return "with cuBLAS"
	}
	return "yes"
}

// operations are floating-point operations by type, in billions.
func operations(flops map[string]float64) string {
	var list []string
	for _, t := range slices.Sorted(maps.Keys(flops)) {
		list = append(list, fmt.Sprintf("%s %.0f", t, flops[t]/1e9))
	}
	if list == nil {
		return "-"
	}
	return strings.Join(list, ", ")
}

// millions are bytes in megabytes, without the unit.
func millions(n int64) string { return strings.TrimSuffix(megabytes(n), " MB") }
