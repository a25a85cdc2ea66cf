package bench

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// This file compares what a backend computes with outputs of the original implementation.

// goldenOutputs are the names by which golden files have outputs.
var goldenOutputs = map[string]string{
	"out.pooled": "out.pooled", "out.mlm_logits": "out.mlm", "out.matched_logits": "out.match", "out.qa_logits": "out.qa",
	"out.obj_logits": "out.obj", "out.attr_logits": "out.attr", "out.feat_pred": "out.feat",
}

// goldenSpec says what one process compares: a folder with config.json and tiny/weights.safetensors, and the outputs in
// tiny/forward.safetensors.
type goldenSpec struct {
	Folder  string `json:"folder"`
	Backend string `json:"backend,omitempty"`
}

// goldenForward is the file of inputs and outputs.
func goldenForward(folder string) string { return filepath.Join(folder, "tiny", "forward.safetensors") }

// goldenTolerance is how far float32 may be off, relative to an output's largest number.
const goldenTolerance = 2e-5

// measure computes in this process. The result's only loss is the largest difference of any output, relative to its largest number.
func (s goldenSpec) measure(ctx context.Context, log io.Writer) (*Result, error) {
	path := goldenForward(s.Folder)
	f, err := weights.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m := modelSpec{Weights: filepath.Join(s.Folder, "tiny", "weights.safetensors"), Inputs: path, Backend: s.Backend}
	if config := filepath.Join(s.Folder, "config.json"); exists(config) {
		m.Config = config
	}
	return m.with(ctx, log, func(m *lxrt.Model, inputs *lxmert.Batch, r *Result) error {
		request := lxmert.Request{}
		for golden, name := range goldenOutputs {
			if _, ok := f.Tensor(golden); ok {
				request.Want = append(request.Want, lxmert.All(name)...)
			}
		}
		if request.Want == nil {
			return fmt.Errorf("%s has no outputs to compare with", path)
		}
		trace, err := m.Run(ctx, inputs, request)
		if err != nil {
			return err
		}
		worst := 0.0
		for golden, name := range goldenOutputs {
			t, ok := f.Tensor(golden)
			if !ok {
				continue
			}
			want, err := t.Float32s()
			if err != nil {
				return err
			}
			d := difference([][]float32{trace.Values[name].Data}, [][]float32{want})
			if math.IsNaN(d) {
				return fmt.Errorf("%s: %s is of another shape, or no number", path, name)
			}
			worst = max(worst, d)
		}
		r.Losses = []float64{worst}
		return nil
	})
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
