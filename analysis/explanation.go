package analysis

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// Explanation is all there is to show about one example.
type Explanation struct {
	Scores Scores `json:"scores"` // what is shown first
	// Methods are scores of the same example by other methods, or for other targets, to choose from.
	Methods []Scores `json:"methods,omitempty"`
	// Maps are attention maps of this example by name ("l.0.tt" … "x.4.ii"), [H,Q,K] with values 0 to 1, all of one H.
	// Words and regions beyond those of Scores are padding. Optional.
	Maps map[string]lxmert.Tensor `json:"maps,omitempty"`
	// Answers are what the model would say, the most probable first. Optional.
	Answers []Candidate `json:"answers,omitempty"`
}

// Candidate is one of the answers that a model chooses from.
type Candidate struct {
	Text        string  `json:"text"`
	Probability float64 `json:"probability"` // 0 to 1; NaN: not known
}

// Compared is one example explained by several methods; the first is what is shown first.
func Compared(scores ...Scores) Explanation {
	if len(scores) == 0 {
		return Explanation{}
	}
	return Explanation{Scores: scores[0], Methods: scores[1:]}
}

// All are the scores by all methods.
func (x Explanation) All() []Scores { return append([]Scores{x.Scores}, x.Methods...) }

// About is that of the first scores.
func (x Explanation) About() Meta { return x.Scores.Meta }

// maps are the attention maps with what says which of their entries are padding.
func (x Explanation) maps() Maps {
	s := x.Scores
	regions := len(s.Regions)
	for regions > 0 && !s.There(regions-1) {
		regions--
	}
	return Maps{Meta: s.Meta, Maps: x.Maps, Text: s.Text, Regions: regions}
}

// Check says which scores or which map do not fit.
func (x Explanation) Check() error {
	for _, s := range x.All() {
		if err := s.Check(); err != nil {
			return err
		}
	}
	return x.maps().Check()
}

// CSV writes the lines of all scores, before each the method and the target. Maps, whose lines have other columns, are left
// out.
func (x Explanation) CSV(w io.Writer) error {
	lines := [][]string{append([]string{"method", "target"}, scoresColumns...)}
	for _, s := range x.All() {
		for _, line := range s.lines() {
			lines = append(lines, append([]string{s.Method, s.Target}, line...))
		}
	}
	return writeCSV(w, lines)
}

// Arrays are those of all scores, of which those of the other methods are called methods.0.words and so on, and the maps
// without padding.
func (x Explanation) Arrays() []Array {
	out := x.Scores.Arrays()
	for i, s := range x.Methods {
		for _, a := range s.Arrays() {
			if a.Name != "boxes" { // they are those of the first
				a.Name = fmt.Sprintf("methods.%d.%s", i, a.Name)
				out = append(out, a)
			}
		}
	}
	return append(out, x.maps().Arrays()...)
}

// Plain is that of the first scores.
func (x Explanation) Plain() string { return x.Scores.Plain() }

func (x Explanation) withScores(replace func(Scores) Scores) Result {
	x.Scores, x.Methods = replace(x.Scores), slices.Clone(x.Methods)
	for i, s := range x.Methods {
		x.Methods[i] = replace(s)
	}
	return x
}

type plainExplanation Explanation

// MarshalJSON writes the maps without padding.
func (x Explanation) MarshalJSON() ([]byte, error) {
	if x.Maps != nil {
		present, err := x.maps().present()
		if err != nil {
			return nil, err
		}
		x.Maps = present
	}
	return json.Marshal(plainExplanation(x))
}

type jsonCandidate struct {
	Text        string `json:"text"`
	Probability number `json:"probability"`
}

// MarshalJSON writes a probability that is not known as null.
func (a Candidate) MarshalJSON() ([]byte, error) {
	return json.Marshal(jsonCandidate{a.Text, number(a.Probability)})
}

// UnmarshalJSON reads what [Candidate.MarshalJSON] wrote, null as NaN.
func (a *Candidate) UnmarshalJSON(raw []byte) error {
	j := jsonCandidate{Probability: number(math.NaN())}
	if err := json.Unmarshal(raw, &j); err != nil {
		return err
	}
	*a = Candidate{j.Text, float64(j.Probability)}
	return nil
}

// Percent is the probability as text, "" if it is not known.
func (a Candidate) Percent() string {
	if math.IsNaN(a.Probability) {
		return ""
	}
	if a.Probability > 0 && a.Probability < 0.0005 {
		return "< 0.1 %"
	}
	return strconv.FormatFloat(100*a.Probability, 'f', 1, 64) + " %"
}
