package relevance

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// PruneOptions are those of [Prune]. The zero value removes a twentieth of the heads at a time and compares with three random
// orders.
type PruneOptions struct {
	// Steps are shares of all heads that are removed, 0 to 1, ascending; nil: every twentieth.
	Steps []float64
	// Random is the number of random orders to compare with; 0: 3, negative: none. Seed makes them, and the intervals.
	Random int
	Seed   uint64
	// RowsPerRun is the number of rows of one run of the model; 0: 64.
	RowsPerRun int
}

// pruneResamples and pruneLevel are those of the intervals of [Prune].
const (
	pruneResamples = 1000
	pruneLevel     = 0.95
)

// Prune removes heads in the order of their importance, such as [MeanImportance], heads by maps, and reads the target again:
// the least important first, the most important first, and in random orders. A head is removed by a gate of 0, so that it
// hands nothing on; its map stays. The curve is the mean of the target's score over the batch, with 95 % bootstrap intervals
// over examples: give a probability as the target, such as Predicted().As(lxmert.Probability), which is that of the answer
// that the whole model gives. Importance of the same examples knows more than it should: take others.
func Prune(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target, importance analysis.Matrix, opt PruneOptions) (analysis.Curve, error) {
	bound, err := target.Bind(ctx, eng, b)
	if err != nil {
		return analysis.Curve{}, err
	}
	p, err := NewPruning(eng.Config(), importance, opt)
	if err != nil {
		return analysis.Curve{}, err
	}
	scores, from, err := p.Scores(ctx, eng, bound)
	if err != nil {
		return analysis.Curve{}, err
	}
	meta := analysis.NewScores(analysis.Meta{Target: target.String(), Unit: bound.Unit, Model: from}, bound.Batch, 0, nil, nil).Meta
	meta.N = len(bound.Terms[0].Weight)
	return p.Curve(meta, func(order, step int) (mean, low, high float64) {
		return analysis.MeanInterval(scores[order][step], pruneResamples, pruneLevel, rand.New(rand.NewPCG(opt.Seed, 1)))
	}), nil
}

// Pruning is which heads are removed in which orders; see [Prune].
type Pruning struct {
	Steps []float64 // shares of all heads that are removed
	Names []string  // of the orders

	opt    PruneOptions
	orders [][][]int // the heads of each order; of random ones several
	params map[string]string
}

// pruneStyles are how curves draw the orders.
var pruneStyles = map[string]string{"least important first": "solid", "most important first": "dashed", "random": "random"}

// NewPruning makes the orders from the importance of heads, heads by maps.
func NewPruning(cfg lxmert.Config, importance analysis.Matrix, opt PruneOptions) (*Pruning, error) {
	scores, err := flat(cfg, importance)
	if err != nil {
		return nil, err
	}
	if opt.Steps == nil {
		opt.Steps = twentieths()
	}
	for i, s := range opt.Steps {
		if !(s >= 0 && s <= 1) || i > 0 && s <= opt.Steps[i-1] {
			return nil, fmt.Errorf("steps %v are not ascending shares between 0 and 1", opt.Steps)
		}
	}
	if opt.Random == 0 {
		opt.Random = 3
	}
	if opt.RowsPerRun <= 0 {
		opt.RowsPerRun = 64
	}
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(scores[i], scores[j]) })
	reversed := slices.Clone(order)
	slices.SortStableFunc(reversed, func(i, j int) int { return cmp.Compare(scores[j], scores[i]) })
	p := &Pruning{Steps: opt.Steps, Names: []string{"least important first", "most important first"}, opt: opt, orders: [][][]int{{order}, {reversed}}}
	if opt.Random > 0 {
		p.Names, p.orders = append(p.Names, "random"), append(p.orders, drawn(opt.Random, len(order), rand.New(rand.NewPCG(opt.Seed, 0))))
	}
	p.params = map[string]string{"importance": importance.Method, "importance from": fmt.Sprintf("%d examples", importance.N)}
	return p, nil
}

