package analysis

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
)

// Scatter is points in a plane, in groups: examples before and after something, states along two directions.
type Scatter struct {
	Meta
	XName  string   `json:"x_name"`
	YName  string   `json:"y_name"`
	Groups []Points `json:"groups"`
	// Diagonal draws the line on which x and y are equal, and gives both axes one range.
	Diagonal bool `json:"diagonal,omitempty"`
}

// Points are one group of a [Scatter]. A point with a coordinate that is not a number is nowhere.
type Points struct {
	Name   string    `json:"name"`
	X, Y   []float64 `json:"-"`
	Labels []string  `json:"labels,omitempty"` // what each point is; nil: they are numbered
}

type jsonPoints struct {
	plainPoints
	X []number `json:"x"`
	Y []number `json:"y"`
}

type plainPoints Points

// MarshalJSON writes coordinates that are not finite numbers as null.
func (p Points) MarshalJSON() ([]byte, error) {
	return json.Marshal(jsonPoints{plainPoints(p), numbers(p.X), numbers(p.Y)})
}

// UnmarshalJSON reads what [Points.MarshalJSON] wrote, null as NaN.
func (p *Points) UnmarshalJSON(raw []byte) error {
	var j jsonPoints
	if err := json.Unmarshal(raw, &j); err != nil {
		return err
	}
	*p = Points(j.plainPoints)
	p.X, p.Y = floats(j.X), floats(j.Y)
	return nil
}

// Check says whether each point has two coordinates and, where there are labels, one of these.
func (s Scatter) Check() error {
	for _, g := range s.Groups {
		if len(g.X) != len(g.Y) {
			return fmt.Errorf("group %q has %d x and %d y", g.Name, len(g.X), len(g.Y))
		}
		if g.Labels != nil && len(g.Labels) != len(g.X) {
			return fmt.Errorf("group %q has %d labels for %d points", g.Name, len(g.Labels), len(g.X))
		}
	}
	return nil
}

// CSV writes a line for each point: group, label, x and y.
func (s Scatter) CSV(w io.Writer) error {
	lines := [][]string{{"group", "label", "x", "y"}}
	for _, g := range s.Groups {
		for i, x := range g.X {
			lines = append(lines, []string{g.Name, label(Axis{Labels: g.Labels}, i), decimal(x), decimal(g.Y[i])})
		}
	}
	return writeCSV(w, lines)
}

// Arrays are the points of each group, [points, 2].
func (s Scatter) Arrays() []Array {
	var out []Array
	for k, g := range s.Groups {
		name := g.Name
		if name == "" {
			name = "group " + strconv.Itoa(k)
		}
		var flat []float64
		for i := range g.X {
			flat = append(flat, g.X[i], g.Y[i])
		}
		out = append(out, Array{name, []int{len(g.X), 2}, flat})
	}
	return out
}

// Plain names the method.
func (s Scatter) Plain() string { return s.Method }

func (s Scatter) withScores(func(Scores) Scores) Result { return s }
