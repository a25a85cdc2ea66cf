package lxrt

import "github.com/seed-516990b0/golxmert/lxmert"

// This file is what an engine that compiles nothing takes of this package: requests as they are checked and resolved here, what
// masks add to scores, and traces as they are made here. So engines cannot differ in what a request means.

// Masked is what is added to the scores of a key with mask 0.
const Masked = masked

// Plan is a request, checked against a model and a batch and resolved to single activations, for an engine that computes each
// as it is asked for. All sizes are the batch's own.
type Plan struct {
	Inputs PlanInputs
	Edits  map[string][]PlanEdit // by activation, in the order in which they apply
	Reads  []PlanRead
	Terms  []PlanTerm
	Grads  []lxmert.Activation // whose gradients are wanted
	Rule   lxmert.GradRule

	plan *plan
}

// PlanInputs is a batch as arrays: Nt texts of T word pieces, Ni images of V regions, N pairs.
type PlanInputs struct {
	Texts, Words, Images, Regions, Rows int

	IDs, Segments []int32   // [Nt,T]
	TextMask      []float32 // [Nt,T], what is added to scores
	RegionMask    []float32 // [Ni,V]
	AnyRegion     []float32 // [Ni], 0 for an image that is attended to by nobody. Nil: there is no such image
	// PairText and PairImage are the text and the image of each row, [N]. Nil: text b meets image b.
	PairText, PairImage []int32
}

// PlanEdit is one edit of one activation.
type PlanEdit struct {
	Op    lxmert.Op
	Value lxmert.Tensor
	Mask  lxmert.Tensor // the zero Tensor: 1 everywhere
}

// PlanRead is one activation to return.
type PlanRead struct {
	Activation lxmert.Activation
	// Positions [rows,Count] are those wanted along an axis; nil: all. There may be more than were asked for, which
	// [Plan.Trace] leaves out.
	Positions   []int32
	Axis, Count int
	// AtPositions says that a head is to be computed at the positions only.
	AtPositions bool
}

// PlanTerm is one summand of the score.
type PlanTerm struct {
	Output   string
	Kind     lxmert.TermKind
	Position []int32   // [rows]; nil: the output has no positions
	Class    []int32   // [rows]; nil: the largest
	Weight   []float32 // [rows]
	// AtPositions says that a head is to be computed at the positions only.
	AtPositions bool
}

// NewPlan checks a request. The error is that of [Model.Run].
func NewPlan(cfg lxmert.Config, b *lxmert.Batch, r lxmert.Request) (*Plan, error) {
	p, err := newPlanOf(cfg, b, r, func(b *lxmert.Batch, cfg lxmert.Config) sizes { return exact(sizesOf(b, cfg)) })
	if err != nil {
		return nil, err
	}
	out := &Plan{plan: p, Edits: map[string][]PlanEdit{}, Grads: p.grads, Rule: p.rule}
	s := p.sizes
	out.Inputs = PlanInputs{
		Texts: s.texts[0], Words: s.words[0], Images: s.images[0], Regions: s.regions[0], Rows: s.rows[0],
		IDs: p.batchData(idsInput).([]int32), Segments: p.batchData(segmentsInput).([]int32),
		TextMask: p.batchData(textMaskInput).([]float32), RegionMask: p.batchData(regionMaskInput).([]float32),
	}
	if p.anyRegion {
		out.Inputs.AnyRegion = p.anyRegionData()
	}
	if p.paired {
		out.Inputs.PairText, out.Inputs.PairImage = pairData(b.Pairs, 0, s.rows[0]), pairData(b.Pairs, 1, s.rows[0])
	}
	for name, edits := range p.edits {
		for _, e := range edits {
			step := PlanEdit{Op: e.op, Value: lxmert.Tensor{Shape: e.value.padded, Data: e.value.data()}}
			if e.mask != nil {
				step.Mask = lxmert.Tensor{Shape: e.mask.padded, Data: e.mask.data()}
			}
			out.Edits[name] = append(out.Edits[name], step)
		}
	}
	for _, r := range p.reads {
		step := PlanRead{Activation: r.act}
		if r.positions != nil {
			step.Positions, step.Axis, step.Count = r.positionData(p), positionAxis(r.act), r.count()[1]
			step.AtPositions = p.atPositions(r.act.Name)
		}
		out.Reads = append(out.Reads, step)
	}
	for _, t := range p.terms {
		step := PlanTerm{Output: t.Output, Kind: t.Kind, Weight: t.data(weightArray).([]float32)}
		if t.Class != nil {
			step.Class = t.data(classArray).([]int32)
		}
		if t.hasPosition() {
			step.Position, step.AtPositions = t.data(positionArray).([]int32), p.atPositions(t.Output)
		}
		out.Terms = append(out.Terms, step)
	}
	return out, nil
}

// Trace makes a trace of results: the reads in their order, then, if there are terms, the score of each row and the gradients
// in their order. Provenance is left to the engine.
func (p *Plan) Trace(results [][]float32) *lxmert.Trace {
	all := make([]any, len(results))
	for i, x := range results {
		all[i] = x
	}
	return p.plan.trace(all)
}

// Shape is that of an activation, with its rows.
func (p *Plan) Shape(a lxmert.Activation) []int { return p.plan.sizes.dims(p.plan.cfg, a, 0) }
