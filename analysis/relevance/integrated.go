package relevance

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// PathOptions are those of [IntegratedGradients]. The zero value asks for a gap below 1 %.
type PathOptions struct {
	Nodes      int     // on the path at first; 0: 16
	MaxNodes   int     // after which doubling stops; 0: 1024
	Gap        float64 // accepted between the sum of the values and the change of the score, as a share of it; 0: 0.01
	RowsPerRun int     // rows of one run of the model; 0: 64
}

func (o PathOptions) orDefault() PathOptions {
	if o.Nodes <= 0 {
		o.Nodes = 16
	}
	if o.MaxNodes <= 0 {
		o.MaxNodes = 1024
	}
	o.MaxNodes = max(o.MaxNodes, o.Nodes)
	if o.Gap <= 0 {
		o.Gap = 0.01
	}
	if o.RowsPerRun <= 0 {
		o.RowsPerRun = 64
	}
	return o
}

// IntegratedGradients follows the score along one straight path from no information to the input, of both streams
// together: words from the row of [MASK], except the first and the last, [CLS] and [SEP]; features of regions from zero;
// boxes stay (Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks", 2017). Values have the score's unit,
// and their sum over words and regions is the change of the score along the path, up to a gap: nodes of a Gauss-Legendre
// quadrature are doubled, for those examples that need it, until it is small enough. Params report "nodes", "gap" (in
// units of the score), "score" and "score at start"; a gap that stayed too large is a note.
func IntegratedGradients(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target, opt PathOptions) ([]analysis.Scores, error) {
	opt = opt.orDefault()
	bound, err := target.Bind(ctx, eng, b)
	if err != nil {
		return nil, err
	}
	p, err := newPath(ctx, eng, bound, opt.RowsPerRun)
	if err != nil {
		return nil, err
	}
	rows := bound.Batch.Rows()
	out := make([]analysis.Scores, rows)
	open := make([]int, rows/bound.Group())
	for u := range open {
		open[u] = u
	}
	for nodes := opt.Nodes; len(open) > 0; nodes *= 2 {
		at, weights := GaussLegendre(nodes)
		sums, err := p.integrate(ctx, open, at, weights)
		if err != nil {
			return nil, err
		}
		last := nodes*2 > opt.MaxNodes
		var next []int
		for i, u := range open {
			s := sums[i]
			if !last && !s.closed(opt.Gap) {
				next = append(next, u)
				continue
			}
			for g := range bound.Group() {
				n := u*bound.Group() + g
				meta := analysis.Meta{Method: "integrated gradients", Target: bound.Names[n], Unit: bound.Unit, Model: p.provenance, Params: s.params(nodes)}
				if !s.closed(opt.Gap) {
					meta.Notes = append(meta.Notes, fmt.Sprintf("With %d nodes the values miss the change of the score by %.2g, more than %.2g %% of it.", nodes, s.gap(), 100*opt.Gap))
				}
				out[n] = analysis.NewScores(meta, bound.Batch, n, s.words[g], s.regions[g])
			}
		}
		open = next
	}
	return out, nil
}

// path is the way from no information to the inputs of a bound target.
type path struct {
	eng        lxmert.Engine
	bound      *analysis.Bound
	rowsPerRun int
	from, to   lxmert.Tensor // word rows [rows,T,D]
	provenance lxmert.Provenance
}

func newPath(ctx context.Context, eng lxmert.Engine, bound *analysis.Bound, rowsPerRun int) (*path, error) {
	mask := eng.Config().Special.Mask
	if mask == 0 {
		return nil, fmt.Errorf("nothing says which word piece is [MASK], from which the path begins: open the weights with a configuration that has special_ids")
	}
	blank := *bound.Batch
	blank.IDs = nil
	for n, ids := range bound.Batch.IDs {
		ids = slices.Clone(ids)
		for _, t := range analysis.InnerWords(bound.Batch, n) {
			ids[t] = mask
		}
		blank.IDs = append(blank.IDs, ids)
	}
	p := &path{eng: eng, bound: bound, rowsPerRun: rowsPerRun}
	for batch, rows := range map[*lxmert.Batch]*lxmert.Tensor{&blank: &p.from, bound.Batch: &p.to} {
		trace, err := eng.Run(ctx, batch, lxmert.Request{Want: lxmert.All("in.word")})
		if err != nil {
			return nil, err
		}
		*rows, p.provenance = trace.Values["in.word"], trace.Provenance
	}
	return p, nil
}

// integral is what came out for one score: values of words and regions of each of its rows, and the score at both ends.
type integral struct {
	words, regions [][]float64
	start, end     float64
}

func (s integral) gap() float64 {
	sum := 0.0
	for _, side := range [][][]float64{s.words, s.regions} {
		for _, values := range side {
			for _, x := range values {
				sum += x
			}
		}
	}
	return math.Abs(sum - (s.end - s.start))
}

// closed reports whether the gap is a small enough share of the change. Scores have rounding of single precision, which a
// change of nearly nothing cannot be measured against.
func (s integral) closed(share float64) bool {
	return s.gap() <= share*math.Abs(s.end-s.start)+1e-6*max(math.Abs(s.start), math.Abs(s.end))
}

