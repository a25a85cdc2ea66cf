package lxrt

import (
	"fmt"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// newPlan checks a request and resolves its patterns. All errors that a request can have are found here.
func newPlan(cfg lxmert.Config, b *lxmert.Batch, r lxmert.Request) (*plan, error) {
	return newPlanOf(cfg, b, r, sizesOf)
}

// newPlanOf is newPlan with a choice of the buckets.
func newPlanOf(cfg lxmert.Config, b *lxmert.Batch, r lxmert.Request, sizesOf func(b *lxmert.Batch, cfg lxmert.Config) sizes) (*plan, error) {
	if err := b.Check(cfg); err != nil {
		return nil, err
	}
	if r.NoRegions != lxmert.UniformShift && r.NoRegions != lxmert.AttendNothing {
		return nil, fmt.Errorf("there is no meaning %d of having no regions", r.NoRegions)
	}
	c := checker{plan: newBatchPlan(cfg, b, sizesOf(b, cfg), r.NoRegions), names: cfg.Names()}
	for i, e := range r.Edits {
		if err := c.addEdit(e); err != nil {
			return nil, fmt.Errorf("edit %d (%s): %w", i, e.Name, err)
		}
	}
	if g := r.Grad; g != nil {
		if err := c.addGrad(g); err != nil {
			return nil, err
		}
	}
	for i, w := range r.Want {
		if err := c.addRead(w); err != nil {
			return nil, fmt.Errorf("read %d (%s): %w", i, w.Name, err)
		}
	}
	if len(c.reads) == 0 && len(c.terms) == 0 {
		return nil, fmt.Errorf("the request wants nothing: give names to read, or a score to differentiate")
	}
	if c.demand["out.task"] {
		return c.plan, c.taskRows()
	}
	return c.plan, nil
}

// checker fills a plan with the parts of a request.
type checker struct {
	*plan
	names []lxmert.Activation // the model's, listed once for all patterns of the request
}

// find lists the activations that fit a pattern, at least one.
func (c *checker) find(pattern string) ([]lxmert.Activation, error) {
	var found []lxmert.Activation
	for _, a := range c.names {
		if lxmert.Match(pattern, a.Name) {
			found = append(found, a)
		}
	}
	if found == nil {
		return c.cfg.Find(pattern) // says what is wrong
	}
	return found, nil
}

// taskRows says whether rows can be joined for the fine-tuned head.
func (c *checker) taskRows() error {
	if rows := c.sizes.rows[0]; c.cfg.TaskImages == 2 && rows%2 != 0 {
		return fmt.Errorf("out.task joins the rows of two images, but the batch has %d rows", rows)
	}
	return nil
}

func (c *checker) addEdit(e lxmert.Edit) error {
	acts, err := c.find(e.Name)
	if err != nil {
		return err
	}
	for _, a := range acts {
		if err := e.Check(a); err != nil {
			return err
		}
		// A map's keys that only fill the bucket stay at zero, and their scores far below all others.
		fill := float32(0)
		switch {
		case e.Op == lxmert.Multiply || e.Op == lxmert.Cut:
			fill = 1
		case e.Op == lxmert.Set && a.IsScore():
			fill = Absent
		}
		step := edit{op: e.Op}
		if step.value, err = c.operand(a, e.Value, fill); err != nil {
			return fmt.Errorf("value: %w", err)
		}
		if e.Op == lxmert.Set && !e.Mask.IsZero() {
			mask, err := c.operand(a, e.Mask, 0)
			if err != nil {
				return fmt.Errorf("mask: %w", err)
			}
			step.mask = &mask
		}
		c.edits[a.Name] = append(c.edits[a.Name], step)
		c.demand[a.Name] = true
	}
	return nil
}

// operand checks that a tensor broadcasts against an activation.
func (c *checker) operand(a lxmert.Activation, t lxmert.Tensor, fill float32) (operand, error) {
	full, bucket := c.sizes.dims(c.cfg, a, 0), c.sizes.dims(c.cfg, a, 1)
	if len(t.Shape) != len(full) || lxmert.Size(t.Shape) != len(t.Data) {
		return operand{}, fmt.Errorf("shape %v with %d values cannot be broadcast to %s %v", t.Shape, len(t.Data), a.Name, full)
	}
	spelled, padded := make([]int, len(full)), make([]int, len(full))
	for i, d := range t.Shape {
		switch {
		case d == full[i] || (d == 1 && i > 0 && bucket[i] != full[i]):
			spelled[i], padded[i] = full[i], bucket[i]
		case d == 1:
			spelled[i], padded[i] = 1, 1
		default:
			return operand{}, fmt.Errorf("shape %v cannot be broadcast to %s %v: axis %d must be 1 or %d", t.Shape, a.Name, full, i, full[i])
		}
	}
	return operand{tensor: t, spelled: spelled, padded: padded, fill: fill}, nil
}

func (c *checker) addGrad(g *lxmert.Grad) error {
	if len(g.Of) == 0 {
		return fmt.Errorf("gradient: there is no score, give at least one term")
	}
	if g.Rule != lxmert.Derivative && g.Rule != lxmert.AttnLRP {
		return fmt.Errorf("gradient: there is no rule %d", g.Rule)
	}
	c.rule = g.Rule
	for i, t := range g.Of {
		if err := c.addTerm(t); err != nil {
			return fmt.Errorf("gradient, term %d (%s): %w", i, t.Output, err)
		}
	}
	for _, name := range g.Names {
		acts, err := c.find(name)
		if err != nil {
			return fmt.Errorf("gradient: %w", err)
		}
		for _, a := range acts {
			c.grads = append(c.grads, a)
			c.demand[a.Name] = true
		}
	}
	return nil
}

func (c *checker) addTerm(t lxmert.Term) error {
	classes := c.cfg.ClassCount(t.Output)
	if classes == 0 {
		_, err := c.find(t.Output)
		if err == nil {
			err = fmt.Errorf("a score is made of outputs, %s is not one", t.Output)
		}
		return err
	}
	if t.Output == "out.task" {
		if err := c.taskRows(); err != nil {
			return err
		}
	}
	if t.Kind < lxmert.Logit || t.Kind > lxmert.Probability {
		return fmt.Errorf("there is no kind %d", t.Kind)
	}
	a := lxmert.Activation{Name: t.Output}
	rows := [2]int{c.sizes.dims(c.cfg, a, 0)[0], c.sizes.dims(c.cfg, a, 1)[0]}
	if t.Class != nil {
		if len(t.Class) != rows[0] {
			return fmt.Errorf("%d classes for %d rows", len(t.Class), rows[0])
		}
		if err := within(t.Class, classes, "class"); err != nil {
			return err
		}
	}
	if t.Weight != nil && len(t.Weight) != rows[0] {
		return fmt.Errorf("%d weights for %d rows", len(t.Weight), rows[0])
	}
	if err := c.termPosition(t, rows[0]); err != nil {
		return err
	}
	if len(c.terms) > 0 && c.terms[0].rows != rows {
		return fmt.Errorf("terms of one score must have the same rows, these have %d and %d", c.terms[0].rows[0], rows[0])
	}
	if !isPositionHead(t.Output) {
		c.demand[t.Output] = true
	}
	c.terms = append(c.terms, term{t, rows})
	return nil
}

// termPosition checks where a term reads its output: heads over positions need one in each row, others have none.
func (c *checker) termPosition(t lxmert.Term, rows int) error {
	if !isPositionHead(t.Output) {
		if t.Position != nil {
			return fmt.Errorf("it has no positions")
		}
		return nil
	}
	length := c.sizes.regions[0]
	if t.Output == "out.mlm" {
		length = c.sizes.words[0]
	}
	if length == 0 {
		return fmt.Errorf("there are no regions to take a score of")
	}
	if len(t.Position) != rows {
		return fmt.Errorf("%d positions for %d rows", len(t.Position), rows)
	}
	return within(t.Position, length, "position")
}

func (c *checker) addRead(w lxmert.Read) error {
	acts, err := c.find(w.Name)
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
		step := read{key: a.Name, act: a, top: w.Top, positions: w.Positions}
		if w.As != "" {
			step.key = w.As
		}
		for _, other := range c.reads {
			if other.key == step.key {
				return fmt.Errorf("%q is read twice: give one of them another As", step.key)
			}
		}
		if w.Positions != nil {
			if err := c.readPositions(a, w.Positions); err != nil {
				return err
			}
		}
		if w.Positions == nil || !isPositionHead(a.Name) {
			c.demand[a.Name] = true
		}
		c.reads = append(c.reads, step)
	}
	return nil
}

// readPositions checks at which positions an activation is read.
func (c *checker) readPositions(a lxmert.Activation, positions [][]int) error {
	dims := c.sizes.dims(c.cfg, a, 0)
	axis := positionAxis(a)
	if axis < 0 {
		return fmt.Errorf("%s has no positions", a.Name)
	}
	if len(positions) != dims[0] {
		return fmt.Errorf("positions for %d rows, %s has %d", len(positions), a.Name, dims[0])
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
	return nil
}

func within(values []int, limit int, what string) error {
	for n, v := range values {
		if v < 0 || v >= limit {
			return fmt.Errorf("%s %d (entry %d) is out of range, there are %d", what, v, n, limit)
		}
	}
	return nil
}
