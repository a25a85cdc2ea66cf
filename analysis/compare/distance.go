package compare

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Weights are those of a model, as a file has them; see lxrt.Source.
type Weights interface {
	// Shape of a parameter, nil where there is none. Names are those of [lxmert.Config.Params].
	Shape(name string) []int
	// Read fills dst with the parameter's values, row by row.
	Read(name string, dst []float32, transposed bool) error
}

// Distance is how far the weights of a block have moved.
type Distance struct {
	Block string
	// Relative is the length of the difference of the two models' weights, all parameters of the block as one vector, divided by the
	// length of the first model's: 0 is unchanged. NaN: the first model's are all 0.
	Relative float64
	Weights  int // how many there are
}

// Moved are the distances of all blocks that two models have in common.
type Moved struct {
	Blocks []Distance
	All    Distance // of all of them as one
	// Others are blocks of which one model has parameters that the other does not have, or has in another shape; those are left out.
	Others []string
}

// blocks tell what a parameter belongs to: the first whose prefix fits. # stands for the number of the layer.
var blocks = []struct{ prefix, name string }{
	{"bert.embeddings.", "embeddings"},
	{"bert.encoder.visn_fc.", "visual encoder"},
	{"bert.encoder.layer.#", "l.#"},
	{"bert.encoder.r_layers.#", "r.#"},
	{"bert.encoder.x_layers.#", "x.#"},
	{"bert.pooler.", "pooler"},
	{"cls.predictions.", "masked-word head"},
	{"cls.seq_relationship.", "match head"},
	{"obj_predict_head.", "object heads"},
	{"answer_head.", "answer head"},
	{"logit_fc.", "task head"},
}

// Block is the part of a model that a parameter belongs to: "embeddings", "visual encoder", a layer by the first part of its
// maps' names ("l.0", "r.0", "x.0"), "pooler", or a head.
func Block(parameter string) string {
	for _, b := range blocks {
		prefix, numbered := strings.CutSuffix(b.prefix, "#")
		rest, ok := strings.CutPrefix(parameter, prefix)
		if !ok {
			continue
		}
		if !numbered {
			return b.name
		}
		number, _, _ := strings.Cut(rest, ".")
		return strings.TrimSuffix(b.name, "#") + number
	}
	return parameter
}

// place is where a block stands among all: in the order of [blocks], layers by their numbers, of which names of more digits are larger.
func place(block string) (group, digits int, name string) {
	group = slices.IndexFunc(blocks, func(b struct{ prefix, name string }) bool {
		stem, numbered := strings.CutSuffix(b.name, "#")
		return b.name == block || numbered && strings.HasPrefix(block, stem)
	})
	return group, len(block), block
}

// Distances measures how far the weights of b are from those of a, block by block in the order of computation. Parameters are read
// one after the other, so that two of them are in memory at a time; sums are float64. The tied matrix of the masked-word head is the
// embeddings' and counts there.
func Distances(ctx context.Context, cfgA, cfgB lxmert.Config, a, b Weights) (*Moved, error) {
	type sums struct {
		difference, own float64
		n               int
	}
	of, all := map[string]*sums{}, &sums{}
	others := map[string]bool{}
	for _, p := range cfgB.Params() {
		others[Block(p.Name)] = others[Block(p.Name)] || !slices.Equal(a.Shape(p.Name), b.Shape(p.Name))
	}
	for _, p := range cfgA.Params() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		block := Block(p.Name)
		if !slices.Equal(a.Shape(p.Name), b.Shape(p.Name)) {
			others[block] = true
			continue
		}
		x, y := make([]float32, lxmert.Size(p.Shape)), make([]float32, lxmert.Size(p.Shape))
		if err := errors.Join(a.Read(p.Name, x, false), b.Read(p.Name, y, false)); err != nil {
			return nil, err
		}
		if of[block] == nil {
			of[block] = &sums{}
		}
		difference, own := 0.0, 0.0
		for i, v := range x {
			d := float64(y[i]) - float64(v)
			difference, own = difference+d*d, own+float64(v)*float64(v)
		}
		for _, s := range []*sums{of[block], all} {
			s.difference, s.own, s.n = s.difference+difference, s.own+own, s.n+len(x)
		}
	}
	relative := func(name string, s *sums) Distance {
		if s.difference == 0 {
			return Distance{name, 0, s.n} // also where both are 0
		}
		if s.own == 0 {
			return Distance{name, math.NaN(), s.n}
		}
		return Distance{name, math.Sqrt(s.difference / s.own), s.n}
	}
	out := &Moved{All: relative("all", all)}
	for block, s := range of {
		out.Blocks = append(out.Blocks, relative(block, s))
	}
	slices.SortFunc(out.Blocks, func(x, y Distance) int { return inOrder(x.Block, y.Block) })
	for block, yes := range others {
		if yes {
			out.Others = append(out.Others, block)
		}
	}
	slices.SortFunc(out.Others, inOrder)
	if len(out.Blocks) == 0 {
		return nil, fmt.Errorf("%w: they have no parameter of one name and shape in common", ErrModels)
	}
	return out, nil
}

func inOrder(a, b string) int {
	groupA, digitsA, nameA := place(a)
	groupB, digitsB, nameB := place(b)
	for _, c := range []int{groupA - groupB, digitsA - digitsB} {
		if c != 0 {
			return c
		}
	}
	return strings.Compare(nameA, nameB)
}

// Bars draws the distances. m says which models they are of.
func (d *Moved) Bars(m analysis.Meta) analysis.Bars {
	m.Method, m.Target, m.Unit, m.N, m.Level, m.Features = "distance of the weights, block by block", "", "", 0, 0, ""
	m.Params, m.Notes = maps.Clone(m.Params), nil
	out := analysis.Bars{Meta: m, XName: "length of the difference, divided by that of the first model's weights"}
	out.Params["weights compared"], out.Params["all together"] = strconv.Itoa(d.All.Weights), strconv.FormatFloat(d.All.Relative, 'g', 4, 64)
	if len(d.Others) > 0 {
		out.Notes = append(out.Notes, "Left out are parameters that only one model has, or that have other shapes: of "+strings.Join(d.Others, ", ")+".")
	}
	for _, x := range d.Blocks {
		out.Bars = append(out.Bars, analysis.Bar{Name: x.Block, Values: []float64{x.Relative}})
	}
	return out
}