func (s integral) params(nodes int) map[string]string {
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
	return map[string]string{
		"nodes": strconv.Itoa(nodes), "gap": number(s.gap()), "score": number(s.end), "score at start": number(s.start),
	}
}

// integrate sums the gradients at the nodes, for some of the scores.
func (p *path) integrate(ctx context.Context, scores []int, at, weights []float64) ([]integral, error) {
	group := p.bound.Group()
	out := make([]integral, len(scores))
	for i := range out {
		for range group {
			out[i].words = append(out[i].words, make([]float64, p.bound.Batch.T()))
			out[i].regions = append(out[i].regions, make([]float64, p.bound.Batch.V()))
		}
	}
	// Behind the nodes of each score stand both ends of its path.
	points := len(at) + 2
	alpha := func(point int) float64 {
		if point < len(at) {
			return at[point]
		}
		return float64(point - len(at))
	}
	for _, chunk := range chunks(len(scores)*points, max(1, p.rowsPerRun/group)) {
		chosen, alphas := make([]int, len(chunk)), make([]float64, len(chunk))
		for j, c := range chunk {
			chosen[j], alphas[j] = scores[c.index/points], alpha(c.index%points)
		}
		trace, err := p.run(ctx, chosen, alphas)
		if err != nil {
			return nil, err
		}
		for j, c := range chunk {
			if c.filler {
				continue
			}
			s, point := &out[c.index/points], c.index%points
			switch score := float64(trace.Score[j]); point {
			case len(at):
				s.start = score
			case len(at) + 1:
				s.end = score
			default:
				p.add(s, trace, j, chosen[j], weights[point])
			}
		}
	}
	return out, nil
}

// run computes the gradients of some scores, each at its own point of the path.
func (p *path) run(ctx context.Context, scores []int, alphas []float64) (*lxmert.Trace, error) {
	group := p.bound.Group()
	part := p.bound.Select(scores)
	shape := append([]int{part.Batch.Rows()}, p.to.Shape[1:]...)
	// Texts of the selection may all be shorter than the longest of the batch.
	shape[1] = part.Batch.T()
	words, light := lxmert.NewTensor(shape...), lxmert.NewTensor(part.Batch.Rows(), 1, 1)
	for j, u := range scores {
		for g := range group {
			row := j*group + g
			from, to := p.from.Row(u*group+g).Data, p.to.Row(u*group+g).Data
			for i := range words.Row(row).Data {
				words.Row(row).Data[i] = from[i] + float32(alphas[j])*(to[i]-from[i])
			}
			light.Data[row] = float32(alphas[j])
		}
	}
	return p.eng.Run(ctx, part.Batch, lxmert.Request{
		Edits: []lxmert.Edit{
			{Name: "in.word", Op: lxmert.Set, Value: words},
			{Name: "in.feat", Op: lxmert.Multiply, Value: light},
		},
		Grad:      part.Grad("in.word", "in.feat"),
		NoRegions: part.Batch.NoRegions(),
	})
}

// add adds the gradients of the j-th score of a run, times the way from start to end.
func (p *path) add(s *integral, trace *lxmert.Trace, j, score int, weight float64) {
	group := p.bound.Group()
	for g := range group {
		n := score*group + g
		words := trace.Grads["in.word"].Row(j*group + g)
		from, to := p.from.Row(n).Data, p.to.Row(n).Data
		width := words.Shape[1]
		for i, grad := range words.Data {
			s.words[g][i/width] += weight * float64(grad) * (float64(to[i]) - float64(from[i]))
		}
		for v, x := range inner(p.bound.Batch.Feats.Row(n), trace.Grads["in.feat"].Row(j*group+g)) {
			s.regions[g][v] += weight * x
		}
	}
}

// task is one of a list of computations; a filler repeats the last, so that all runs have the same size and share a
// compiled graph.
type task struct {
	index  int
	filler bool
}

// chunks cuts a list into runs of at most size tasks. If there are several, the last is filled up.
func chunks(total, size int) [][]task {
	var out [][]task
	for first := 0; first < total; first += size {
		var chunk []task
		for i := first; i < min(first+size, total); i++ {
			chunk = append(chunk, task{index: i})
		}
		for first > 0 && len(chunk) < size {
			chunk = append(chunk, task{index: total - 1, filler: true})
		}
		out = append(out, chunk)
	}
	return out
}

// GaussLegendre returns the nodes and weights of the quadrature of n nodes on 0..1, nodes ascending, weights of sum 1. It is
// exact for polynomials up to degree 2n-1.
func GaussLegendre(n int) (at, weights []float64) {
	at, weights = make([]float64, n), make([]float64, n)
	for i := range n {
		x := math.Cos(math.Pi * (float64(i) + 0.75) / (float64(n) + 0.5)) // near the root of the Legendre polynomial
		var slope float64
		for range 100 {
			p0, p1 := 1.0, x
			for k := 2; k <= n; k++ {
				p0, p1 = p1, (float64(2*k-1)*x*p1-float64(k-1)*p0)/float64(k)
			}
			slope = float64(n) * (x*p1 - p0) / (x*x - 1)
			step := p1 / slope
			x -= step
			if math.Abs(step) < 1e-15 {
				break
			}
		}
		at[n-1-i] = (1 + x) / 2
		weights[n-1-i] = 1 / ((1 - x*x) * slope * slope)
	}
	return at, weights
}
