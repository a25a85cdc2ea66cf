package patch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Pair are two inputs of a model, a clean one and a corrupted one in each row of two batches, between whose runs nodes are
// exchanged, and the target whose score tells what that does. Classes of the target that are to be the most probable ones
// are those of the clean run.
type Pair struct {
	eng      lxmert.Engine
	sides    [2]*analysis.Bound          // clean, corrupted
	metric   [2][]float64                // the target's score in both, of each score
	values   [2]map[string]lxmert.Tensor // what was read
	grads    [2]map[string]lxmert.Tensor
	prov     lxmert.Provenance
	notes    []string // of each row, what a reader must know; nil: nothing
	together int      // rows of a run that patches
}

// Direction says into which run nodes are patched from the other one.
type Direction int

const (
	// Noising puts nodes of the corrupted run into the clean one: what breaks the answer.
	Noising Direction = iota
	// Denoising puts nodes of the clean run into the corrupted one: what suffices to bring the answer back.
	Denoising
)

// String is "noising" or "denoising".
func (d Direction) String() string {
	if d == Denoising {
		return "denoising"
	}
	return "noising"
}

// base is the side that is patched, and the other one is where nodes come from.
func (d Direction) base() (base, source int) {
	if d == Denoising {
		return 1, 0
	}
	return 0, 1
}

// ErrPair is wrapped by errors which say that two inputs cannot be patched into each other.
var ErrPair = errors.New("the two inputs do not pair")

// smallestChange is the least difference between the scores of two runs of which shares are made.
const smallestChange = 1e-6

// patchedTogether is how many rows a run has that patches, one node in each.
const patchedTogether = 32

// NewPair pairs the rows of two batches. Texts pair position by position, so they need equal numbers of word pieces and
// equal masks; regions pair by their numbers, so a region must stand for the same thing in both, see [RegionsPair]: in the same
// picture with one region replaced, or with other features in the same boxes. Anything else is an error that wraps [ErrPair].
func NewPair(ctx context.Context, eng lxmert.Engine, clean, corrupted *lxmert.Batch, target analysis.Target) (*Pair, error) {
	return newPair(ctx, eng, clean, corrupted, target, checkPair)
}

func newPair(ctx context.Context, eng lxmert.Engine, clean, corrupted *lxmert.Batch, target analysis.Target, check func(clean, corrupted *lxmert.Batch) error) (*Pair, error) {
	bound, err := target.Bind(ctx, eng, clean)
	if err != nil {
		return nil, err
	}
	other, err := target.Prepare(eng.Config(), corrupted)
	if err != nil {
		return nil, fmt.Errorf("the corrupted input: %w", err)
	}
	if err := check(bound.Batch, other.Batch); err != nil {
		return nil, err
	}
	second := *bound
	second.Batch = other.Batch
	p := &Pair{eng: eng, sides: [2]*analysis.Bound{bound, &second}, together: patchedTogether}
	for side := range p.sides {
		p.values[side], p.grads[side] = map[string]lxmert.Tensor{}, map[string]lxmert.Tensor{}
	}
	return p, nil
}

// checkPair compares two batches without Pairs.
func checkPair(clean, corrupted *lxmert.Batch) error {
	if err := wordsOfPair(clean, corrupted); err != nil {
		return err
	}
	for n := range clean.Rows() {
		if err := RegionsPair(clean, corrupted, n); err != nil {
			return err
		}
	}
	return nil
}

// wordsOfPair compares the texts of two batches without Pairs.
func wordsOfPair(clean, corrupted *lxmert.Batch) error {
	if a, b := clean.Rows(), corrupted.Rows(); a != b {
		return fmt.Errorf("%w: %d rows and %d", ErrPair, a, b)
	}
	for n := range clean.Rows() {
		if err := WordsPair(clean, corrupted, n); err != nil {
			return err
		}
		if len(clean.IDs[n]) != len(corrupted.IDs[n]) {
			return fmt.Errorf("%w: row %d has its padding at other positions in one input than in the other", ErrPair, n)
		}
	}
	return nil
}

// Rows is the number of rows of each batch.
func (p *Pair) Rows() int { return p.sides[0].Batch.Rows() }

// Batch is one of the two inputs: the one that [Direction] patches.
func (p *Pair) Batch(d Direction) *lxmert.Batch {
	base, _ := d.base()
	return p.sides[base].Batch
}

