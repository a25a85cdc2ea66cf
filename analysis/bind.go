package analysis

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// Bound is a [Target] fitted to a model and a batch: what to run, what to differentiate, and where the score is read.
type Bound struct {
	// Batch has one text and one image of its own for every row, so that gradients of the sum over rows are those of each
	// row; what the target hides is hidden in it.
	Batch *lxmert.Batch
	Terms []lxmert.Term
	// Names says for each row of Batch what was explained, with the class that was chosen.
	Names []string
	Unit  string // of the score: "logit", "nats" or "share"; "" for a sum of different kinds
	// Places are where the score is read, without repetition.
	Places []Place

	asked Target
	parts []part // with spelled-out outputs; those without a class are settled by the next run
}

// Stream is one of the two sides of the model.
type Stream int

const (
	WordStream Stream = iota
	RegionStream
)

// Place is a position of the top layer from which a score is computed.
type Place struct {
	Stream Stream
	Index  []int // position in each row of the batch
}

// ErrTarget is wrapped by every error that says that a [Target] does not fit a model or a batch.
var ErrTarget = errors.New("target does not fit")

// Grad asks for the gradients of the target's score with respect to activations.
func (t *Bound) Grad(names ...string) *lxmert.Grad {
	return &lxmert.Grad{Of: t.Terms, Names: names}
}

// Place is the one place where the score is read. A sum over several places is an error: methods that follow attention
// back from one position cannot explain it.
func (t *Bound) Place() (Place, error) {
	if len(t.Places) != 1 {
		return Place{}, fmt.Errorf("%w: the score is read at %d places, this method explains one: take its parts one by one, or a gradient method",
			ErrTarget, len(t.Places))
	}
	return t.Places[0], nil
}

// Group is how many rows of the batch make one score: 2 where a fine-tuned head joins two pictures, else 1.
func (t *Bound) Group() int {
	return t.Batch.Rows() / len(t.Terms[0].Weight)
}

// Select returns the target for some of the scores only, in the given order and as often as they are named: a batch of
// Group rows for each. Names and places are left out.
func (t *Bound) Select(scores []int) *Bound {
	group := t.Group()
	pairs := make([][2]int, 0, len(scores)*group)
	for _, u := range scores {
		for g := range group {
			pairs = append(pairs, [2]int{u*group + g, u*group + g})
		}
	}
	b := *t.Batch
	b.Pairs = pairs
	return &Bound{Batch: Separate(&b), Unit: t.Unit, Terms: t.TermsOf(scores)}
}

// TermsOf are the terms of some of the scores only, in the given order and as often as they are named: of a batch that has
// Group rows for each.
func (t *Bound) TermsOf(scores []int) []lxmert.Term {
	var out []lxmert.Term
	for _, term := range t.Terms {
		chosen := lxmert.Term{Output: term.Output, Kind: term.Kind}
		for _, u := range scores {
			chosen.Class = append(chosen.Class, term.Class[u])
			chosen.Weight = append(chosen.Weight, term.Weight[u])
			if term.Position != nil {
				chosen.Position = append(chosen.Position, term.Position[u])
			}
		}
		out = append(out, chosen)
	}
	return out
}

// Bind fits the target to a model and a batch. It runs the model once where a most probable class is to be found; see
// [Target.Prepare] for how to do without. A head that the model lacks, a class or position out of range, and a list with
// neither one entry nor one per row are errors that wrap [ErrTarget].
func (t Target) Bind(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch) (*Bound, error) {
	bound, err := t.Prepare(eng.Config(), b)
	if err == nil && bound.open() {
		_, err = bound.Run(ctx, eng, nil)
	}
	return bound, err
}

