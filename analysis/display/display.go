// Package display has what is shown together, beside the plain results of package analysis: an example with its maps and
// answers, the maps of an example, a pass over a data set. It is plain data. Packages figure and report draw it; an [Order]
// is how a program that does not link them has something drawn by one that does.
package display

import (
	"math"
	"strconv"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Explanation is all there is to show about one example.
type Explanation struct {
	Scores analysis.Scores // what the report shows first
	// Methods are scores of the same example by other methods, or for other targets, to choose from.
	Methods []analysis.Scores
	// Maps are attention maps of this example by name ("l.0.tt" … "x.4.ii"), [H,Q,K] with values 0 to 1, all of one H.
	// Words and regions beyond those of Scores are padding. Optional.
	Maps map[string]lxmert.Tensor
	// Answers are what the model would say, the most probable first. Optional.
	Answers []Answer
}

// Answer is one answer of a model.
type Answer struct {
	Text        string  `json:"text"`
	Probability float64 `json:"probability"` // 0 to 1; NaN: not known
}

// Run is what a pass over a data set found. It becomes one page with an index.
type Run struct {
	Title    string
	Meta     analysis.Meta // of the run as a whole; shown at its end
	Tables   []analysis.Table
	Curves   []analysis.Curve
	Matrices []analysis.Matrix
	Examples []Explanation
}

// Percent is the probability as text, "" if it is not known.
func (a Answer) Percent() string {
	if math.IsNaN(a.Probability) {
		return ""
	}
	if a.Probability > 0 && a.Probability < 0.0005 {
		return "< 0.1 %"
	}
	return strconv.FormatFloat(100*a.Probability, 'f', 1, 64) + " %"
}
