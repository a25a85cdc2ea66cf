package bench

import (
	"fmt"
	"io"
	"strings"
)

// AnalysisReport is what [Analysis] found. Times are milliseconds of a whole batch in rows, of one explanation in Versus. Of
// EMAP and Shapley values a batch is the single passes that one computation stands for, and an explanation is one of these.
type AnalysisReport struct {
	Version string  `json:"version"` // of this library
	Machine Machine `json:"machine"`
	Model   Model   `json:"model"`
	Method  string  `json:"method"` // what was measured, one of AnalysisMethods
	Repeat  int     `json:"repeat"`
	Rounds  int     `json:"rounds"`

	Ours Side `json:"ours"`
	// Torch is PyTorch in the published style, one example at a time with the gradients of all parameters, TorchMapsOnly
	// likewise with those of the attention maps alone; each under all of its settings. Empty: it was not measured.
	Torch         []Side           `json:"torch,omitempty"`
	TorchMapsOnly []Side           `json:"torch_maps_only,omitempty"`
	Versus        []AnalysisVersus `json:"versus,omitempty"`
	// Difference is how far the relevance of words and regions differs, relative to the largest.
	Difference *float64 `json:"difference,omitempty"`
}

// AnalysisVersus compares the medians of one of our batch sizes with the better of PyTorch's settings. Ratios are
// PyTorch's time per explanation divided by ours: above 1, ours is faster.
type AnalysisVersus struct {
	Batch           int     `json:"batch"`
	OursMS          float64 `json:"ours_ms"`
	TorchMS         float64 `json:"torch_ms"`
	TorchMapsOnlyMS float64 `json:"torch_maps_only_ms,omitempty"`
	Ratio           float64 `json:"ratio"`
	RatioMapsOnly   float64 `json:"ratio_maps_only,omitempty"`
}

// Print writes the report as tables for a reader.
func (r *AnalysisReport) Print(w io.Writer) error {
	var b strings.Builder
	m := r.Model
	fmt.Fprintf(&b, "%s: %.1f M parameters, %d words, %d regions, %s\n", aboutMethod[r.Method], float64(m.Parameters)/1e6, m.Words, m.Regions, m.DType)
	writeEngines(&b, m, r.Machine, r.Ours, r.Torch)
	b.WriteByte('\n')
	t := newTable(&b, "", "batch", "best ms", "median ms", map[bool]string{true: "explanations/s", false: "passes/s"}[r.Method == Relevance], "compile s", "peak memory")
	row := func(name string, s Side) {
		for _, x := range s.Rows {
			t.row(name, x.Batch, milli(x.BestMS), milli(x.MedianMS), fmt.Sprintf("%.2f", ratio(1000*float64(x.Batch), x.MedianMS)), fmt.Sprintf("%.1f", x.CompileS), memory(s.PeakRSS))
		}
	}
	row("golxmert", r.Ours)
	for i := range r.Torch {
		row(torchName(r.Torch[i].Setting), r.Torch[i])
		if i < len(r.TorchMapsOnly) {
			row(torchName(r.TorchMapsOnly[i].Setting)+", maps only", r.TorchMapsOnly[i])
		}
	}
	t.Flush()
	if len(r.Versus) > 0 {
		b.WriteByte('\n')
		if r.Method != Relevance {
			r.printPasses(&b)
			_, err := io.WriteString(w, b.String())
			return err
		}
		t = newTable(&b, "batch", "ms per explanation", "torch/golxmert", "maps only")
		for _, v := range r.Versus {
			t.row(v.Batch, milli(v.OursMS), fmt.Sprintf("%.2f", v.Ratio), fmt.Sprintf("%.2f", v.RatioMapsOnly))
		}
		t.Flush()
		fmt.Fprintf(&b, "Medians, of PyTorch those of the better setting, which explains one example at a time: in the published style, with the\ngradients of all parameters, and with those of the maps only. Relevance differs by %.1e of the largest at most.\n", *r.Difference)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// aboutMethod says what each method computes.
var aboutMethod = map[string]string{
	Relevance: "bi-modal relevance of the most probable answer",
	EMAP:      "EMAP, all texts of a batch with all of its pictures",
	Shapley:   "exact Shapley values of words and regions for the most probable answer",
}

// unitOf is what times are given of.
func unitOf(method string) string {
	if method == Relevance {
		return "explanation"
	}
	return "pass"
}

// printPasses compares times of a pass, where there are no gradients.
func (r *AnalysisReport) printPasses(b *strings.Builder) {
	t := newTable(b, "passes", "ms per pass", "torch/golxmert")
	for _, v := range r.Versus {
		t.row(v.Batch, milli(v.OursMS), fmt.Sprintf("%.2f", v.Ratio))
	}
	t.Flush()
	fmt.Fprintf(b, "Medians, of PyTorch those of the better setting, which makes one pass for each pair of a text and a picture. What is computed\ndiffers by %.1e of the largest at most.\n", *r.Difference)
}
