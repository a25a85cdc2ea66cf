package bench

import (
	"fmt"
	"io"
	"strings"
)

// PatchingReport is what [Patching] found. Times are milliseconds of a whole run in rows, whose batch is the number of nodes,
// and of one node in Versus.
type PatchingReport struct {
	Version string  `json:"version"` // of this library
	Machine Machine `json:"machine"`
	Model   Model   `json:"model"`
	Repeat  int     `json:"repeat"`
	Rounds  int     `json:"rounds"`

	Ours   Side             `json:"ours"`            // rows: exact, by attribution
	Torch  []Side           `json:"torch,omitempty"` // one node to a pass, under each of its settings; empty: it was not measured
	Versus []PatchingVersus `json:"versus,omitempty"`
	// Difference is how far what patching changes differs, relative to the largest change.
	Difference *float64 `json:"difference,omitempty"`
}

// patchingWays are what the rows of [PatchingReport].Ours are.
var patchingWays = []string{"exact", "attribution"}

// PatchingVersus compares the medians of one of our ways with the better of PyTorch's settings. Ratio is PyTorch's time per
// node divided by ours: above 1, ours is faster.
type PatchingVersus struct {
	Way     string  `json:"way"` // "exact" or "attribution"
	Nodes   int     `json:"nodes"`
	OursMS  float64 `json:"ours_ms"`
	TorchMS float64 `json:"torch_ms"`
	Ratio   float64 `json:"ratio"`
}

// Print writes the report as tables for a reader.
func (r *PatchingReport) Print(w io.Writer) error {
	var b strings.Builder
	m := r.Model
	fmt.Fprintf(&b, "patching heads and levels: %.1f M parameters, %d words, %d regions, %s\n", float64(m.Parameters)/1e6, m.Words, m.Regions, m.DType)
	writeEngines(&b, m, r.Machine, r.Ours, r.Torch)
	b.WriteByte('\n')
	t := newTable(&b, "", "nodes", "best ms", "median ms", "nodes/s", "compile s", "peak memory")
	row := func(name string, x Row, memoryOf int64) {
		t.row(name, x.Batch, milli(x.BestMS), milli(x.MedianMS), fmt.Sprintf("%.2f", ratio(1000*float64(x.Batch), x.MedianMS)), fmt.Sprintf("%.1f", x.CompileS), memory(memoryOf))
	}
	for i, x := range r.Ours.Rows {
		row("golxmert, "+patchingWays[i], x, r.Ours.PeakRSS)
	}
	for _, s := range r.Torch {
		row(torchName(s.Setting), s.Rows[0], s.PeakRSS)
	}
	t.Flush()
	if len(r.Versus) > 0 {
		b.WriteByte('\n')
		t = newTable(&b, "", "ms per node", "torch/golxmert")
		for _, v := range r.Versus {
			t.row(v.Way, fmt.Sprintf("%.3g", v.OursMS), fmt.Sprintf("%.2f", v.Ratio))
		}
		t.Flush()
		fmt.Fprintf(&b, "Medians, of PyTorch those of the better setting, which patches one node in each forward pass. What patching changes\ndiffers by %.1e of the largest change at most. Attribution patching estimates what the others compute.\n", *r.Difference)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
