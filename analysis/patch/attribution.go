package patch

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// AttributionOptions are the choices of [Attribute]. The zero value estimates noising of heads and levels and checks
// nothing.
type AttributionOptions struct {
	Direction Direction
	// QueriesAndKeys adds every query and every key of every head, with the correction of AtP*. It is for noising: the
	// correction is made at the clean run.
	QueriesAndKeys bool
	// Check is how many nodes of each row, those with the largest estimates, are patched exactly as well; negative: all.
	Check int
}

// Effect is what patching one node does to the score of a row.
type Effect struct {
	Node Node
	// Estimate is the change by first order, or of queries and keys with AtP*'s correction.
	Estimate float64
	// FirstOrder is the estimate without the correction.
	FirstOrder float64
	// Exact is the change that patching the node makes; NaN where it was not checked.
	Exact float64
}

// Attribution is what was estimated for one row of a [Pair].
type Attribution struct {
	analysis.Meta
	Direction        Direction
	Clean, Corrupted float64 // scores of the two runs
	Effects          []Effect
	Words            analysis.Axis // what levels' positions are
	Regions          analysis.Axis

	cfg lxmert.Config
}

// Attribute estimates for every head and for every level at every position what patching it would change, by one run
// forward of one input and one run forward and back of the other: the effect of a node is, to first order, its change times
// the gradient of the score (Nanda, "Attribution patching", 2023; Syed, Rager and Conmy, 2023). It is exact where the score
// is linear in the node and it may be far off where attention saturates, which is why the largest are checked with
// [AttributionOptions].
//
// A query or a key acts through a softmax. For these the gradient is taken after it: the change of the map that the other
// query or key makes, times the gradient with respect to the map (AtP*, Kramár, Lieberum, Shah and Nanda, 2024; its other
// part, GradDrop, is left out).
func (p *Pair) Attribute(ctx context.Context, opt AttributionOptions) ([]Attribution, error) {
	cfg := p.eng.Config()
	nodes := []string{"hid.t.*", "hid.i.*"}
	var want, grads []string
	for _, a := range cfg.Names() {
		if slices.ContainsFunc(nodes, func(pattern string) bool { return lxmert.Match(pattern, a.Name) }) {
			want, grads = append(want, a.Name), append(grads, a.Name)
		}
		if !a.IsMap() {
			continue
		}
		want, grads = append(want, a.Name+".ctx"), append(grads, a.Name+".ctx")
		if opt.QueriesAndKeys {
			want = append(want, a.Name, a.Name+".score", a.Name+".q", a.Name+".k")
			grads = append(grads, a.Name, a.Name+".q", a.Name+".k")
		}
	}
	base, _ := opt.Direction.base()
	var graded [2][]string
	graded[base] = grads
	if err := p.run(ctx, want, graded); err != nil {
		return nil, err
	}
	out := make([]Attribution, p.Rows())
	for row := range out {
		out[row] = p.estimate(row, opt)
		if opt.Check == 0 {
			continue
		}
		if err := p.check(ctx, row, &out[row], opt.Check); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// estimate makes the estimates of a row.
func (p *Pair) estimate(row int, opt AttributionOptions) Attribution {
	cfg, b := p.eng.Config(), p.Batch(opt.Direction)
	a := Attribution{Meta: p.meta(row, "attribution patching, "+opt.Direction.String()), Direction: opt.Direction, cfg: cfg}
	a.Unit = p.sides[0].Unit
	if opt.QueriesAndKeys {
		a.Params = map[string]string{"queries and keys": "corrected as in AtP*, without GradDrop"}
	}
	a.Words, a.Regions = p.axes(row)
	a.Clean, a.Corrupted = p.Metric(row)
	words := analysis.ValidWords(b, row)
	for _, n := range slices.Concat(Heads(cfg), Levels(cfg, len(words), b.V())) {
		x := p.firstOrder(opt.Direction, row, n)
		a.Effects = append(a.Effects, Effect{Node: n, Estimate: x, FirstOrder: x, Exact: math.NaN()})
	}
	if opt.QueriesAndKeys {
		for _, name := range cfg.Maps() {
			a.Effects = append(a.Effects, p.queriesAndKeys(opt.Direction, row, name)...)
		}
	}
	return a
}

// firstOrder is the sum of change times gradient over the numbers of a node.
func (p *Pair) firstOrder(d Direction, row int, n Node) float64 {
	base, source := d.base()
	x, y := rowsOf(p.values[base][n.Name].Row(row), n), rowsOf(p.values[source][n.Name].Row(row), n)
	g := rowsOf(p.grads[base][n.Name].Row(row), n)
	sum := 0.0
	for i := range x {
		sum += (float64(y[i]) - float64(x[i])) * float64(g[i])
	}
	return sum
}

// rowsOf are the numbers of a node in an activation [H,Q,d] or [Q,D], where it is of one head, or one position, or both.
func rowsOf(x lxmert.Tensor, n Node) []float32 {
	if n.Head != All {
		x = x.Row(n.Head)
	}
	if n.Position != All {
		x = x.Row(n.Position)
	}
	return x.Data
}

// check patches the nodes with the largest estimates.
func (p *Pair) check(ctx context.Context, row int, a *Attribution, most int) error {
	order := a.Largest(most)
	nodes := make([]Node, len(order))
	for i, k := range order {
		nodes[i] = a.Effects[k].Node
	}
	exact, err := p.Patch(ctx, a.Direction, row, nodes)
	if err != nil {
		return err
	}
	for i, k := range order {
		a.Effects[k].Exact = exact[i]
	}
	return nil
}

// Largest are the numbers of the effects with the largest estimates, whatever their sign, n of them or, if n is negative,
// all. Of equal ones the first comes first.
func (a *Attribution) Largest(n int) []int {
	order := make([]int, len(a.Effects))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		return cmp.Compare(math.Abs(a.Effects[j].Estimate), math.Abs(a.Effects[i].Estimate))
	})
	if n >= 0 && n < len(order) {
		order = order[:n]
	}
	return order
}

