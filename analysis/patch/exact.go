package patch

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Exact is what patching each node of one row does, one node at a time, as shares of the difference between the two runs: see
// [Pair.Share]. They are NaN where the two runs score alike, which a note says.
type Exact struct {
	analysis.Meta
	Direction        Direction
	Clean, Corrupted float64 // scores of the two runs
	// Inputs are the levels of the embeddings at each word and each region, on the picture of the clean run.
	Inputs analysis.Scores
	// Heads are heads by maps: what a head gives to all its queries. Words and Regions are levels by positions. Sublayers are
	// what an attention or feed-forward block adds to its stream at all positions, by layers.
	Heads, Words, Regions, Sublayers analysis.Matrix
}

// Exact patches every head, every level at every word and region, and every sublayer, one at a time.
func (p *Pair) Exact(ctx context.Context, d Direction, row int) (*Exact, error) {
	if row < 0 || row >= p.Rows() {
		return nil, fmt.Errorf("there is no row %d to patch, there are %d", row, p.Rows())
	}
	cfg, b := p.eng.Config(), p.Batch(d)
	words, regions := p.axes(row)
	groups := [][]Node{Heads(cfg), present(Levels(cfg, b.T(), b.V()), len(words.Labels), len(regions.Labels)), Sublayers(cfg)}
	share := map[Node]float64{}
	for _, nodes := range groups {
		changes, err := p.Patch(ctx, d, row, nodes)
		if err != nil {
			return nil, err
		}
		for i, n := range nodes {
			share[n] = p.Share(d, row, changes[i])
		}
	}
	x := &Exact{Direction: d}
	x.Clean, x.Corrupted = p.Metric(row)
	x.Meta = p.meta(row, "activation patching, "+d.String())
	if math.IsNaN(p.Share(d, row, 0)) {
		x.Notes = append(x.Notes, fmt.Sprintf("Both runs score %.4g: there is no difference that nodes could carry, so shares are not defined.", x.Clean))
	}
	grid := func(name string, rows, cols analysis.Axis, at func(i, j int) Node) analysis.Matrix {
		m := analysis.Matrix{Meta: x.Meta, Rows: rows, Cols: cols, High: 1}
		m.Method = "activation patching of " + name + ", " + d.String()
		panel := analysis.MatrixPanel{Name: name}
		for i := range rows.Labels {
			var values []float64
			for j := range cols.Labels {
				s, ok := share[at(i, j)]
				if !ok {
					s = math.NaN()
				}
				if !math.IsNaN(s) {
					m.Low, m.High = min(m.Low, s), max(m.High, s)
				}
				values = append(values, s)
			}
			panel.Values = append(panel.Values, values)
		}
		m.Panels = []analysis.MatrixPanel{panel}
		return m
	}
	heads := analysis.Axis{Name: "head"}
	for h := range cfg.Heads {
		heads.Labels = append(heads.Labels, strconv.Itoa(h))
	}
	maps := analysis.Axis{Name: "map", Labels: cfg.Maps()}
	x.Heads = grid("heads", heads, maps, func(i, j int) Node { return Node{maps.Labels[j] + ".ctx", i, All} })
	for _, s := range []struct {
		to     *analysis.Matrix
		prefix string
		cols   analysis.Axis
		title  string
	}{{&x.Words, "hid.t.", words, "levels of words"}, {&x.Regions, "hid.i.", regions, "levels of regions"}} {
		levels := analysis.Axis{Name: "level"}
		for _, a := range cfg.Names() {
			if strings.HasPrefix(a.Name, s.prefix) {
				levels.Labels = append(levels.Labels, a.Name)
			}
		}
		*s.to = grid(s.title, levels, s.cols, func(i, j int) Node { return Node{levels.Labels[i], All, j} })
	}
	kinds, layers, suffixes := SublayerAxes(cfg)
	x.Sublayers = grid("sublayers", kinds, layers, func(i, j int) Node { return Node{layers.Labels[j] + suffixes[i], All, All} })

	meta := x.Meta
	meta.Method = "activation patching of single words and regions, " + d.String()
	clean := p.sides[0].Batch
	x.Inputs = analysis.NewScores(meta, clean, row, padded(x.Words, clean.T()), padded(x.Regions, clean.V()))
	return x, nil
}

// padded is the first level of a matrix, with 0 for padding.
func padded(m analysis.Matrix, n int) []float64 {
	values := make([]float64, n)
	copy(values, m.Panels[0].Values[0])
	return values
}

