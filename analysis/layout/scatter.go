package layout

import (
	"math"

	"github.com/seed-516990b0/golxmert/analysis"
)

// Scatter is what a picture of points shows: axes, which are those of a curve without lines, and how the groups look.
type Scatter struct {
	analysis.Scatter
	Axes  Curve
	Looks []Look // of each group
}

// NewScatter lays out points whose parts fit each other.
func NewScatter(s analysis.Scatter) Scatter {
	out := Scatter{Scatter: s, Axes: Curve{
		Curve: analysis.Curve{Meta: s.Meta, XName: s.XName, YName: s.YName}, Title: Title(s.Meta), Graphs: []Graph{{}},
	}}
	var x, y []float64
	for i, g := range s.Groups {
		look := Look{Color: Categories[i%len(Categories)], Marker: Marker(i % markers)}
		out.Looks = append(out.Looks, look)
		if g.Name != "" {
			out.Axes.Keys = append(out.Axes.Keys, Key{Looks: []Look{look}, Points: true, Text: g.Name})
		}
		for k := range g.X {
			if Finite(g.X[k]) && Finite(g.Y[k]) {
				x, y = append(x, g.X[k]), append(y, g.Y[k])
			}
		}
	}
	a := &out.Axes
	if s.Diagonal {
		both := append(append([]float64{}, x...), y...)
		x, y = both, both
		out.Axes.Keys = append(out.Axes.Keys, Key{Level: true, Text: "no change"})
	}
	a.X0, a.X1 = around(x)
	a.Y0, a.Y1 = around(y)
	return out
}

// around is the range of numbers with some room on both sides.
func around(values []float64) (low, high float64) {
	low, high = reach(values)
	if low > high {
		return 0, 1
	}
	room := 0.06 * (high - low)
	if room == 0 {
		room = math.Max(0.5*math.Abs(low), 0.5)
	}
	return low - room, high + room
}

// Ends are the ends of the diagonal, on both axes.
func (s Scatter) Ends() (from, to float64) {
	return math.Max(s.Axes.X0, s.Axes.Y0), math.Min(s.Axes.X1, s.Axes.Y1)
}
