package analysis

import (
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// Target is one number of each row that a method explains: a logit by default, or a sum of such numbers with weights. It
// is a value that knows no model yet; [Target.Bind] fits it to one and to a batch.
type Target struct {
	parts []part
	name  string // as it was asked for; "": what the parts say
}

// part is one summand of a target.
type part struct {
	output   string // "": the answer head that the model has
	position []int  // one for all rows or one per row; nil: the output has none
	class    []int  // likewise; nil: the most probable one
	kind     lxmert.TermKind
	weight   float64
	masked   bool // the word or region is hidden from the model
}

// Answer is the logit of an answer: of the fine-tuned head, or of the pre-training answer head where the model has no
// other. Give one class for all rows, or one per row (for NLVR2, whose answers belong to pairs of rows, one per pair).
func Answer(class ...int) Target { return one(part{class: class}) }

// Predicted is the logit of each row's own most probable answer. Binding it runs the model once.
func Predicted() Target { return one(part{}) }

// Match is the logit of "the sentence belongs to the picture", class 1 of the matching head.
func Match() Target { return Logit("out.match", 1) }

// MatchDifference is the logit of "belongs" minus that of "does not": the log-odds of a match.
func MatchDifference() Target { return Sum(Match(), Times(-1, Logit("out.match", 0))) }

// MaskedWord replaces the word piece at a position by [MASK] and takes the most probable word's logit there, or that of
// the words given to [Target.Class]. Give one position for all rows, or one per row.
func MaskedWord(position ...int) Target {
	return one(part{output: "out.mlm", position: position, masked: true})
}

// MaskedRegion sets a region's features to zero and takes the most probable class's logit there, of the head for "object"
// or "attr", or that of the classes given to [Target.Class]. Give another region for each row by [Target.At]. Any other
// head is an error when the target is bound.
func MaskedRegion(region int, head string) Target {
	output := "regions' " + strconv.Quote(head)
	switch head {
	case "object":
		output = "out.obj"
	case "attr":
		output = "out.attr"
	}
	return one(part{output: output, position: []int{region}, masked: true})
}

// Logit is the logit of one class of an output without positions, such as "out.match"; without a class, of the most
// probable one.
func Logit(output string, class ...int) Target { return one(part{output: output, class: class}) }

// Sum adds targets. A sum of several masked words or regions hides all of them.
func Sum(targets ...Target) Target {
	var t Target
	for _, x := range targets {
		t.parts = append(t.parts, x.parts...)
	}
	return t
}

// Times multiplies a target by a number.
func Times(weight float64, t Target) Target {
	return t.each(func(p *part) { p.weight *= weight })
}

// Class fixes the class: one for all rows, or one per row.
func (t Target) Class(class ...int) Target {
	return t.each(func(p *part) { p.class = class })
}

// At fixes the position of words or regions: one for all rows, or one per row.
func (t Target) At(position ...int) Target {
	return t.each(func(p *part) { p.position = position })
}

// As takes the probability or its logarithm (nats) instead of the logit.
func (t Target) As(kind lxmert.TermKind) Target {
	return t.each(func(p *part) { p.kind = kind })
}

// Unmasked leaves the word or the region visible and only reads the model's head there.
func (t Target) Unmasked() Target {
	return t.each(func(p *part) { p.masked = false })
}

// predicted is the name of [Predicted], which says less than its parts.
const predicted = "predicted"

func one(p part) Target {
	p.weight = 1
	return Target{parts: []part{p}}
}

func (t Target) each(change func(*part)) Target {
	parts := append([]part(nil), t.parts...)
	for i := range parts {
		change(&parts[i])
	}
	return Target{parts: parts}
}

// IsZero reports whether the target has no parts: nobody has said what is to be explained.
func (t Target) IsZero() bool { return len(t.parts) == 0 }

// String names the target as it was asked for, such as "logit of answer 3".
func (t Target) String() string {
	if len(t.parts) == 0 {
		return "nothing"
	}
	if t.name != "" && t.name != predicted {
		return unitOf(t.parts[0].kind) + " of " + t.name
	}
	var s strings.Builder
	for i, p := range t.parts {
		s.WriteString(factor(p.weight, i == 0))
		s.WriteString(kindName(p.kind) + " of " + p.what())
	}
	return s.String()
}

// factor writes a summand's weight and the sign before it.
func factor(weight float64, first bool) string {
	lead := " + "
	if first {
		lead = ""
	}
	if weight < 0 {
		weight = -weight
		lead = " - "
		if first {
			lead = "-"
		}
	}
	if weight == 1 && lead != "-" {
		return lead
	}
	return lead + strconv.FormatFloat(weight, 'g', -1, 64) + " x "
}

// what says what a part is, as far as it is known.
func (p part) what() string {
	class := "the most probable class"
	if len(p.class) > 0 {
		class = "class " + list(p.class)
	}
	hidden := ""
	if p.masked {
		hidden = "masked "
	}
	switch p.output {
	case "", "out.qa", "out.task":
		if len(p.class) == 0 {
			return "the predicted answer"
		}
		return "answer " + list(p.class)
	case "out.match":
		if len(p.class) == 1 {
			return []string{"no match", "match"}[min(1, max(0, p.class[0]))]
		}
	case "out.mlm":
		return hidden + "word " + list(p.position) + ", " + class
	case "out.obj":
		return hidden + "region " + list(p.position) + ", object " + class
	case "out.attr":
		return hidden + "region " + list(p.position) + ", attribute " + class
	}
	return p.output + ", " + class
}

// list writes numbers that differ between rows, a few of them.
func list(numbers []int) string {
	const maxListed = 4
	var s []string
	for i, n := range numbers {
		if i == maxListed {
			s = append(s, "...")
			break
		}
		s = append(s, strconv.Itoa(n))
	}
	return strings.Join(s, "/")
}

// at is a row's entry of a list that has one entry for all rows or one per row; 0 of none.
func at(list []int, row int) int {
	switch len(list) {
	case 0:
		return 0
	case 1:
		return list[0]
	}
	return list[row]
}

func kindName(k lxmert.TermKind) string {
	switch k {
	case lxmert.LogProb:
		return "log-probability"
	case lxmert.Probability:
		return "probability"
	}
	return "logit"
}

func unitOf(k lxmert.TermKind) string {
	switch k {
	case lxmert.LogProb:
		return "nats"
	case lxmert.Probability:
		return "share"
	}
	return "logit"
}
