package lxmert

import (
	"context"
	"errors"
	"fmt"
)

// Engine computes LXRT on a batch. All analyses are loops over Run, so they work with any engine: the one on GoMLX/XLA
// in package lxrt, a client of a resident process, or another library.
//
// Requests name places inside the model; the package's documentation lists the names.
//
// Run may be called from several goroutines. It returns when ctx is cancelled, at the latest after the computation of
// one batch, and leaves nothing behind.
type Engine interface {
	Config() Config
	Run(ctx context.Context, b *Batch, r Request) (*Trace, error)
}

// Request says what to return, what to change on the way, and what to differentiate. What nobody wants is not computed.
//
// Numbers in edits, targets and positions are inputs of the compiled graph, not constants in it: two requests that
// differ only in numbers, or in sizes within one bucket, share a compilation.
type Request struct {
	Want  []Read
	Edits []Edit
	Grad  *Grad
	// NoRegions says what an image means of which every region is masked.
	NoRegions NoRegions
}

// NoRegions is what it means to mask every region of an image.
type NoRegions int

const (
	// UniformShift is what the reference does: the mask adds the same -10000 to every key, which softmax ignores, so the
	// regions are attended to as if nothing were masked (up to rounding).
	UniformShift NoRegions = iota
	// AttendNothing multiplies the maps over regions by "any region is there", so that the text sees none.
	AttendNothing
)

// Read asks for one activation, or with a pattern for several.
type Read struct {
	// Name of an activation; "*" stands for exactly one dot-separated part, "*" alone for every name.
	Name string
	// Positions are the words or regions wanted of each row, all rows alike in number: [rows][P]. Nil: all of them.
	// Of a map they are its queries. A head that is read at positions only is computed at these only.
	Positions [][]int
	// Top keeps only the k largest values along the last axis, with their indices. 0: all values.
	Top int
	// As is the key in the trace; "" means the name. Needed to read one activation twice. It must not be "score" nor begin
	// with "input.", "grad." or "top."; see [Read.Check].
	As string
}

// Check returns an error if As cannot be a key of a trace, because [Trace.Save] gives such names another meaning, or if
// Top is negative.
func (r Read) Check() error {
	if r.Top < 0 {
		return fmt.Errorf("top %d is negative", r.Top)
	}
	if r.As == "" {
		return nil
	}
	return checkKey(r.As)
}

// All returns reads of whole activations, for [Request].
func All(names ...string) []Read {
	reads := make([]Read, len(names))
	for i, n := range names {
		reads[i].Name = n
	}
	return reads
}

// Op is how an edit changes an activation.
type Op int

const (
	Multiply Op = iota // y = x * v
	Add                // y = x + v
	Set                // y = x + (v-x) * m
	Cut                // y = x*v / sum(x*v), the sum over the keys of an attention map; v is 1 for keys that stay, 0 for others
)

// Edit changes an activation before anything reads it. Several edits of one activation apply in order.
//
// In a batch of texts of different lengths, adding to a map or setting it also reaches the keys beyond the end of the
// shorter ones, unless the value is 0 there; and so does setting scores, unless the value is about -10000 there.
//
// Cut keeps queries from seeing keys: what is left of a row of a map sums to 1 again, and a row with nothing left is all
// zeros, so that the query gets no values and goes on with its residual. In a map with a cut, keys that are padding or masked
// out count as cut, even where a row has no others and whatever [Request] says of NoRegions. A cut that is the first edit of a
// map is made of the scores, as edits of these leave them, and so is exact even if nearly all weight was on what is cut. A cut
// that follows other edits of the map divides what they left by its sum; edits that follow a cut change what it left.
// To cut, do not multiply a map by 0, which does not renormalise it, nor add minus infinity to scores, which gives NaN where
// nothing is left.
type Edit struct {
	Name string // may be a pattern, as in Read
	Op   Op
	// Value and Mask are broadcast against the activation: as many axes, each 1 or the full size. So one batch can gate
	// another head, or patch another position, in each row.
	Value Tensor
	Mask  Tensor // Set only; the zero Tensor means 1 everywhere
}

// Check says whether an edit can be made of an activation, but for the sizes of its tensors.
func (e Edit) Check(a Activation) error {
	if e.Op < Multiply || e.Op > Cut {
		return fmt.Errorf("there is no operation %d", e.Op)
	}
	if e.Op != Set && !e.Mask.IsZero() {
		return errors.New("only Set has a mask")
	}
	if e.Op != Cut {
		return nil
	}
	if !a.IsMap() {
		return fmt.Errorf("%s is not an attention map, and only these can be cut: l.k.tt, r.k.ii, x.k.ti, x.k.it, x.k.tt and x.k.ii of layer k", a.Name)
	}
	if err := e.Value.check("value"); err != nil {
		return err
	}
	for i, v := range e.Value.Data {
		if v != 0 && v != 1 {
			return fmt.Errorf("value: entry %v is %g, a cut has 0 for what goes and 1 for what stays", e.Value.indexOf(i), v)
		}
	}
	return nil
}

// Grad asks for gradients of one scalar, the sum over all rows of their scores.
type Grad struct {
	Of []Term
	// Names are activations (patterns allowed) whose gradients to return, taken at the edited values. Where there is no
	// path from the score the gradient is zero. With no names there is no backward pass, and [Trace.Score] is all that comes.
	Names []string
	// Rule is how gradients go back through what is not linear.
	Rule GradRule
}

// GradRule is a way back from a score to activations.
type GradRule int

const (
	// Derivative is the gradient itself.
	Derivative GradRule = iota
	// AttnLRP gives what a value is to be multiplied with for its relevance by the rules of Achtibat et al. ("AttnLRP:
	// attention-aware layer-wise relevance propagation for transformers", 2024), with their epsilon at 0: the gradient of a
	// model in which the standard deviations of LayerNorm and the ratios f(x)/x of activation functions are constants, and
	// of which each factor of a product of two activations gets half.
	AttnLRP
)

// Term is one summand of the score of each row: Weight[n] * kind(output[n, Position[n], Class[n]]).
type Term struct {
	Output   string    // out.qa, out.task, out.match, out.mlm, out.obj, out.attr, out.feat or out.pooled
	Kind     TermKind  // what of it
	Position []int     // per row, for outputs with positions; nil for those without
	Class    []int     // per row; nil: the one with the largest value in each row (a [Read] with Top 1 tells which)
	Weight   []float32 // per row; nil: 1
}

// TermKind is what a term takes of an output.
type TermKind int

const (
	Logit       TermKind = iota // the number itself
	LogProb                     // its logarithm after softmax, nats
	Probability                 // after softmax, 0 to 1
)