// Table lists the effects with the largest estimates, n of them, beside what patching them does where that was checked.
func (a *Attribution) Table(n int) analysis.Table {
	t := analysis.Table{Meta: a.Meta, Columns: []string{"node", "estimate", "exact"}}
	for _, k := range a.Largest(n) {
		e := a.Effects[k]
		t.Rows = append(t.Rows, []any{a.named(e.Node), e.Estimate, e.Exact})
	}
	return t
}

// named is a node with the word or the region that it is about.
func (a *Attribution) named(n Node) string {
	axis := a.Words
	switch {
	case n.Position == All:
		return n.String()
	case isRegionNode(n.Name):
		axis = a.Regions
	}
	if n.Position >= len(axis.Labels) {
		return n.String()
	}
	return n.String() + " (" + axis.Labels[n.Position] + ")"
}

// isRegionNode says that positions of an activation are regions.
func isRegionNode(name string) bool {
	for _, pattern := range []string{"hid.i.*", "*.*.ii.q", "*.*.ii.k", "*.*.it.q", "*.*.ti.k"} {
		if lxmert.Match(pattern, name) {
			return true
		}
	}
	return false
}

// Atlas is the estimate of every head and of every level at every position, as matrices on one scale: heads by maps, and
// levels by words and by regions, without padding. Heads and levels are nodes of their own: their effects overlap and do not
// add up.
func (a *Attribution) Atlas() analysis.Collection {
	heads := analysis.Matrix{Meta: a.Meta, Rows: analysis.Axis{Name: "head"}, Cols: analysis.Axis{Name: "map", Labels: a.cfg.Maps()}}
	for h := range a.cfg.Heads {
		heads.Rows.Labels = append(heads.Rows.Labels, strconv.Itoa(h))
	}
	streams := map[string]*analysis.Matrix{
		"hid.t.*": {Meta: a.Meta, Rows: analysis.Axis{Name: "level"}, Cols: a.Words},
		"hid.i.*": {Meta: a.Meta, Rows: analysis.Axis{Name: "level"}, Cols: a.Regions},
	}
	at := map[Node]float64{}
	most := 0.0
	for _, e := range a.Effects {
		at[e.Node] = e.Estimate
		if e.Node.Head == All || e.Node.Position == All {
			most = max(most, math.Abs(e.Estimate))
		}
	}
	panel := analysis.MatrixPanel{Name: "heads"}
	for h := range a.cfg.Heads {
		var row []float64
		for _, name := range heads.Cols.Labels {
			row = append(row, at[Node{name + ".ctx", h, All}])
		}
		panel.Values = append(panel.Values, row)
	}
	heads.Panels = []analysis.MatrixPanel{panel}
	for pattern, m := range streams {
		panel := analysis.MatrixPanel{Name: map[string]string{"hid.t.*": "levels of words", "hid.i.*": "levels of regions"}[pattern]}
		for _, x := range a.cfg.Names() {
			if !lxmert.Match(pattern, x.Name) {
				continue
			}
			m.Rows.Labels = append(m.Rows.Labels, x.Name)
			var row []float64
			for position := range m.Cols.Labels {
				row = append(row, at[Node{x.Name, All, position}])
			}
			panel.Values = append(panel.Values, row)
		}
		m.Panels = []analysis.MatrixPanel{panel}
	}
	out := analysis.Collection{Meta: a.Meta, Title: a.Method + ": " + a.Target}
	for _, m := range []*analysis.Matrix{&heads, streams["hid.t.*"], streams["hid.i.*"]} {
		if rows, cols := m.Size(); rows > 0 && cols > 0 {
			m.Low, m.High = -most, most
			out.Results = append(out.Results, *m)
		}
	}
	return out
}