// Prepare is [Target.Bind] without running the model. Most probable classes, and with them Names, are found by the first
// [Bound.Run]; until then terms without a class stand for them.
func (t Target) Prepare(cfg lxmert.Config, b *lxmert.Batch) (*Bound, error) {
	if err := b.Check(cfg); err != nil {
		return nil, err
	}
	if len(t.parts) == 0 {
		return nil, fmt.Errorf("%w: it has no parts", ErrTarget)
	}
	bound := &Bound{Batch: Separate(b), asked: t}
	parts := slices.Clone(t.parts)
	for i := range parts {
		p := &parts[i]
		if err := p.fit(cfg, bound.Batch); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrTarget, p.what(), err)
		}
		if p.masked {
			bound.Batch = p.hide(cfg, bound.Batch)
		}
		bound.addPlace(p.place(bound.Batch.Rows()))
	}
	rows := termRows(cfg, bound.Batch, parts[0].output)
	for _, p := range parts {
		if termRows(cfg, bound.Batch, p.output) != rows {
			return nil, fmt.Errorf("%w: out.task of this model is about pairs of rows, the sum's other parts are about rows", ErrTarget)
		}
	}
	bound.parts = parts
	bound.Unit = unitOf(parts[0].kind)
	for _, p := range parts {
		bound.Terms = append(bound.Terms, p.term(cfg, bound.Batch))
		if unitOf(p.kind) != bound.Unit {
			bound.Unit = ""
		}
	}
	if !bound.open() {
		bound.name()
	}
	return bound, nil
}

// open reports whether a most probable class is still to be found.
func (t *Bound) open() bool {
	return slices.ContainsFunc(t.parts, func(p part) bool { return len(p.class) == 0 })
}

// Run runs the model on the target's batch for some activations, and for the gradients of the score with respect to
// others, if any are named. Most probable classes that are still open are found on the way, in the same run.
func (t *Bound) Run(ctx context.Context, eng lxmert.Engine, want []lxmert.Read, gradients ...string) (*lxmert.Trace, error) {
	chosen := func(i int) string { return fmt.Sprintf("target%d", i) }
	r := lxmert.Request{Want: slices.Clone(want), NoRegions: t.Batch.NoRegions()}
	for i, p := range t.parts {
		if len(p.class) > 0 {
			continue
		}
		read := lxmert.Read{Name: p.output, Top: 1, As: chosen(i)}
		if hasPositions(p.output) {
			for n := range t.Batch.Rows() {
				read.Positions = append(read.Positions, []int{at(p.position, n)})
			}
		}
		r.Want = append(r.Want, read)
	}
	if len(gradients) > 0 {
		r.Grad = t.Grad(gradients...)
	}
	trace, err := eng.Run(ctx, t.Batch, r)
	if err != nil || !t.open() {
		return trace, err
	}
	for i := range t.parts {
		if len(t.parts[i].class) > 0 {
			continue
		}
		for _, k := range trace.Top[chosen(i)].Index {
			t.parts[i].class = append(t.parts[i].class, int(k))
		}
		t.Terms[i] = t.parts[i].term(eng.Config(), t.Batch)
		delete(trace.Top, chosen(i))
	}
	t.name()
	return trace, nil
}

// fit checks a part against the model and spells out its output.
func (p *part) fit(cfg lxmert.Config, b *lxmert.Batch) error {
	if p.output == "" {
		head, err := cfg.AnswerHead()
		if err != nil {
			return err
		}
		p.output = head.Output
	}
	classes := cfg.ClassCount(p.output)
	if classes == 0 {
		return fmt.Errorf("the model has no such output; it has %s", cfg.Predictions())
	}
	if cfg.Rows(p.output) == lxmert.TaskRows && b.Rows()%2 != 0 {
		return fmt.Errorf("the model answers about two pictures, the batch has an odd number of rows, %d", b.Rows())
	}
	rows := termRows(cfg, b, p.output)
	if len(p.class) > 1 && len(p.class) != rows {
		return fmt.Errorf("%d classes for %d rows: give one for all, or one per row", len(p.class), rows)
	}
	for _, k := range p.class {
		if k < 0 || k >= classes {
			return fmt.Errorf("class %d is out of range, %s has %d", k, p.output, classes)
		}
	}
	return p.fitPosition(cfg, b)
}