// present are the nodes that are not padding at the end.
func present(nodes []Node, words, regions int) []Node {
	return slices.DeleteFunc(nodes, func(n Node) bool {
		if isRegionNode(n.Name) {
			return n.Position >= regions
		}
		return n.Position >= words
	})
}

// meta is that of results about a row.
func (p *Pair) meta(row int, method string) analysis.Meta {
	bound := p.sides[0]
	m := analysis.Meta{Method: method, Target: bound.Names[row], Unit: "share", Model: p.prov}
	if p.notes != nil && p.notes[row] != "" {
		m.Notes = []string{p.notes[row]}
	}
	return analysis.NewScores(m, bound.Batch, row, nil, nil).Meta
}

// axes name the words and regions of a row. Where the two runs have different ones at a place, both stand there: first that of
// the clean run, then that of the corrupted one.
func (p *Pair) axes(row int) (words, regions analysis.Axis) {
	both := func(of func(*lxmert.Batch, int) analysis.Axis) analysis.Axis {
		axis, other := of(p.sides[0].Batch, row), of(p.sides[1].Batch, row)
		differ := false
		for i, name := range other.Labels[:min(len(axis.Labels), len(other.Labels))] {
			if name != axis.Labels[i] {
				// Regions begin with their number in both.
				axis.Labels[i] += "/" + strings.TrimPrefix(name, strconv.Itoa(i)+" ")
				differ = true
			}
		}
		if differ {
			axis.Name += " (clean/corrupted)"
		}
		return axis
	}
	return both(analysis.WordAxis), both(analysis.RegionAxis)
}

// sublayerKinds are the blocks of layers by what they do.
var sublayerKinds = []struct{ suffix, what string }{
	{".ti.out", "words look at regions"}, {".tt.out", "words look at words"}, {".t.ffn.out", "feed-forward of words, cross"}, {".ffn.out", "feed-forward"},
	{".it.out", "regions look at words"}, {".ii.out", "regions look at regions"}, {".i.ffn.out", "feed-forward of regions, cross"},
}

// Sublayers are the nodes of all attention and feed-forward blocks: what each adds to its stream at all positions, before the
// residual and LayerNorm.
func Sublayers(cfg lxmert.Config) []Node {
	var nodes []Node
	for _, a := range cfg.Names() {
		if slices.ContainsFunc(sublayerKinds, func(k struct{ suffix, what string }) bool { return lxmert.Match("*.*"+k.suffix, a.Name) }) {
			nodes = append(nodes, Node{a.Name, All, All})
		}
	}
	return nodes
}

// SublayerAxes are the kinds of [Sublayers] and the layers of a model: the node of a kind in a layer is called as the layer, and then
// the kind's suffix. Not every layer has every kind.
func SublayerAxes(cfg lxmert.Config) (kinds, layers analysis.Axis, suffixes []string) {
	kinds.Name, layers.Name = "sublayer", "layer"
	for _, k := range sublayerKinds {
		kinds.Labels, suffixes = append(kinds.Labels, k.what), append(suffixes, k.suffix)
	}
	for _, l := range []struct {
		letter string
		n      int
	}{{"l", cfg.LangLayers}, {"r", cfg.RegionLayers}, {"x", cfg.CrossLayers}} {
		for k := range l.n {
			layers.Labels = append(layers.Labels, l.letter+"."+strconv.Itoa(k))
		}
	}
	return kinds, layers, suffixes
}

// Collection is all of it as one result: words and regions on the picture first.
func (x *Exact) Collection() analysis.Collection {
	c := analysis.Collection{Meta: x.Meta, Title: x.Method + ": " + x.Target}
	c.Results = append(c.Results, x.Inputs)
	for _, m := range []analysis.Matrix{x.Heads, x.Words, x.Regions, x.Sublayers} {
		if rows, cols := m.Size(); rows > 0 && cols > 0 {
			c.Results = append(c.Results, m)
		}
	}
	return c
}

// Contrast is what tells two runs apart: the logit of the clean run's most probable answer less that of the corrupted run's, or
// where that is the same answer, less that of the clean run's second.
func Contrast(clean, corrupted *lxmert.Answer) analysis.Target {
	a, b := clean.Best(), corrupted.Best()
	if a.Class == b.Class && len(clean.Ranked) > 1 {
		b = clean.Ranked[1]
	}
	return analysis.Sum(analysis.Answer(a.Class), analysis.Times(-1, analysis.Answer(b.Class))).Called(a.Text + "-" + b.Text)
}
