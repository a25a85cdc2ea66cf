package analysis

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
)

// Bars are numbers by name, drawn as lengths: shares of one example, the largest of a list, what adds up to something.
type Bars struct {
	Meta
	XName string   `json:"x_name"`
	Parts []string `json:"parts,omitempty"` // what the pieces of a bar are, as a legend tells them apart; nil: bars are of one piece
	Bars  []Bar    `json:"bars"`
	// Waterfall begins each bar where the one before ends, the first at Start: then the last ends at the sum of all.
	Waterfall bool    `json:"waterfall,omitempty"`
	Start     float64 `json:"start,omitempty"`
}

// Bar is one of [Bars].
type Bar struct {
	Name string `json:"name"`
	// Values are its pieces, one after the other: as many as there are parts. NaN: the bar has no such piece.
	Values []float64 `json:"-"`
	Error  float64   `json:"-"` // standard error of the sum of its pieces; 0 or NaN: not given
}

// End is where a bar that begins somewhere ends.
func (b Bar) End(begin float64) float64 {
	for _, x := range b.Values {
		if !math.IsNaN(x) {
			begin += x
		}
	}
	return begin
}

type jsonBar struct {
	Name   string   `json:"name"`
	Values []number `json:"values"`
	Error  *number  `json:"error,omitempty"`
}

// MarshalJSON writes values that are not finite numbers as null.
func (b Bar) MarshalJSON() ([]byte, error) {
	j := jsonBar{Name: b.Name, Values: numbers(b.Values)}
	if b.Error != 0 && !math.IsNaN(b.Error) {
		e := number(b.Error)
		j.Error = &e
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what [Bar.MarshalJSON] wrote, null as NaN.
func (b *Bar) UnmarshalJSON(raw []byte) error {
	var j jsonBar
	if err := json.Unmarshal(raw, &j); err != nil {
		return err
	}
	*b = Bar{Name: j.Name, Values: floats(j.Values)}
	if j.Error != nil {
		b.Error = float64(*j.Error)
	}
	return nil
}

// Check says whether each bar has a value for each part.
func (b Bars) Check() error {
	for _, x := range b.Bars {
		if len(x.Values) != max(1, len(b.Parts)) {
			return fmt.Errorf("bar %q has %d values for %d parts", x.Name, len(x.Values), max(1, len(b.Parts)))
		}
	}
	return nil
}

// CSV writes a line for each piece that there is: bar, part, value, and on the bar's first line its standard error.
func (b Bars) CSV(w io.Writer) error {
	lines := [][]string{{"bar", "part", "value", "standard error"}}
	for _, x := range b.Bars {
		first := true
		for k, v := range x.Values {
			if math.IsNaN(v) && len(x.Values) > 1 {
				continue
			}
			line := []string{x.Name, entry(b.Parts, k), decimal(v), ""}
			if first && x.Error != 0 && !math.IsNaN(x.Error) {
				line[3] = decimal(x.Error)
			}
			first = false
			lines = append(lines, line)
		}
	}
	return writeCSV(w, lines)
}

// Arrays are the values, [bars] of each part.
func (b Bars) Arrays() []Array {
	var out []Array
	for k := range max(1, len(b.Parts)) {
		name := entry(b.Parts, k)
		if name == "" {
			name = "values"
			if k > 0 {
				name = "part " + strconv.Itoa(k)
			}
		}
		var values []float64
		for _, x := range b.Bars {
			values = append(values, x.Values[k])
		}
		out = append(out, Array{name, []int{len(values)}, values})
	}
	return out
}

// Plain names the method.
func (b Bars) Plain() string { return b.Method }

func (b Bars) withScores(func(Scores) Scores) Result { return b }
