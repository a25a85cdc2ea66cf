package lxmert

import (
	"fmt"
	"slices"
)

// ClassNames are what the classes of a model's heads are called, by their numbers. Nil: they have only numbers.
type ClassNames struct {
	Words      []string `json:"words,omitempty"` // word pieces
	Objects    []string `json:"objects,omitempty"`
	Attributes []string `json:"attributes,omitempty"`
	Answers    []string `json:"answers,omitempty"` // of the head that answers
}

// Mask is the id of [MASK] among the word pieces; 0: it is not there. What the model's configuration says goes before it, see
// [SpecialIDs].
func (n ClassNames) Mask() int32 { return int32(max(0, slices.Index(n.Words, "[MASK]"))) }

// matchNames are the classes of out.match.
var matchNames = []string{"no match", "match"}

// Name is what a class of an output is called: "star", or of one that nobody has named "object 7".
func (n ClassNames) Name(output string, class int) string {
	switch output {
	case "out.mlm":
		return nameOf(n.Words, "word piece", class)
	case "out.obj":
		return nameOf(n.Objects, "object", class)
	case "out.attr":
		return nameOf(n.Attributes, "attribute", class)
	case match:
		return nameOf(matchNames, "class", class)
	case "out.qa", "out.task":
		return nameOf(n.Answers, "answer", class)
	}
	return nameOf(nil, "class", class)
}

func nameOf(names []string, noun string, class int) string {
	if class >= 0 && class < len(names) {
		return names[class]
	}
	return fmt.Sprintf("%s %d", noun, class)
}