func (p *part) fitPosition(cfg lxmert.Config, b *lxmert.Batch) error {
	if !hasPositions(p.output) {
		if p.position != nil {
			return fmt.Errorf("%s has no positions", p.output)
		}
		return nil
	}
	if len(p.position) == 0 {
		return fmt.Errorf("%s needs a position", p.output)
	}
	if len(p.position) > 1 && len(p.position) != b.Rows() {
		return fmt.Errorf("%d positions for %d rows: give one for all, or one per row", len(p.position), b.Rows())
	}
	for n := range b.Rows() {
		valid := ValidRegions(b, n)
		if p.output == "out.mlm" {
			valid = ValidWords(b, n)
		}
		if i := at(p.position, n); i < 0 || i >= len(valid) || !valid[i] {
			return fmt.Errorf("row %d has nothing at position %d", n, i)
		}
	}
	if p.masked && p.output == "out.mlm" && cfg.Special.Mask == 0 {
		return lxmert.ErrNoMask
	}
	return nil
}

func hasPositions(output string) bool {
	switch output {
	case "out.mlm", "out.obj", "out.attr", "out.feat":
		return true
	}
	return false
}

// termRows is the number of rows of an output: pairs of rows where a fine-tuned head joins two images.
func termRows(cfg lxmert.Config, b *lxmert.Batch, output string) int {
	if cfg.Rows(output) == lxmert.TaskRows {
		return b.Rows() / 2
	}
	return b.Rows()
}

// hide returns the batch without the word or region that the part asks the model for.
func (p part) hide(cfg lxmert.Config, b *lxmert.Batch) *lxmert.Batch {
	c := *b
	if p.output == "out.mlm" {
		c.IDs = nil
		for n, ids := range b.IDs {
			ids = slices.Clone(ids)
			ids[at(p.position, n)] = cfg.Special.Mask
			c.IDs = append(c.IDs, ids)
		}
		return &c
	}
	c.Feats = lxmert.Tensor{Shape: b.Feats.Shape, Data: slices.Clone(b.Feats.Data)}
	for n := range b.Rows() {
		clear(c.Feats.Row(n).Row(at(p.position, n)).Data)
	}
	return &c
}

func (p part) place(rows int) Place {
	place := Place{Index: make([]int, rows)}
	if hasPositions(p.output) && p.output != "out.mlm" {
		place.Stream = RegionStream
	}
	for n := range place.Index {
		place.Index[n] = at(p.position, n)
	}
	return place
}

func (t *Bound) addPlace(p Place) {
	for _, q := range t.Places {
		if p.Stream == q.Stream && slices.Equal(p.Index, q.Index) {
			return
		}
	}
	t.Places = append(t.Places, p)
}

func (p part) term(cfg lxmert.Config, b *lxmert.Batch) lxmert.Term {
	rows := termRows(cfg, b, p.output)
	t := lxmert.Term{Output: p.output, Kind: p.kind, Weight: make([]float32, rows)}
	for n := range rows {
		if len(p.class) > 0 {
			t.Class = append(t.Class, at(p.class, n))
		}
		t.Weight[n] = float32(p.weight)
		if p.position != nil {
			t.Position = append(t.Position, at(p.position, n))
		}
	}
	return t
}

// name writes what was explained in each row.
func (t *Bound) name() {
	for n := range t.Batch.Rows() {
		if t.asked.name != "" && t.asked.name != predicted {
			t.Names = append(t.Names, t.asked.String())
			continue
		}
		row := Target{parts: slices.Clone(t.parts)}
		for i := range row.parts {
			p := &row.parts[i]
			p.class = []int{at(p.class, n/t.Group())}
			if p.position != nil {
				p.position = []int{at(p.position, n)}
			}
		}
		name := row.String()
		if len(t.parts) == 1 && len(t.asked.parts[0].class) == 0 {
			name += ", the most probable"
		}
		t.Names = append(t.Names, name)
	}
}
