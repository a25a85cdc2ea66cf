package modality

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// game asks a model for the target's value of some examples of which only some words and regions are there. Each set of
// words is made into a text once, and each set of regions into a picture.
type game struct {
	eng     lxmert.Engine
	bound   *analysis.Bound
	opt     ShapleyOptions
	absence absence
	players []players

	texts, pictures side
	pairs           [][2]int
	values          map[[2]int]float64 // of a text with a picture
	provenance      lxmert.Provenance
}

// players are the words and regions of an example that can be absent, the words first.
type players struct {
	words   []int
	regions []regionAt
}

// regionAt is a region of one of the pictures of an example.
type regionAt struct{ row, region int }

func (p players) n() int { return len(p.words) + len(p.regions) }

// side numbers the texts or the pictures that were asked for.
type side struct {
	known map[string]int
	items []item
}

// item is an example with some of one side's players.
type item struct {
	example int
	present []bool
}

func (s *side) number(example int, present []bool) int {
	key := strconv.AppendInt(make([]byte, 0, len(present)+8), int64(example), 10)
	for _, there := range present {
		if there {
			key = append(key, '+')
		} else {
			key = append(key, '-')
		}
	}
	i, ok := s.known[string(key)]
	if !ok {
		i = len(s.items)
		s.known[string(key)] = i
		s.items = append(s.items, item{example, slices.Clone(present)})
	}
	return i
}

func newGame(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch, target analysis.Target, opt ShapleyOptions) (*game, error) {
	bound, err := target.Bind(ctx, eng, b)
	if err != nil {
		return nil, err
	}
	g := &game{eng: eng, bound: bound, opt: opt, values: map[[2]int]float64{}}
	g.texts.known, g.pictures.known = map[string]int{}, map[string]int{}
	if g.absence, err = newAbsence(eng.Config(), bound.Batch, opt.AbsentWord, opt.AbsentRegion); err != nil {
		return nil, err
	}
	group := bound.Group()
	for u := range bound.Batch.Rows() / group {
		var p players
		for _, at := range analysis.InnerWords(bound.Batch, u*group) {
			// A word that is hidden already, such as one that the target asks for, has nothing to add.
			if id := bound.Batch.IDs[u*group][at]; id != eng.Config().Special.Mask || id == 0 {
				p.words = append(p.words, at)
			}
		}
		for row := range group {
			if !slices.Equal(bound.Batch.IDs[u*group+row], bound.Batch.IDs[u*group]) {
				return nil, fmt.Errorf("rows %d and %d are one example with two sentences, whose words cannot be shared out", u*group, u*group+row)
			}
			for v, there := range analysis.ValidRegions(bound.Batch, u*group+row) {
				if there {
					p.regions = append(p.regions, regionAt{row, v})
				}
			}
		}
		if p.n() == 0 {
			return nil, fmt.Errorf("row %d has neither words nor regions to share anything out between", u*group)
		}
		g.players = append(g.players, p)
	}
	return g, nil
}

// pair is the text and the picture of those players of an example who are there.
func (g *game) pair(u int, present []bool) [2]int {
	words := len(g.players[u].words)
	return [2]int{g.texts.number(u, present[:words]), g.pictures.number(u, present[words:])}
}

// ask asks for a value, which [game.value] tells after [game.play].
func (g *game) ask(u int, present []bool) {
	pair := g.pair(u, present)
	if _, asked := g.values[pair]; !asked {
		g.values[pair] = 0
		g.pairs = append(g.pairs, pair)
	}
}

func (g *game) value(u int, present []bool) float64 { return g.values[g.pair(u, present)] }

// askAll asks for the values of all sets of an example's players; all returns them, by the bits of the set.
func (g *game) askAll(u int) {
	g.each(u, func(present []bool) { g.ask(u, present) })
}

func (g *game) all(u int) []float64 {
	var values []float64
	g.each(u, func(present []bool) { values = append(values, g.value(u, present)) })
	return values
}

func (g *game) each(u int, visit func(present []bool)) {
	n := g.players[u].n()
	present := make([]bool, n)
	for s := range 1 << n {
		for i := range present {
			present[i] = s>>i&1 == 1
		}
		visit(present)
	}
}

// play asks the model for everything that was asked for.
func (g *game) play(ctx context.Context) error {
	b, group := g.bound.Batch, g.bound.Group()
	width, pad := b.T(), g.eng.Config().Special.Pad
	m := meeting{
		eng: g.eng, group: group,
		text: func(to *lxmert.Batch, i int) {
			x := g.texts.items[i]
			appendText(to, b, x.example*group, width, pad, func(ids []int32, mask []float32) {
				for k, at := range g.players[x.example].words {
					if !x.present[k] {
						g.absence.word(ids, mask, at)
					}
				}
			})
		},
		picture: func(to *lxmert.Batch, i int) {
			x := g.pictures.items[i]
			for row := range group {
				appendPicture(to, b, x.example*group+row, func(feats lxmert.Tensor, mask []float32) {
					for k, at := range g.players[x.example].regions {
						if at.row == row && !x.present[k] {
							g.absence.region(feats, mask, at.region)
						}
					}
				})
			}
		},
		request: func(pairs [][2]int) lxmert.Request {
			scores := make([]int, len(pairs))
			for i, p := range pairs {
				scores[i] = g.texts.items[p[0]].example
			}
			return lxmert.Request{Grad: &lxmert.Grad{Of: g.bound.TermsOf(scores)}, NoRegions: lxmert.AttendNothing}
		},
	}
	return m.run(ctx, blocks(g.pairs, max(1, g.opt.RowsPerRun/group)), func(pair [2]int, trace *lxmert.Trace, row int) {
		g.values[pair] = float64(trace.Score[row])
		g.provenance = trace.Provenance
	})
}

// blocks cuts a list of pairs into runs of at most size, so that few texts and few pictures are in a run: pairs whose texts
// and pictures have nearby numbers come together.
func blocks(pairs [][2]int, size int) [][][2]int {
	near := 1
	for near*near < size {
		near *= 2
	}
	sorted := slices.Clone(pairs)
	slices.SortStableFunc(sorted, func(a, b [2]int) int {
		if d := a[0]/near - b[0]/near; d != 0 {
			return d
		}
		return a[1]/near - b[1]/near
	})
	var runs [][][2]int
	for _, span := range even(len(sorted), size) {
		runs = append(runs, sorted[span[0]:span[1]])
	}
	return runs
}
