package bench

import (
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/patch"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// PatchingMethod is what lxmert bench analysis calls [Patching].
const PatchingMethod = "patching"

// exactNodes is how many nodes are patched exactly in each timed run.
const exactNodes = 64

// Patching measures activation patching from the run on a picture whose regions are empty into that on the picture as it is:
// ours exactly, many nodes to a run, and by attribution, all nodes at once; PyTorch's one node to a pass, as published code
// does it. Otherwise it is like [Forward]. Batches do not count.
func Patching(ctx context.Context, o Options) (*PatchingReport, error) {
	set(&o.Repeat, 5)
	o.Batches = []int{1}
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
	p := &patching{Options: o, theirs: map[setting][]Result{}}
	if o.Peer != "" {
		if p.torch, err = findTorch(ctx, o.Peer, dir); err != nil {
			return nil, err
		}
	}
	if p.material, err = prepare(ctx, o, dir, true); err != nil {
		return nil, err
	}
	for round := range o.Rounds {
		err := takeTurns(ctx,
			func(ctx context.Context) error { return p.runOurs(ctx, round) },
			func() []setting { return p.settings },
			func(ctx context.Context, s setting) error { return p.runTorch(ctx, round, s) })
		if err != nil {
			return nil, err
		}
	}
	return p.report(), nil
}

// patching is a measurement under way.
type patching struct {
	Options
	torch    *torch
	material *material

	settings   []setting
	ours       []Result
	theirs     map[setting][]Result
	difference float64
}

// nodes are those that are patched exactly, and how many there are in all.
func (p *patching) nodes() (some []patch.Node, all int) {
	return somePatched(p.material.config, p.Words, p.Regions)
}

// somePatched are as many of a model's heads and levels as are patched exactly, evenly spread, and how many there are.
func somePatched(c lxmert.Config, words, regions int) (some []patch.Node, all int) {
	nodes := slices.Concat(patch.Heads(c), patch.Levels(c, words, regions))
	n := min(exactNodes, len(nodes))
	for i := range n {
		some = append(some, nodes[i*len(nodes)/n])
	}
	return some, len(nodes)
}

func (p *patching) runOurs(ctx context.Context, round int) error {
	isFirst := len(p.ours) == 0
	program, err := p.Runs.ours(job{Patch: &patchSpec{
		Weights: p.material.weights, Config: p.Config, Inputs: p.material.inputs, Backend: p.Backend, BF16: p.BF16, Repeat: p.Repeat,
	}}, isFirst)
	if err != nil {
		return err
	}
	var r Result
	if _, err := program.run(ctx, &r); err != nil {
		return err
	}
	p.ours = append(p.ours, r)
	if isFirst && p.torch != nil {
		p.settings = p.torch.settings(r.OnCUDA)
	}
	p.progress(round, "golxmert", &r)
	some, all := p.nodes()
	return r.checkRows([]int{len(some), all}, p.Repeat)
}

func (p *patching) runTorch(ctx context.Context, round int, s setting) error {
	some, _ := p.nodes()
	list := make([]string, len(some))
	for i, n := range some {
		list[i] = n.Name + ":" + strconv.Itoa(max(n.Head, n.Position))
	}
	program, err := p.torch.program(torchRun{setting: s, material: p.material, threads: p.Threads, onCUDA: p.ours[0].OnCUDA, bf16: p.BF16}, []string{"--patch", strings.Join(list, ",")})
	if err != nil {
		return err
	}
	var r Result
	if _, err := program.run(ctx, &r); err != nil {
		return err
	}
	d := difference(p.ours[0].Logits, r.Logits)
	if !(d <= p.same()) {
		return fmt.Errorf("golxmert and torch patch differently: what it changes differs by %.1e of the largest change, %.0e is allowed; nothing was compared", d, p.same())
	}
	p.difference = max(p.difference, d)
	p.theirs[s] = append(p.theirs[s], r)
	p.progress(round, torchName(s.String()), &r)
	return r.checkRows([]int{1}, len(some))
}

func (p *patching) progress(round int, who string, r *Result) {
	fmt.Fprintf(p.Log, "bench: round %d of %d, %s: best", round+1, p.Rounds, who)
	for _, row := range r.Rows {
		fmt.Fprintf(p.Log, " %s", milli(best(row.TimesMS)/float64(row.Batch)))
	}
	fmt.Fprintln(p.Log, " ms per node")
}

func (p *patching) report() *PatchingReport {
	r := &PatchingReport{Version: lxrt.Version(), Machine: thisMachine(), Model: p.material.model, Repeat: p.Repeat, Rounds: p.Rounds}
	r.Model.FLOPs = 0 // patching is more than a forward pass
	r.Ours = newSide(p.ours, "", 0, 0)
	theirs := math.Inf(1)
	for _, s := range p.settings {
		side := newSide(p.theirs[s], s.String(), 0, 0)
		r.Torch = append(r.Torch, side)
		theirs = min(theirs, side.Rows[0].MedianMS)
	}
	if p.torch == nil {
		return r
	}
	for i, row := range r.Ours.Rows {
		each := row.MedianMS / float64(row.Batch)
		r.Versus = append(r.Versus, PatchingVersus{Way: patchingWays[i], Nodes: row.Batch, OursMS: each, TorchMS: theirs, Ratio: ratio(theirs, each)})
	}
	r.Difference = &p.difference
	return r
}

// patchSpec says what one process patches.
type patchSpec struct {
	Weights string `json:"weights"`
	Config  string `json:"config,omitempty"`
	Inputs  string `json:"inputs"`
	Backend string `json:"backend,omitempty"`
	BF16    bool   `json:"bf16,omitempty"`
	Repeat  int    `json:"repeat"`
}

// measure patches in this process: the rows of the result are exact and by attribution, with the nodes of a run as batch.
// Logits are what the exactly patched nodes change.
func (s patchSpec) measure(ctx context.Context, log io.Writer) (*Result, error) {
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
	clean, err := firstRows(inputs, 1)
	if err != nil {
		return nil, err
	}
	emptied := *clean
	emptied.Feats = lxmert.NewTensor(clean.Feats.Shape...)
	some, all := somePatched(m.Config(), clean.T(), clean.V())
	for _, way := range []struct {
		nodes int
		run   func(p *patch.Pair) error
	}{
		{len(some), func(p *patch.Pair) error {
			changes, err := p.Patch(ctx, patch.Noising, 0, some)
			if err == nil && r.Logits == nil {
				r.Logits = [][]float32{{}}
				for _, x := range changes {
					r.Logits[0] = append(r.Logits[0], float32(x))
				}
			}
			return err
		}},
		{all, func(p *patch.Pair) error {
			_, err := p.Attribute(ctx, patch.AttributionOptions{})
			return err
		}},
	} {
		t := Timing{Batch: way.nodes}
		cold := 0.0
		for i := range s.Repeat + 2 {
			start := time.Now()
			pair, err := patch.NewPair(ctx, m, clean, &emptied, analysis.Predicted())
			if err == nil {
				err = way.run(pair)
			}
			if err != nil {
				return nil, err
			}
			seconds := time.Since(start).Seconds()
			switch {
			case i == 0:
				cold = seconds
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
