package modality

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

// Interactions are the pairwise Shapley interactions of each word with each region, one result for each row: by how much
// the two together are worth more than what each is worth alone, in the target's unit, averaged over the company in which
// they may be. Positive is synergy, negative is redundancy, and of a model that adds up what words and regions say it is 0.
// Up to [ShapleyOptions].Exact words and regions they are exact. Beyond, sets are drawn, and a second panel has the standard
// errors; pairs that were not met are NaN.
func Interactions(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target, opt ShapleyOptions) ([]analysis.Matrix, error) {
	opt = opt.orDefault()
	g, err := newGame(ctx, eng, b, target, opt)
	if err != nil {
		return nil, err
	}
	draws := make([][][]bool, len(g.players))
	for u, p := range g.players {
		switch {
		case len(p.words) == 0 || len(p.regions) == 0:
			return nil, fmt.Errorf("row %d has no words or no regions: there are no pairs", u*g.bound.Group())
		case p.n() <= opt.Exact:
			g.askAll(u)
		default:
			draws[u] = drawSets(len(p.words), len(p.regions), opt.Orders*(p.n()-1), g.random(u))
			for _, present := range draws[u] {
				squares(present, len(p.words), func(_, _ int, sets [4][]bool) {
					for _, s := range sets {
						g.ask(u, s)
					}
				})
			}
		}
	}
	if err := g.play(ctx); err != nil {
		return nil, err
	}
	var out []analysis.Matrix
	for u, p := range g.players {
		var values, errors [][]float64
		if draws[u] == nil {
			values = exactInteractions(g.all(u), len(p.words))
		} else {
			values, errors = fromSets(draws[u], len(p.words), len(p.regions), func(present []bool) float64 { return g.value(u, present) })
		}
		for row := range g.bound.Group() {
			out = append(out, g.matrix(u, row, values, errors))
		}
	}
	return out, nil
}

// matrix is the part of an example's interactions that is about one of its pictures.
func (g *game) matrix(u, row int, values, errors [][]float64) analysis.Matrix {
	p, n := g.players[u], u*g.bound.Group()+row
	m := analysis.Matrix{
		Meta: analysis.Meta{Method: "Shapley interactions", Target: g.bound.Names[n], Unit: g.bound.Unit, Model: g.provenance, N: 1, Params: g.params()},
		Rows: analysis.Axis{Name: "word"}, Cols: analysis.Axis{Name: "region"},
	}
	if b := g.bound.Batch; b.Images != nil {
		m.Features = b.Images[n].Source
	}
	words, regions := analysis.WordAxis(g.bound.Batch, n), analysis.RegionAxis(g.bound.Batch, n)
	for _, at := range p.words {
		m.Rows.Labels = append(m.Rows.Labels, words.Labels[at])
	}
	var cols []int
	for j, at := range p.regions {
		if at.row == row {
			cols = append(cols, j)
			m.Cols.Labels = append(m.Cols.Labels, regions.Labels[at.region])
		}
	}
	panel := func(name string, of [][]float64) {
		p := analysis.MatrixPanel{Name: name}
		for _, all := range of {
			var line []float64
			for _, j := range cols {
				line = append(line, all[j])
				if x := math.Abs(all[j]); x > m.High {
					m.Low, m.High = -x, x
				}
			}
			p.Values = append(p.Values, line)
		}
		m.Panels = append(m.Panels, p)
	}
	if errors == nil {
		panel("", values)
		return m
	}
	panel("interaction", values)
	panel("standard error", errors)
	m.Seed = g.opt.Seed
	m.Params["sets drawn for each pair"] = fmt.Sprint(g.opt.Orders)
	m.Notes = append(m.Notes, fmt.Sprintf("Each pair was met in about %d random sets of the others.", g.opt.Orders))
	return m
}

// drawSets draws sets of words and regions, in which pairs of an absent word and an absent region are looked at. A set of s
// of n players is drawn as often as makes its size equal for the pairs that it leaves out: these are few in a large set, so
// large sets come more often, with probability n/(n-1) / ((n-s)(n-s-1)). So the sets without any given pair are drawn as
// Shapley's formula weighs them, each pair is met in one of n-1 draws, and pairs that are met share their sets.
func drawSets(words, regions, draws int, random *rand.Rand) [][]bool {
	n := words + regions
	sets := make([][]bool, draws)
	for k := range sets {
		// The sum of the probabilities up to s is (n/(n-1)) (1/(n-s-1) - 1/n).
		u := random.Float64()
		s := 0
		for s < n-2 && float64(n)/float64(n-1)*(1/float64(n-s-1)-1/float64(n)) <= u {
			s++
		}
		sets[k] = make([]bool, n)
		for _, p := range random.Perm(n)[:s] {
			sets[k][p] = true
		}
	}
	return sets
}

// squares visits each pair of a word and a region that are not in a set, with the set, with the set and the word, with the
// region, and with both. The sets are good until visit returns.
func squares(present []bool, words int, visit func(word, region int, sets [4][]bool)) {
	for i := range words {
		for j := range present[words:] {
			if present[i] || present[words+j] {
				continue
			}
			var sets [4][]bool
			for k := range sets {
				sets[k] = slices.Clone(present)
				sets[k][i], sets[k][words+j] = k&1 != 0, k&2 != 0
			}
			visit(i, j, sets)
		}
	}
}

// fromSets estimates interactions as means over the sets that lack both, with standard errors: NaN of a pair that was never
// met, errors NaN of one that was met once.
func fromSets(draws [][]bool, words, regions int, value func(present []bool) float64) (values, errors [][]float64) {
	values, errors = zeros(words, regions), zeros(words, regions)
	met := zeros(words, regions)
	for _, present := range draws {
		squares(present, words, func(i, j int, sets [4][]bool) {
			x := value(sets[3]) - value(sets[1]) - value(sets[2]) + value(sets[0])
			met[i][j]++
			d := x - values[i][j]
			values[i][j] += d / met[i][j]
			errors[i][j] += d * (x - values[i][j])
		})
	}
	for i := range values {
		for j, n := range met[i] {
			errors[i][j] = math.Sqrt(errors[i][j] / (n - 1) / n)
			if n == 0 {
				values[i][j], errors[i][j] = math.NaN(), math.NaN()
			}
		}
	}
	return values, errors
}

// OnPicture shows the interactions of a row of a batch on its picture, as [Interactions] found them: for each word, those with
// the largest sums of absolute values first, what its regions are worth together with it.
func OnPicture(b *lxmert.Batch, row int, m analysis.Matrix) (analysis.Explanation, error) {
	b = analysis.Separate(b)
	regions := analysis.PresentRegions(b, row)
	rows, cols := m.Size()
	if rows == 0 || cols != len(regions) {
		return analysis.Explanation{}, fmt.Errorf("interactions of %d words with %d regions, row %d has %d regions", rows, cols, row, len(regions))
	}
	var all []analysis.Scores
	var weights []float64
	for i, line := range m.Panels[0].Values {
		values, weight := make([]float64, b.V()), 0.0
		for j, x := range line {
			values[regions[j]] = x
			weight += math.Abs(x)
		}
		s := analysis.NewScores(m.Meta, b, row, nil, values)
		name := fmt.Sprint(i)
		if i < len(m.Rows.Labels) {
			name = m.Rows.Labels[i]
		}
		s.Method = fmt.Sprintf("interaction with %q", name)
		at, _ := slices.BinarySearchFunc(weights, weight, func(a, b float64) int { return cmp.Compare(b, a) })
		all, weights = slices.Insert(all, at, s), slices.Insert(weights, at, weight)
	}
	return analysis.Compared(all...), nil
}
