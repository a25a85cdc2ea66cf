package relevance

import (
	"context"
	"fmt"
	"strconv"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// AttnLRP is layer-wise relevance propagation with rules for attention (Achtibat et al., 2024, see [lxmert.AttnLRP]): the
// target's logit, shared out among words and regions, with a sign. Words have what reaches their word rows, regions what
// reaches their features and boxes; see [Propagate] for what goes to positions and what biases keep.
func AttnLRP(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target) ([]analysis.Scores, error) {
	all, err := Propagate(ctx, eng, b, target)
	if err != nil {
		return nil, err
	}
	out := make([]analysis.Scores, len(all))
	for n, p := range all {
		var regions []float64
		for v, x := range p.Of["in.feat"] {
			regions = append(regions, x+p.Of["in.box"][v])
		}
		out[n] = analysis.NewScores(p.Meta, p.batch, n, p.Of["in.word"], regions)
	}
	return out, nil
}

// Propagated is where the logit of one row has come from, activation by activation.
type Propagated struct {
	analysis.Meta
	Score float64
	// Of are the relevances of words and regions in in.word, in.position, in.feat, in.box and every level, by name. Those of a
	// level, with what was kept above it, sum to the score; so do the inputs' with all of Kept.
	Of map[string][]float64
	// Kept is what each block keeps, from the head downwards: the share of its biases and, in attention, of softmax.
	Kept []Kept

	batch *lxmert.Batch
}

// Kept is relevance that a block does not hand on.
type Kept struct {
	Block     string
	Relevance float64
}

// Propagate is [AttnLRP] of every level. Of a model that joins two pictures, Score and Kept are those of the pair.
func Propagate(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target) ([]Propagated, error) {
	cfg := eng.Config()
	bound, err := target.Bind(ctx, eng, b)
	if err != nil {
		return nil, err
	}
	for _, t := range bound.Terms {
		if t.Kind != lxmert.Logit {
			return nil, fmt.Errorf("%w: AttnLRP shares out logits, not probabilities", analysis.ErrTarget)
		}
	}
	names := []string{"in.word", "in.position", "in.feat", "in.box"}
	for _, pattern := range []string{"hid.t.*", "hid.i.*"} {
		found, err := cfg.Find(pattern)
		if err != nil {
			return nil, err
		}
		for _, a := range found {
			names = append(names, a.Name)
		}
	}
	pooled := bound.Places[0].Stream == analysis.WordStream && !hasPositions(bound)
	if pooled {
		names = append(names, "out.pooled")
	}
	grad := bound.Grad(names...)
	grad.Rule = lxmert.AttnLRP
	trace, err := eng.Run(ctx, bound.Batch, lxmert.Request{Want: lxmert.All(names...), Grad: grad, NoRegions: bound.Batch.NoRegions()})
	if err != nil {
		return nil, err
	}
	out := make([]Propagated, bound.Batch.Rows())
	group := bound.Group()
	for n := range out {
		meta := analysis.Meta{Method: "AttnLRP", Target: bound.Names[n], Unit: bound.Unit, Model: trace.Provenance}
		out[n] = Propagated{Meta: meta, Score: float64(trace.Score[n/group]), Of: map[string][]float64{}, batch: bound.Batch}
		for _, name := range names {
			x, g := trace.Values[name].Row(n), trace.Grads[name].Row(n)
			if len(x.Shape) == 1 {
				x.Shape, g.Shape = []int{1, len(x.Data)}, []int{1, len(g.Data)}
			}
			out[n].Of[name] = inner(x, g)
		}
	}
	for n := 0; n < len(out); n += group {
		kept := keptBy(cfg, out[n:n+group], pooled)
		for g := range group {
			out[n+g].Kept = kept
		}
	}
	return out, nil
}

// hasPositions says that a target reads heads at positions, which do not pool.
func hasPositions(bound *analysis.Bound) bool {
	for _, t := range bound.Terms {
		if t.Position != nil {
			return true
		}
	}
	return false
}

// keptBy is what each block of a model keeps of a score, in the rows that it is made of.
func keptBy(cfg lxmert.Config, rows []Propagated, pooled bool) []Kept {
	sum := func(names ...string) float64 {
		total := 0.0
		for _, p := range rows {
			for _, name := range names {
				for _, x := range p.Of[name] {
					total += x
				}
			}
		}
		return total
	}
	level := func(stream string, k int) string { return "hid." + stream + "." + strconv.Itoa(k) }
	l, r, x := cfg.LangLayers, cfg.RegionLayers, cfg.CrossLayers
	top := sum(level("t", l+x), level("i", r+x))
	kept := []Kept{{"head", rows[0].Score - top}}
	if pooled {
		kept = []Kept{{"head", rows[0].Score - sum("out.pooled")}, {"pooler", sum("out.pooled") - top}}
	}
	for k := x - 1; k >= 0; k-- {
		kept = append(kept, Kept{"x." + strconv.Itoa(k), sum(level("t", l+k+1), level("i", r+k+1)) - sum(level("t", l+k), level("i", r+k))})
	}
	for k := l - 1; k >= 0; k-- {
		kept = append(kept, Kept{"l." + strconv.Itoa(k), sum(level("t", k+1)) - sum(level("t", k))})
	}
	for k := r - 1; k >= 0; k-- {
		kept = append(kept, Kept{"r." + strconv.Itoa(k), sum(level("i", k+1)) - sum(level("i", k))})
	}
	return append(kept,
		Kept{"text embedding", sum(level("t", 0)) - sum("in.word", "in.position")},
		Kept{"visual embedding", sum(level("i", 0)) - sum("in.feat", "in.box")})
}
