package bench

import (
	"context"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

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
	p := &patching{comparison{Options: o, unit: "node"}}
	if err := p.measure(ctx, p.runOurs, p.runTorch); err != nil {
		return nil, err
	}
	return p.report(), nil
}

// patching is a measurement under way.
type patching struct{ comparison }

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
	return p.comparison.runOurs(ctx, round, job{Patch: &patchSpec{modelSpec: p.material.spec(p.Options), Repeat: p.Repeat}}, func() []int {
		some, all := p.nodes()
		return []int{len(some), all}
	})
}

func (p *patching) runTorch(ctx context.Context, round int, s setting) error {
	some, _ := p.nodes()
	list := make([]string, len(some))
	for i, n := range some {
		list[i] = n.Name + ":" + strconv.Itoa(max(n.Head, n.Position))
	}
	const differs = "golxmert and torch patch differently: what it changes differs by %.1e of the largest change, %.0e is allowed; nothing was compared"
	r, err := p.comparison.runTorch(ctx, round, s, torchName(s.String()), []string{"--patch", strings.Join(list, ",")}, len(some), differs)
	if err != nil {
		return err
	}
	p.theirs[s] = append(p.theirs[s], r)
	return nil
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
	modelSpec
	Repeat int `json:"repeat"`
}

// measure patches in this process: the rows of the result are exact and by attribution, with the nodes of a run as batch.
// Logits are what the exactly patched nodes change.
func (s patchSpec) measure(ctx context.Context, log io.Writer) (*Result, error) {
	return s.with(ctx, log, func(m *lxrt.Model, inputs *lxmert.Batch, r *Result) error {
		clean, err := firstRows(inputs, 1)
		if err != nil {
			return err
		}
		emptied := *clean
		emptied.Feats = lxmert.NewTensor(clean.Feats.Shape...)
		some, all := somePatched(m.Config(), clean.T(), clean.V())
		var changes []float64
		for _, way := range []struct {
			nodes int
			run   func(p *patch.Pair) error
		}{
			{len(some), func(p *patch.Pair) (err error) {
				changes, err = p.Patch(ctx, patch.Noising, 0, some)
				return err
			}},
			{all, func(p *patch.Pair) error {
				_, err := p.Attribute(ctx, patch.AttributionOptions{})
				return err
			}},
		} {
			t, err := timed(way.nodes, s.Repeat, func() error {
				pair, err := patch.NewPair(ctx, m, clean, &emptied, analysis.Predicted())
				if err != nil {
					return err
				}
				return way.run(pair)
			}, func() error { return nil })
			if err != nil {
				return err
			}
			r.Rows = append(r.Rows, t)
		}
		r.Logits = [][]float32{narrow(changes)}
		return nil
	})
}