// Scores are the target's scores without the heads of each step: [orders][steps][examples]. Of random orders they are means.
func (p *Pruning) Scores(ctx context.Context, eng lxmert.Engine, bound *analysis.Bound) ([][][]float64, lxmert.Provenance, error) {
	run := pruner{eng: eng, bound: bound, perRun: p.opt.RowsPerRun}
	out := make([][][]float64, len(p.orders))
	for i, orders := range p.orders {
		for _, step := range p.Steps {
			var mean []float64 // of each example, over the orders
			for _, heads := range orders {
				at, err := run.without(ctx, heads[:int(math.Round(step*float64(len(heads))))])
				if err != nil {
					return nil, run.provenance, err
				}
				if mean == nil {
					mean = make([]float64, len(at))
				}
				for n, x := range at {
					mean[n] += x / float64(len(orders))
				}
			}
			out[i] = append(out[i], mean)
		}
	}
	return out, run.provenance, nil
}

// Curve draws mean scores, of which of gives that of an order and a step and its interval. meta says what they are of.
func (p *Pruning) Curve(meta analysis.Meta, of func(order, step int) (mean, low, high float64)) analysis.Curve {
	c := analysis.Curve{Meta: meta, XName: "share of heads removed", YName: "score", X: p.Steps}
	c.Method, c.Seed, c.Level = "head pruning", p.opt.Seed, pruneLevel
	c.Params = maps.Clone(meta.Params)
	if c.Params == nil {
		c.Params = map[string]string{}
	}
	maps.Copy(c.Params, p.params)
	if c.Unit == "share" {
		c.YName = "probability of the answer"
	}
	for i, name := range p.Names {
		s := analysis.CurveSeries{Name: name, Style: pruneStyles[name]}
		for step := range p.Steps {
			y, low, high := of(i, step)
			s.Y, s.Low, s.High = append(s.Y, y), append(s.Low, low), append(s.High, high)
		}
		s.Area = area(p.Steps, s.Y)
		c.Series = append(c.Series, s)
	}
	return c
}

// pruner removes heads of a model. Heads are numbered map by map.
type pruner struct {
	eng        lxmert.Engine
	bound      *analysis.Bound
	perRun     int
	provenance lxmert.Provenance
}

// flat is the importance of every head, map by map.
func flat(cfg lxmert.Config, importance analysis.Matrix) ([]float64, error) {
	if err := importance.Check(); err != nil {
		return nil, err
	}
	heads, maps := importance.Size()
	if heads != cfg.Heads || !slices.Equal(importance.Cols.Labels, cfg.Maps()) {
		return nil, fmt.Errorf("the importance is of %d heads of %d maps, the model has %d of %d: it is of another model, or not heads by maps as MeanImportance gives it", heads, maps, cfg.Heads, len(cfg.Maps()))
	}
	var out []float64
	for m := range cfg.Maps() {
		for h := range cfg.Heads {
			x := importance.Panels[0].Values[h][m]
			if math.IsNaN(x) {
				return nil, fmt.Errorf("the importance of head %d of %s is not a number", h, importance.Cols.Labels[m])
			}
			out = append(out, x)
		}
	}
	return out, nil
}

// drawn are random orders of n heads.
func drawn(orders, n int, draw *rand.Rand) [][]int {
	var out [][]int
	for range max(orders, 0) {
		out = append(out, draw.Perm(n))
	}
	return out
}

// without is the score of every example without some heads.
func (p *pruner) without(ctx context.Context, heads []int) ([]float64, error) {
	cfg := p.eng.Config()
	edits := make([]lxmert.Edit, 0, len(cfg.Maps()))
	for _, name := range cfg.Maps() {
		gate := lxmert.NewTensor(1, cfg.Heads, 1, 1)
		for h := range gate.Data {
			gate.Data[h] = 1
		}
		edits = append(edits, lxmert.Edit{Name: name, Op: lxmert.Multiply, Value: gate})
	}
	for _, k := range heads {
		edits[k/cfg.Heads].Value.Data[k%cfg.Heads] = 0
	}
	var out []float64
	all := len(p.bound.Terms[0].Weight)
	each := max(1, p.perRun/p.bound.Group())
	for first := 0; first < all; first += each {
		var some []int
		for u := first; u < min(first+each, all); u++ {
			some = append(some, u)
		}
		part := p.bound.Select(some)
		trace, err := p.eng.Run(ctx, part.Batch, lxmert.Request{Edits: edits, Grad: part.Grad(), NoRegions: part.Batch.NoRegions()})
		if err != nil {
			return nil, err
		}
		p.provenance = trace.Provenance
		for _, x := range trace.Score {
			out = append(out, float64(x))
		}
	}
	return out, nil
}
