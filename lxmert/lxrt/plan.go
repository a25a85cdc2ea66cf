package lxrt

import "github.com/seed-516990b0/golxmert/lxmert"

// plan is a request, checked against a model and a batch and resolved to single activations. Four things are made of it, each
// in a file of its own: the key of its compiled program (key.go), the program's graph (define.go), what it is fed with
// (feed.go), and the trace of its results (crop.go). Checking is in check.go: whoever holds a plan need not check it again.
type plan struct {
	cfg   lxmert.Config
	batch *lxmert.Batch
	sizes sizes

	anyRegion bool // the graph reads which images have a region
	paired    bool // the graph reads which texts and images meet

	edits map[string][]edit // by activation, in the order in which they apply
	reads []read
	terms []term
	grads []lxmert.Activation
	rule  lxmert.GradRule

	demand map[string]bool // activations that some part of the request needs in full
}

// edit is one edit of one activation.
type edit struct {
	op    lxmert.Op
	value operand
	mask  *operand // nil: 1 everywhere
}

// operand is a tensor of an edit, which repeats along axes of size 1.
type operand struct {
	tensor lxmert.Tensor
	// Along axes that the bucket extends it is spelled out, so that no edit reaches that padding.
	spelled, padded []int
	fill            float32 // of the padding
}

// read is one activation to return.
type read struct {
	key       string // in the trace
	act       lxmert.Activation
	top       int
	positions [][]int // [N][count]; nil: all
}

// count is the number of positions in each row, of true size and of the bucket's; 0: all.
func (r read) count() [2]int {
	if r.positions == nil {
		return [2]int{}
	}
	n := len(r.positions[0])
	return [2]int{n, rowBucket(n)}
}

// term is a part of the score.
type term struct {
	lxmert.Term
	rows [2]int // true, bucket
}

// hasPosition reports whether the term reads its output at one position in each row.
func (t term) hasPosition() bool { return isPositionHead(t.Output) }

// newBatchPlan is a plan that wants nothing of a batch.
func newBatchPlan(cfg lxmert.Config, b *lxmert.Batch, s sizes, without lxmert.NoRegions) *plan {
	return &plan{
		cfg: cfg, batch: b, sizes: s,
		anyRegion: s.regions[0] == 0 || (without == lxmert.AttendNothing && b.RegionMask != nil),
		paired:    b.Pairs != nil,
		edits:     map[string][]edit{}, demand: map[string]bool{},
	}
}

// isPositionHead reports whether a head can be computed at some positions only.
func isPositionHead(name string) bool {
	switch name {
	case "out.mlm", "out.obj", "out.attr", "out.feat":
		return true
	}
	return false
}

// atPositions reports whether a head of which positions are asked for is computed at these only: nothing asks for all of it.
func (p *plan) atPositions(head string) bool { return isPositionHead(head) && !p.demand[head] }

// positionAxis is the axis of words or regions of an activation with rows, of a map that of its queries; -1: none.
func positionAxis(a lxmert.Activation) int {
	for i, x := range a.Axes {
		if x == lxmert.AxisWord || x == lxmert.AxisRegion {
			return i + 1
		}
	}
	return -1
}
