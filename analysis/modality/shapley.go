package modality

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// MostExact is the largest number of words and regions together whose Shapley values are computed exactly unless
// [ShapleyOptions] say otherwise: of 14 there are 16,384 subsets.
const MostExact = 14

// ShapleyOptions are those of [Shapley] and [Interactions]. The zero value is exact up to [MostExact] words and regions and
// draws 16 pairs of orders beyond.
type ShapleyOptions struct {
	AbsentWord   AbsentWord
	AbsentRegion AbsentRegion
	// Exact is the largest number of words and regions together that is computed exactly, at most 20; 0: MostExact,
	// negative: none.
	Exact int
	// Orders is the number of pairs of orders (each with its reverse) that are drawn where it is not exact; 0: 16. For
	// [Interactions] it is how often each pair is met on average; 0: 16. Seed makes the orders, for each example by its
	// number; First is the number of the batch's first, so that a part of a data set draws what the whole draws.
	Orders int
	Seed   uint64
	First  int
	// RowsPerRun is the number of rows of one run of the model; 0: 1024.
	RowsPerRun int
}

func (o ShapleyOptions) orDefault() ShapleyOptions {
	if o.Exact == 0 {
		o.Exact = MostExact
	}
	o.Exact = min(o.Exact, 20)
	if o.Orders <= 0 {
		o.Orders = 16
	}
	if o.RowsPerRun <= 0 {
		o.RowsPerRun = 1024
	}
	return o
}

// Shares are the Shapley values of one example. The values of [CLS], [SEP] and padding are 0: these are always there.
type Shares struct {
	// Scores of each row of the example: several where an answer is about two pictures, whose common sentence then has
	// the same values in both.
	Scores []analysis.Scores
	// WordErrors and RegionErrors are standard errors, shaped like the scores' words and regions; nil where values are exact,
	// NaN where one pair of orders tells nothing of them.
	WordErrors, RegionErrors [][]float64
	// Whole is the target's value with everything there, Nothing without any word or region; the values sum to their difference.
	Whole, Nothing float64
}

// Text is T-SHAP, the share of the words in the sum of all absolute values; that of the regions, V-SHAP, is what is missing
// to 1. NaN if all values are 0: then it is not defined.
func (s Shares) Text() float64 {
	words, regions := 0.0, 0.0
	for _, x := range s.Scores[0].Words {
		words += math.Abs(x)
	}
	for _, row := range s.Scores {
		for _, x := range row.Regions {
			regions += math.Abs(x)
		}
	}
	return words / (words + regions)
}

// Picture is V-SHAP, 1 less [Shares.Text].
func (s Shares) Picture() float64 { return 1 - s.Text() }

// Shapley shares the value of a target out between the words and the regions of each example, by what each adds to subsets
// of the others (MM-SHAP: Parcalabescu and Frank, 2023). Regions stay what they are: nothing is detected anew in a picture
// with holes. Values are in the target's unit and sum to the difference between everything and nothing, also where they are
// estimates. An example is a row, or a pair of rows where answers are about two pictures.
func Shapley(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target, opt ShapleyOptions) ([]Shares, error) {
	opt = opt.orDefault()
	g, err := newGame(ctx, eng, b, target, opt)
	if err != nil {
		return nil, err
	}
	examples := make([]Shares, len(g.players))
	orders := make([][][]int, len(g.players))
	for u, players := range g.players {
		if players.n() <= opt.Exact {
			g.askAll(u)
			continue
		}
		orders[u] = antithetic(players.n(), opt.Orders, g.random(u))
		fromOrders(orders[u], func(present []bool) float64 { g.ask(u, present); return 0 })
	}
	if err := g.play(ctx); err != nil {
		return nil, err
	}
	for u, players := range g.players {
		n := players.n()
		var shares, errors []float64
		if orders[u] == nil {
			shares = exactShapley(g.all(u))
		} else {
			shares, errors = fromOrders(orders[u], func(present []bool) float64 { return g.value(u, present) })
		}
		examples[u] = g.shares(u, shares, errors)
		examples[u].Nothing = g.value(u, make([]bool, n))
		examples[u].Whole = g.value(u, slices.Repeat([]bool{true}, n))
	}
	return examples, nil
}

// random is the source of an example's draws.
func (g *game) random(u int) *rand.Rand {
	return rand.New(rand.NewPCG(g.opt.Seed, uint64(g.opt.First+u)))
}

// shares puts the shares of an example's players where their words and regions stand.
func (g *game) shares(u int, shares, errors []float64) Shares {
	players, group := g.players[u], g.bound.Group()
	place := func(values []float64, row int) (words, regions []float64) {
		words, regions = make([]float64, len(g.bound.Batch.IDs[u*group+row])), make([]float64, g.bound.Batch.V())
		for i, at := range players.words {
			words[at] = values[i]
		}
		for i, at := range players.regions {
			if at.row == row {
				regions[at.region] = values[len(players.words)+i]
			}
		}
		return words, regions
	}
	var out Shares
	for row := range group {
		n := u*group + row
		meta := analysis.Meta{Method: "Shapley values", Target: g.bound.Names[n], Unit: g.bound.Unit, Model: g.provenance, Params: g.params()}
		if errors != nil {
			meta.Seed = g.opt.Seed
			meta.Params["pairs of orders"] = fmt.Sprint(g.opt.Orders)
			w, r := place(errors, row)
			out.WordErrors, out.RegionErrors = append(out.WordErrors, w), append(out.RegionErrors, r)
		}
		words, regions := place(shares, row)
		out.Scores = append(out.Scores, analysis.NewScores(meta, g.bound.Batch, n, words, regions))
	}
	return out
}

func (g *game) params() map[string]string {
	return map[string]string{"absent word": g.absence.words.String(), "absent region": g.absence.regions.String()}
}
