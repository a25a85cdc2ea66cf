package bench

import (
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"time"

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
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	dir, remove, err := temporary()
	if err != nil {
		return nil, err
	}
	defer remove()
	o.programs = filepath.Join(dir, "programs")
	a := &explaining{Options: o, theirs: map[setting][]Result{}, lean: map[setting][]Result{}}
	if o.Peer != "" {
		if a.torch, err = findTorch(ctx, o.Peer, dir); err != nil {
			return nil, err
		}
	}
	if a.material, err = prepare(ctx, o, dir, true); err != nil {
		return nil, err
	}
	for round := range o.Rounds {
		err := takeTurns(ctx,
			func(ctx context.Context) error { return a.runOurs(ctx, round) },
			func() []setting { return a.settings },
			func(ctx context.Context, s setting) error { return a.runTorch(ctx, round, s) })
		if err != nil {
			return nil, err
		}
	}
	return a.report(), nil
}

// explaining is a measurement under way.
type explaining struct {
	Options
	torch    *torch
	material *material

	settings   []setting
	ours       []Result
	theirs     map[setting][]Result // in the published style
	lean       map[setting][]Result // with the gradients of the maps alone
	difference float64
}

func (a *explaining) runOurs(ctx context.Context, round int) error {
	isFirst := len(a.ours) == 0
	p, err := a.Runs.ours(job{Explain: &explainSpec{
		Weights: a.material.weights, Config: a.Config, Inputs: a.material.inputs, Backend: a.Backend, BF16: a.BF16, Batches: a.Batches, Repeat: a.Repeat, Method: a.Method,
	}}, isFirst)
	if err != nil {
		return err
	}
	var r Result
	if _, err := p.run(ctx, &r); err != nil {
		return err
	}
	a.ours = append(a.ours, r)
	if isFirst && a.torch != nil {
		a.settings = a.torch.settings(r.OnCUDA)
	}
	a.progress(round, "golxmert", &r)
	return r.checkRows(a.sizes(), a.Repeat)
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
		p, err := a.torch.program(torchRun{setting: s, material: a.material, threads: a.Threads, onCUDA: a.ours[0].OnCUDA, bf16: a.BF16}, args)
		if err != nil {
			return err
		}
		var r Result
		if _, err := p.run(ctx, &r); err != nil {
			return err
		}
		d := difference(a.ours[0].Logits, r.Logits)
		if !(d <= a.same()) {
			return fmt.Errorf("golxmert and torch explain differently: %s differs by %.1e of the largest, %.0e is allowed; nothing was compared", a.Method, d, a.same())
		}
		a.difference = max(a.difference, d)
		to[s] = append(to[s], r)
		a.progress(round, name, &r)
		if err := r.checkRows([]int{1}, repeat); err != nil {
			return err
		}
	}
	return nil
}

func (a *explaining) progress(round int, who string, r *Result) {
	fmt.Fprintf(a.Log, "bench: round %d of %d, %s: best", round+1, a.Rounds, who)
	for _, row := range r.Rows {
		fmt.Fprintf(a.Log, " %s", milli(best(row.TimesMS)/float64(row.Batch)))
	}
	fmt.Fprintf(a.Log, " ms per %s\n", unitOf(a.Method))
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
	Weights string `json:"weights"`
	Config  string `json:"config,omitempty"`
	Inputs  string `json:"inputs"`
	Backend string `json:"backend,omitempty"`
	BF16    bool   `json:"bf16,omitempty"`
	Batches []int  `json:"batches"`
	Repeat  int    `json:"repeat"`
	Method  string `json:"method,omitempty"` // "": relevance
}

// measure explains in this process. Logits of the result are the words' and regions' relevance in the first row.
func (s explainSpec) measure(ctx context.Context, log io.Writer) (*Result, error) {
	b, r, err := openBackend(ctx, s.Backend, log)
	if err != nil {
		return nil, err
	}
	defer b.Finalize()
	m, err := lxrt.Open(b, s.Weights, s.Config, lxrt.Options{BFloat16: s.BF16})
	if err != nil {
		return nil, err
	}
	defer m.Close()
	inputs, err := lxrt.ReadBatch(s.Inputs)
	if err != nil {
		return nil, err
	}
	if s.Method != "" && s.Method != Relevance {
		return r, s.measurePasses(ctx, m, inputs, r)
	}
	for _, n := range s.Batches {
		rows, err := firstRows(inputs, n)
		if err != nil {
			return nil, err
		}
		t := Timing{Batch: n}
		cold := 0.0
		for i := range s.Repeat + 2 {
			start := time.Now()
			scores, err := relevance.BiModal(ctx, m, rows, analysis.Predicted(), relevance.Options{})
			if err != nil {
				return nil, fmt.Errorf("batch %d: %w", n, err)
			}
			seconds := time.Since(start).Seconds()
			switch {
			case i == 0:
				cold = seconds
				if r.Logits == nil {
					r.Logits = [][]float32{relevances(scores[0], rows)}
				}
			case i > 1:
				t.TimesMS = append(t.TimesMS, 1000*seconds)
			}
		}
		t.CompileS = max(0, cold-best(t.TimesMS)/1000)
		r.Rows = append(r.Rows, t)
	}
	r.PeakRSS = peakRSS()
	return r, nil
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
