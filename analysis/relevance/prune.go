package relevance

import (
	"cmp"
	"context"
	"fmt"
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
	p := pruner{eng: eng, bound: bound, perRun: opt.RowsPerRun}
	if p.perRun <= 0 {
		p.perRun = 64
	}
	scores, err := p.flat(importance)
	if err != nil {
		return analysis.Curve{}, err
	}
	steps := opt.Steps
	if steps == nil {
		steps = twentieths()
	}
	for i, s := range steps {
		if !(s >= 0 && s <= 1) || i > 0 && s <= steps[i-1] {
			return analysis.Curve{}, fmt.Errorf("steps %v are not ascending shares between 0 and 1", steps)
		}
	}
	random := opt.Random
	if random == 0 {
		random = 3
	}
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(scores[i], scores[j]) })
	reversed := slices.Clone(order)
	slices.SortStableFunc(reversed, func(i, j int) int { return cmp.Compare(scores[j], scores[i]) })
	c := analysis.Curve{
		Meta:  analysis.NewScores(analysis.Meta{Method: "head pruning", Target: target.String(), Unit: bound.Unit}, bound.Batch, 0, nil, nil).Meta,
		XName: "share of heads removed", YName: "score", X: steps,
	}
	c.N, c.Seed, c.Level = len(bound.Terms[0].Weight), opt.Seed, pruneLevel
	c.Params = map[string]string{"importance": importance.Method, "importance from": fmt.Sprintf("%d examples", importance.N)}
	if bound.Unit == "share" {
		c.YName = "probability of the answer"
	}
	draw := rand.New(rand.NewPCG(opt.Seed, 0))
	for _, o := range []struct {
		name, style string
		orders      [][]int
	}{{"least important first", "solid", [][]int{order}}, {"most important first", "dashed", [][]int{reversed}}, {"random", "random", p.drawn(random, len(order), draw)}} {
		if len(o.orders) == 0 {
			continue
		}
		s := analysis.CurveSeries{Name: o.name, Style: o.style}
		for _, step := range steps {
			var mean []float64 // of each example, over the orders
			for _, heads := range o.orders {
				at, err := p.without(ctx, heads[:int(math.Round(step*float64(len(heads))))])
				if err != nil {
					return c, err
				}
				if mean == nil {
					mean = make([]float64, len(at))
				}
				for n, x := range at {
					mean[n] += x / float64(len(o.orders))
				}
			}
			y, low, high := analysis.MeanInterval(mean, pruneResamples, pruneLevel, rand.New(rand.NewPCG(opt.Seed, 1)))
			s.Y, s.Low, s.High = append(s.Y, y), append(s.Low, low), append(s.High, high)
		}
		s.Area = area(steps, s.Y)
		c.Series = append(c.Series, s)
	}
	c.Model = p.provenance
	return c, nil
}

// pruner removes heads of a model. Heads are numbered map by map.
type pruner struct {
	eng        lxmert.Engine
	bound      *analysis.Bound
	perRun     int
	provenance lxmert.Provenance
}

// flat is the importance of every head, map by map.
func (p *pruner) flat(importance analysis.Matrix) ([]float64, error) {
	cfg := p.eng.Config()
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
func (p *pruner) drawn(orders, n int, draw *rand.Rand) [][]int {
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