// run reads activations of both sides, and on those of graded the gradients of the score.
func (p *Pair) run(ctx context.Context, want []string, graded [2][]string) error {
	for side, bound := range p.sides {
		trace, err := p.eng.Run(ctx, bound.Batch, lxmert.Request{Want: lxmert.All(want...), Grad: bound.Grad(graded[side]...), NoRegions: bound.Batch.NoRegions()})
		if err != nil {
			return err
		}
		maps.Copy(p.values[side], trace.Values)
		maps.Copy(p.grads[side], trace.Grads)
		p.prov, p.metric[side] = trace.Provenance, nil
		for _, x := range trace.Score {
			p.metric[side] = append(p.metric[side], float64(x))
		}
	}
	return nil
}

// Metric are the target's scores of the clean and the corrupted input of a row. It is known once something was patched or
// estimated.
func (p *Pair) Metric(row int) (clean, corrupted float64) {
	at := row / p.sides[0].Group()
	return p.metric[0][at], p.metric[1][at]
}

// Share turns a change of a row's score into a share of the difference between its two runs: 0 is the corrupted run's
// score, 1 the clean run's. It is NaN where the two are the same.
func (p *Pair) Share(d Direction, row int, change float64) float64 {
	clean, corrupted := p.Metric(row)
	if !(math.Abs(clean-corrupted) >= smallestChange) {
		return math.NaN()
	}
	share := change / (clean - corrupted)
	if d == Noising {
		share++
	}
	return share
}

// Patch says for each of some nodes by how much the score of a row changes if the node alone is taken from the other run. It
// runs the model on many nodes at a time, one in each row of a batch.
func (p *Pair) Patch(ctx context.Context, d Direction, row int, nodes []Node) ([]float64, error) {
	sets := make([][]Node, len(nodes))
	for i, n := range nodes {
		sets[i] = []Node{n}
	}
	return p.PatchTogether(ctx, d, row, sets)
}

// PatchTogether is [Pair.Patch] of sets of nodes, all nodes of a set at once.
func (p *Pair) PatchTogether(ctx context.Context, d Direction, row int, sets [][]Node) ([]float64, error) {
	if row < 0 || row >= p.Rows() {
		return nil, fmt.Errorf("there is no row %d to patch, there are %d", row, p.Rows())
	}
	names, places, err := p.places(row, sets)
	if err != nil {
		return nil, err
	}
	if err := p.need(ctx, names); err != nil {
		return nil, err
	}
	changes := make([]float64, len(sets))
	for _, t := range towersOf(p.eng.Config(), sets) {
		if err := p.patchAlike(ctx, d, row, sets, t, names, places, changes); err != nil {
			return nil, err
		}
	}
	return changes, nil
}

// towers are sets of nodes that are alike in which towers they reach into. In a tower that none of them reaches into the input is
// the same for all, so that it is passed once for many of them.
type towers struct {
	texts, images bool  // whether there is a node inside the language tower, and inside the object-relationship tower
	sets          []int // which sets these are
}

// towersOf puts sets that are alike together.
func towersOf(cfg lxmert.Config, sets [][]Node) (all []towers) {
	for i, set := range sets {
		var t towers
		for _, n := range set {
			t.texts = t.texts || cfg.Rows(n.Name) == lxmert.TextRows
			t.images = t.images || cfg.Rows(n.Name) == lxmert.ImageRows
		}
		at := slices.IndexFunc(all, func(o towers) bool { return o.texts == t.texts && o.images == t.images })
		if at < 0 {
			at, all = len(all), append(all, t)
		}
		all[at].sets = append(all[at].sets, i)
	}
	return all
}

// patchAlike patches the sets that are alike, and fills in their changes: those from the score of the same program in which nothing is
// patched, so that what rounding does there is no effect.
func (p *Pair) patchAlike(ctx context.Context, d Direction, row int, all [][]Node, t towers, names []string, places map[string]place, changes []float64) error {
	base, _ := d.base()
	sets := [][]Node{{}}
	var patched []string
	for _, i := range t.sets {
		sets = append(sets, all[i])
	}
	for _, name := range names {
		if slices.ContainsFunc(sets, func(set []Node) bool { return slices.ContainsFunc(set, func(n Node) bool { return n.Name == name }) }) {
			patched = append(patched, name)
		}
	}
	var scores []float32
	for len(sets) > 0 {
		n := min(len(sets), max(1, p.together/p.sides[base].Group()))
		some, err := p.patched(ctx, d, row, sets[:n], t, patched, places)
		if err != nil {
			return err
		}
		scores, sets = append(scores, some...), sets[n:]
	}
	for k, i := range t.sets {
		changes[i] = float64(scores[k+1]) - float64(scores[0])
	}
	return nil
}

