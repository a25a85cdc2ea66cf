package lxrt

import (
	"fmt"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// plan is a request, resolved against a model and a batch: how to build its graph, what to feed it, and how to read the
// results. Two plans with the same key have the same graph.
type plan struct {
	cfg   lxmert.Config
	names []lxmert.Activation // the model's, listed once for all patterns of the request
	batch *lxmert.Batch
	sizes sizes

	key     strings.Builder
	anyMask bool                  // feed AnyRegion
	paired  bool                  // feed PairText and PairImage
	demand  map[string]bool       // activations asked for in full, by whatever part of the request
	edits   map[string][]editStep // by activation
	reads   []readStep
	grads   []lxmert.Activation
	terms   []termStep
	feeds   map[string]func() any // flat data of each input, by name
}

type editStep struct {
	op          lxmert.Op
	value, mask string // inputs; mask "" means 1 everywhere
	vDims       []int
	mDims       []int
}

type readStep struct {
	key       string
	act       lxmert.Activation
	top       int
	positions string // input; "" means all
	count     [2]int // positions of a row: true, bucket
}

type termStep struct {
	output                  string
	kind                    lxmert.TermKind
	rows                    [2]int
	position, class, weight string // inputs; position "" for outputs without
}

func newPlan(cfg lxmert.Config, b *lxmert.Batch, r lxmert.Request) (*plan, error) {
	if err := b.Check(cfg); err != nil {
		return nil, err
	}
	if r.NoRegions != lxmert.UniformShift && r.NoRegions != lxmert.AttendNothing {
		return nil, fmt.Errorf("there is no meaning %d of having no regions", r.NoRegions)
	}
	p := newBatchPlan(cfg, b, sizesOf(b, cfg), r.NoRegions)
	for i, e := range r.Edits {
		if err := p.addEdit(e); err != nil {
			return nil, fmt.Errorf("edit %d (%s): %w", i, e.Name, err)
		}
	}
	if g := r.Grad; g != nil {
		if err := p.addGrad(g); err != nil {
			return nil, err
		}
	}
	for i, w := range r.Want {
		if err := p.addRead(w); err != nil {
			return nil, fmt.Errorf("read %d (%s): %w", i, w.Name, err)
		}
	}
	if len(p.reads) == 0 && len(p.terms) == 0 {
		return nil, fmt.Errorf("the request wants nothing: give names to read, or a score to differentiate")
	}
	if p.demand["out.task"] {
		return p, p.checkTaskRows()
	}
	return p, nil
}

// newBatchPlan is a plan that only feeds a batch.
func newBatchPlan(cfg lxmert.Config, b *lxmert.Batch, s sizes, without lxmert.NoRegions) *plan {
	p := &plan{
		cfg: cfg, names: cfg.Names(), batch: b, sizes: s,
		demand: map[string]bool{}, edits: map[string][]editStep{}, feeds: map[string]func() any{},
	}
	p.anyMask = s.regions[0] == 0 || (without == lxmert.AttendNothing && b.RegionMask != nil)
	p.paired = b.Pairs != nil
	fmt.Fprintf(&p.key, "%d %d %d %d %d pairs=%v any=%v\n", s.texts[1], s.images[1], s.rows[1], s.words[1], s.regions[1], p.paired, p.anyMask)
	p.feedBatch()
	return p
}

// find lists the activations that fit a pattern, at least one.
func (p *plan) find(pattern string) ([]lxmert.Activation, error) {
	var found []lxmert.Activation
	for _, a := range p.names {
		if lxmert.Match(pattern, a.Name) {
			found = append(found, a)
		}
	}
	if found == nil {
		return p.cfg.Find(pattern) // says what is wrong
	}
	return found, nil
}

// checkTaskRows says whether rows can be joined for the fine-tuned head.
func (p *plan) checkTaskRows() error {
	if rows := p.sizes.rows[0]; p.cfg.TaskImages == 2 && rows%2 != 0 {
		return fmt.Errorf("out.task joins the rows of two images, but the batch has %d rows", rows)
	}
	return nil
}

func (p *plan) addEdit(e lxmert.Edit) error {
	acts, err := p.find(e.Name)
	if err != nil {
		return err
	}
	for _, a := range acts {
		if err := e.Check(a); err != nil {
			return err
		}
		// Inputs are named by what the key says, not by how the request was written.
		input := fmt.Sprintf("edit %d of %s", len(p.edits[a.Name]), a.Name)
		step := editStep{op: e.Op, value: input + ": value"}
		fill := float32(0)
		switch {
		case e.Op == lxmert.Multiply || e.Op == lxmert.Cut:
			fill = 1
		case e.Op == lxmert.Set && a.IsScore():
			fill = Absent
		}
		if step.vDims, err = p.feedEdit(step.value, a, e.Value, fill); err != nil {
			return fmt.Errorf("value: %w", err)
		}
		if e.Op == lxmert.Set && !e.Mask.IsZero() {
			step.mask = input + ": mask"
			if step.mDims, err = p.feedEdit(step.mask, a, e.Mask, 0); err != nil {
				return fmt.Errorf("mask: %w", err)
			}
		}
		p.edits[a.Name] = append(p.edits[a.Name], step)
		p.demand[a.Name] = true
		fmt.Fprintf(&p.key, "edit %s %d %v %v\n", a.Name, e.Op, step.vDims, step.mDims)
	}
	return nil
}

// feedEdit checks that a tensor broadcasts against an activation, and feeds it padded to the bucket. Along axes that the
// bucket extends it is spelled out, so that no edit reaches that padding: a map's keys that only fill the bucket stay at zero
// and their scores far below all others.
func (p *plan) feedEdit(input string, a lxmert.Activation, t lxmert.Tensor, fill float32) ([]int, error) {
	full, bucket := p.sizes.dims(p.cfg, a, 0), p.sizes.dims(p.cfg, a, 1)
	if len(t.Shape) != len(full) || lxmert.Size(t.Shape) != len(t.Data) {
		return nil, fmt.Errorf("shape %v with %d values cannot be broadcast to %s %v", t.Shape, len(t.Data), a.Name, full)
	}
	spelled, to := make([]int, len(full)), make([]int, len(full))
	for i, d := range t.Shape {
		switch {
		case d == full[i] || (d == 1 && i > 0 && bucket[i] != full[i]):
			spelled[i], to[i] = full[i], bucket[i]
		case d == 1:
			spelled[i], to[i] = 1, 1
		default:
			return nil, fmt.Errorf("shape %v cannot be broadcast to %s %v: axis %d must be 1 or %d", t.Shape, a.Name, full, i, full[i])
		}
	}
	p.feeds[input] = func() any { return pad(broadcast(t.Data, t.Shape, spelled), spelled, to, fill) }
	return to, nil
}

func (p *plan) addGrad(g *lxmert.Grad) error {
	if len(g.Of) == 0 {
		return fmt.Errorf("gradient: there is no score, give at least one term")
	}
	for i, t := range g.Of {
		if err := p.addTerm(i, t); err != nil {
			return fmt.Errorf("gradient, term %d (%s): %w", i, t.Output, err)
		}
	}
	for _, name := range g.Names {
		acts, err := p.find(name)
		if err != nil {
			return fmt.Errorf("gradient: %w", err)
		}
		for _, a := range acts {
			p.grads = append(p.grads, a)
			p.demand[a.Name] = true
			fmt.Fprintf(&p.key, "grad %s\n", a.Name)
		}
	}
	return nil
}

func (p *plan) addTerm(i int, t lxmert.Term) error {
	classes := p.cfg.ClassCount(t.Output)
	if classes == 0 {
		_, err := p.find(t.Output)
		if err == nil {
			err = fmt.Errorf("a score is made of outputs, %s is not one", t.Output)
		}
		return err
	}
	if t.Output == "out.task" {
		if err := p.checkTaskRows(); err != nil {
			return err
		}
	}
	if t.Kind < lxmert.Logit || t.Kind > lxmert.Probability {
		return fmt.Errorf("there is no kind %d", t.Kind)
	}
	a := lxmert.Activation{Name: t.Output}
	rows := [2]int{p.sizes.dims(p.cfg, a, 0)[0], p.sizes.dims(p.cfg, a, 1)[0]}
	step := termStep{output: t.Output, kind: t.Kind, rows: rows, weight: fmt.Sprintf("term %d weight", i)}

	if t.Class != nil {
		if len(t.Class) != rows[0] {
			return fmt.Errorf("%d classes for %d rows", len(t.Class), rows[0])
		}
		if err := within(t.Class, classes, "class"); err != nil {
			return err
		}
		step.class = fmt.Sprintf("term %d class", i)
		p.feeds[step.class] = func() any { return int32s(t.Class, rows[1]) }
	}
	if t.Weight != nil && len(t.Weight) != rows[0] {
		return fmt.Errorf("%d weights for %d rows", len(t.Weight), rows[0])
	}
	length := p.positionsOf(t.Output)
	switch {
	case !isPositionHead(t.Output) && t.Position != nil:
		return fmt.Errorf("it has no positions")
	case isPositionHead(t.Output) && length == 0:
		return fmt.Errorf("there are no regions to take a score of")
	case isPositionHead(t.Output):
		if len(t.Position) != rows[0] {
			return fmt.Errorf("%d positions for %d rows", len(t.Position), rows[0])
		}
		if err := within(t.Position, length, "position"); err != nil {
			return err
		}
		step.position = fmt.Sprintf("term %d position", i)
		p.feeds[step.position] = func() any { return int32s(t.Position, rows[1]) }
	default:
		p.demand[t.Output] = true
	}
	p.feeds[step.weight] = func() any {
		w := make([]float32, rows[1])
		for n := range rows[0] {
			w[n] = 1
			if t.Weight != nil {
				w[n] = t.Weight[n]
			}
		}
		return w
	}
	p.terms = append(p.terms, step)
	fmt.Fprintf(&p.key, "term %s %d %v %v\n", t.Output, t.Kind, step.position != "", step.class != "")
	if len(p.terms) > 1 && p.terms[0].rows != rows {
		return fmt.Errorf("terms of one score must have the same rows, these have %d and %d", p.terms[0].rows[0], rows[0])
	}
	return nil
}

// positionsOf is the number of positions of an output, 0 where it has none.
func (p *plan) positionsOf(output string) int {
	switch output {
	case "out.mlm":
		return p.sizes.words[0]
	case "out.obj", "out.attr", "out.feat":
		return p.sizes.regions[0]
	}
	return 0
}

func (p *plan) addRead(w lxmert.Read) error {
	acts, err := p.find(w.Name)
	if err != nil {
		return err
	}
	if w.As != "" && len(acts) > 1 {
		return fmt.Errorf("the key %q cannot name the %d activations that the pattern stands for", w.As, len(acts))
	}
	if err := w.Check(); err != nil {
		return err
	}
	for _, a := range acts {
		step := readStep{key: a.Name, act: a, top: w.Top}
		if w.As != "" {
			step.key = w.As
		}
		for _, other := range p.reads {
			if other.key == step.key {
				return fmt.Errorf("%q is read twice: give one of them another As", step.key)
			}
		}
		if w.Positions != nil {
			if err := p.addPositions(&step, w.Positions); err != nil {
				return err
			}
		}
		if step.positions == "" || !isPositionHead(a.Name) {
			p.demand[a.Name] = true
		}
		p.reads = append(p.reads, step)
		fmt.Fprintf(&p.key, "read %s %d\n", a.Name, step.count[1])
	}
	return nil
}

func (p *plan) addPositions(step *readStep, positions [][]int) error {
	dims := p.sizes.dims(p.cfg, step.act, 0)
	axis := positionAxis(step.act)
	if axis < 0 {
		return fmt.Errorf("%s has no positions", step.act.Name)
	}
	if len(positions) != dims[0] {
		return fmt.Errorf("positions for %d rows, %s has %d", len(positions), step.act.Name, dims[0])
	}
	count := len(positions[0])
	for n, ps := range positions {
		if len(ps) != count || count == 0 {
			return fmt.Errorf("row %d has %d positions, row 0 has %d: all rows need the same number, at least one", n, len(ps), count)
		}
		if err := within(ps, dims[axis], "position"); err != nil {
			return fmt.Errorf("row %d: %w", n, err)
		}
	}
	step.count = [2]int{count, rowBucket(count)}
	step.positions = fmt.Sprintf("read %d of %s: positions", len(p.reads), step.act.Name)
	rows := p.sizes.dims(p.cfg, step.act, 1)[0]
	p.feeds[step.positions] = func() any {
		flat := make([]int32, rows*step.count[1])
		for n, ps := range positions {
			for j, pos := range ps {
				flat[n*step.count[1]+j] = int32(pos)
			}
		}
		return flat
	}
	return nil
}

// isPositionHead reports whether a head can be computed at some positions only.
func isPositionHead(name string) bool {
	switch name {
	case "out.mlm", "out.obj", "out.attr", "out.feat":
		return true
	}
	return false
}

// positionAxis is the axis of words or regions of an activation with rows, of a map that of its queries; -1: none.
func positionAxis(a lxmert.Activation) int {
	for i, x := range a.Axes {
		if x == lxmert.AxisWord || x == lxmert.AxisRegion {
			return i + 1
		}
	}
	return -1
}

func within(values []int, limit int, what string) error {
	for n, v := range values {
		if v < 0 || v >= limit {
			return fmt.Errorf("%s %d (entry %d) is out of range, there are %d", what, v, n, limit)
		}
	}
	return nil
}

func int32s(values []int, size int) []int32 {
	out := make([]int32, size)
	for i, v := range values {
		out[i] = int32(v)
	}
	return out
}
