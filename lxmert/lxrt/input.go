package lxrt

import "fmt"

// This file names the inputs of a plan's graph: define.go makes nodes of them, feed.go their data.

// batchInput is one of the arrays that a batch gives, see [Inputs].
type batchInput int

const (
	idsInput batchInput = iota
	segmentsInput
	textMaskInput
	featsInput
	boxesInput
	regionMaskInput
	anyRegionInput
	pairTextInput
	pairImageInput
)

func (in batchInput) String() string {
	return [...]string{"ids", "segments", "text mask", "feats", "boxes", "region mask", "any region", "pair text", "pair image"}[in]
}

// editInput is the value or the mask of an edit: of its number among those of one activation, since a graph is the same
// however the edits of different ones are mixed in a request.
type editInput struct {
	activation string
	number     int
	mask       bool
}

func (in editInput) String() string {
	what := "value"
	if in.mask {
		what = "mask"
	}
	return fmt.Sprintf("%s of edit %d of %s", what, in.number, in.activation)
}

// positionsInput are the positions of a read, by its number.
type positionsInput struct{ read int }

func (in positionsInput) String() string { return fmt.Sprintf("positions of read %d", in.read) }

// termInput is an array of a term of the score, by its number.
type termInput struct {
	term  int
	array termArray
}

type termArray int

const (
	classArray termArray = iota
	positionArray
	weightArray
)

func (in termInput) String() string {
	return fmt.Sprintf("%s of term %d", [...]string{"class", "position", "weight"}[in.array], in.term)
}