// places fits the nodes to the row, by the names of their activations, which are also returned in a fixed order: one
// compiled program serves all runs over the same names.
func (p *Pair) places(row int, sets [][]Node) (names []string, places map[string]place, err error) {
	alone := p.alone(0, row, 1)
	places = map[string]place{}
	for _, set := range sets {
		for _, n := range set {
			at, err := n.fit(p.eng.Config(), alone.Batch.T(), alone.Batch.V())
			if err != nil {
				return nil, nil, err
			}
			places[n.Name] = at
		}
	}
	for _, a := range p.eng.Config().Names() {
		if _, ok := places[a.Name]; ok {
			names = append(names, a.Name)
		}
	}
	return names, places, nil
}

// need sees to it that activations are known of both sides.
func (p *Pair) need(ctx context.Context, names []string) error {
	missing := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		_, known := p.values[1][name]
		return known
	})
	if len(missing) == 0 && p.metric[1] != nil {
		return nil
	}
	return p.run(ctx, missing, [2][]string{})
}

// alone is the score of a row of one side, n times.
func (p *Pair) alone(side, row, n int) *analysis.Bound {
	group := p.sides[side].Group()
	scores := make([]int, n)
	for i := range scores {
		scores[i] = row / group
	}
	return p.sides[side].Select(scores)
}

// patched are the scores of a row with each of some sets of nodes, which are alike, taken from the other run.
func (p *Pair) patched(ctx context.Context, d Direction, row int, sets [][]Node, t towers, names []string, places map[string]place) ([]float32, error) {
	base, source := d.base()
	batch := t.batch(p.alone(base, row, 1).Batch, len(sets))
	group := batch.Rows() / len(sets)
	masks := map[string]lxmert.Tensor{}
	for _, name := range names {
		masks[name] = lxmert.NewTensor(append([]int{len(sets) * group}, places[name].maskDims()...)...)
	}
	for i, set := range sets {
		for _, n := range set {
			n.mark(places[n.Name], masks[n.Name].Row(i*group+row%group))
		}
	}
	score := &lxmert.Grad{Of: p.sides[base].TermsOf(slices.Repeat([]int{row / group}, len(sets)))}
	r := lxmert.Request{Grad: score, NoRegions: batch.NoRegions()}
	for _, name := range names {
		value := corner(p.values[source][name].Row(row), places[name].dims)
		value.Shape = append([]int{1}, value.Shape...)
		r.Edits = append(r.Edits, lxmert.Edit{Name: name, Op: lxmert.Set, Value: value, Mask: masks[name]})
	}
	trace, err := p.eng.Run(ctx, batch, r)
	if err != nil {
		return nil, err
	}
	return trace.Score, nil
}

// batch is an input, of one score, n times: with a text of its own for each, and a picture, where there is something to patch on
// their way.
func (t towers) batch(one *lxmert.Batch, n int) *lxmert.Batch {
	times := func(own bool) int {
		if own {
			return n
		}
		return 1
	}
	texts, images := times(t.texts), times(t.images)
	again := func(x lxmert.Tensor) lxmert.Tensor {
		return lxmert.Tensor{Shape: append([]int{images * x.Shape[0]}, x.Shape[1:]...), Data: slices.Repeat(x.Data, images)}
	}
	b := &lxmert.Batch{
		IDs: repeated(one.IDs, texts), Segments: repeated(one.Segments, texts), TextMask: repeated(one.TextMask, texts), Words: repeated(one.Words, texts),
		Feats: again(one.Feats), Boxes: again(one.Boxes), RegionMask: repeated(one.RegionMask, images), Images: repeated(one.Images, images),
	}
	group := one.Rows()
	for i := range n {
		for g := range group {
			b.Pairs = append(b.Pairs, [2]int{i*group%(texts*group) + g, i*group%(images*group) + g})
		}
	}
	return b
}

// repeated is a list n times; of none there is none.
func repeated[S ~[]E, E any](list S, n int) S {
	if list == nil {
		return nil
	}
	return slices.Repeat(list, n)
}

// corner copies the first entries along each axis of a tensor: a row of a batch has padding beyond its own text.
func corner(x lxmert.Tensor, dims []int) lxmert.Tensor {
	out := lxmert.NewTensor(dims...)
	copyCorner(out, x)
	return out
}

func copyCorner(to, from lxmert.Tensor) {
	if len(to.Shape) <= 1 {
		copy(to.Data, from.Data)
		return
	}
	for i := range to.Shape[0] {
		copyCorner(to.Row(i), from.Row(i))
	}
}
