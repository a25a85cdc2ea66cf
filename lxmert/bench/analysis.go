package bench

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// Analysis measures a method: explanations by bi-modal relevance of the most probable answer, EMAP, or exact Shapley values;
// ours in batches, PyTorch's one at a time as published code makes them. Otherwise it is like [Forward].
func Analysis(ctx context.Context, o Options) (*AnalysisReport, error) {
	set(&o.Repeat, 5)
	set(&o.Words, 20)
	set(&o.Regions, 36)
	if err := o.checkMethod(); err != nil {
		return nil, err
	}
	a := &explaining{comparison: comparison{Options: o, unit: unitOf(o.Method)}, lean: map[setting][]Result{}}
	if err := a.measure(ctx, a.runOurs, a.runTorch); err != nil {
		return nil, err
	}
	return a.report(), nil
}

// explaining is a measurement under way. What PyTorch does is in the published style.
type explaining struct {
	comparison
	lean map[setting][]Result // PyTorch with the gradients of the maps alone
}

func (a *explaining) runOurs(ctx context.Context, round int) error {
	return a.comparison.runOurs(ctx, round, job{Explain: &explainSpec{modelSpec: a.material.spec(a.Options), Batches: a.Batches, Repeat: a.Repeat, Method: a.Method}}, a.sizes)
}

// sizes are how many single passes each of our batches stands for.
func (a *explaining) sizes() (list []int) {
	for _, n := range a.Batches {
		list = append(list, passes(a.Method, n))
	}
	return list
}

func (a *explaining) runTorch(ctx context.Context, round int, s setting) error {
	for _, mapsOnly := range []bool{false, true} {
		if mapsOnly && a.Method != Relevance {
			continue // passes have no gradients
		}
		// As many explanations as one of our largest batches would be too many: a few tell the same.
		repeat := 2 * a.Repeat
		args := []string{"--explain", "--repeat", strconv.Itoa(repeat)}
		if a.Method != Relevance {
			args = []string{"--passes", a.Method, "--size", strconv.Itoa(a.Batches[0]), "--repeat", strconv.Itoa(repeat)}
		}
		name, to := torchName(s.String()), a.theirs
		if mapsOnly {
			args, name, to = append(args, "--maps-only"), name+", maps only", a.lean
		}
		differs := "golxmert and torch explain differently: " + a.Method + " differs by %.1e of the largest, %.0e is allowed; nothing was compared"
		r, err := a.comparison.runTorch(ctx, round, s, name, args, repeat, differs)
		if err != nil {
			return err
		}
		to[s] = append(to[s], r)
	}
	return nil
}

func (a *explaining) report() *AnalysisReport {
	r := &AnalysisReport{Version: lxrt.Version(), Machine: thisMachine(), Model: a.material.model, Method: a.Method, Repeat: a.Repeat, Rounds: a.Rounds}
	r.Model.FLOPs = 0 // what a backward pass counts depends on the style
	r.Ours = newSide(a.ours, "", 0, 0)
	published, lean := math.Inf(1), math.Inf(1)
	for _, s := range a.settings {
		r.Torch = append(r.Torch, newSide(a.theirs[s], s.String(), 0, 0))
		published = min(published, r.Torch[len(r.Torch)-1].Rows[0].MedianMS)
		if a.Method != Relevance {
			continue
		}
		r.TorchMapsOnly = append(r.TorchMapsOnly, newSide(a.lean[s], s.String(), 0, 0))
		lean = min(lean, r.TorchMapsOnly[len(r.Torch)-1].Rows[0].MedianMS)
	}
	if a.torch == nil {
		return r
	}
	for _, row := range r.Ours.Rows {
		each := row.MedianMS / float64(row.Batch)
		v := AnalysisVersus{Batch: row.Batch, OursMS: each, TorchMS: published, Ratio: ratio(published, each)}
		if a.Method == Relevance {
			v.TorchMapsOnlyMS, v.RatioMapsOnly = lean, ratio(lean, each)
		}
		r.Versus = append(r.Versus, v)
	}
	r.Difference = &a.difference
	return r
}

// explainSpec says which explanations one process times.
type explainSpec struct {
	modelSpec
	Batches []int  `json:"batches"`
	Repeat  int    `json:"repeat"`
	Method  string `json:"method,omitempty"` // "": relevance
}

// measure explains in this process. Logits of the result are the words' and regions' relevance in the first row.
func (s explainSpec) measure(ctx context.Context, log io.Writer) (*Result, error) {
	return s.with(ctx, log, func(m *lxrt.Model, inputs *lxmert.Batch, r *Result) error {
		if s.Method != "" && s.Method != Relevance {
			return s.measurePasses(ctx, m, inputs, r)
		}
		return s.measureRelevance(ctx, m, inputs, r)
	})
}

func (s explainSpec) measureRelevance(ctx context.Context, m lxmert.Engine, inputs *lxmert.Batch, r *Result) error {
	for _, n := range s.Batches {
		rows, err := firstRows(inputs, n)
		if err != nil {
			return err
		}
		var scores []analysis.Scores
		t, err := timed(n, s.Repeat, func() (err error) {
			scores, err = relevance.BiModal(ctx, m, rows, analysis.Predicted(), relevance.Options{})
			return err
		}, func() error {
			if r.Logits == nil {
				r.Logits = [][]float32{relevances(scores[0], rows)}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("batch %d: %w", n, err)
		}
		r.Rows = append(r.Rows, t)
	}
	return nil
}

// relevances are those of the words that are there, and of the regions.
func relevances(s analysis.Scores, b *lxmert.Batch) []float32 {
	var out []float32
	for i, x := range s.Words {
		if b.TextMask[0][i] > 0 {
			out = append(out, float32(x))
		}
	}
	for _, x := range s.Regions {
		out = append(out, float32(x))
	}
	return out
}
