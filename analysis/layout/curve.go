package layout

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
)

// familiesPerGraph is how many families one graph holds; more of them get a graph each.
const familiesPerGraph = 4

// Curve is what a picture of a curve shows: one graph, or, of more than four families, one for each on the same axes and
// each with the random series. Numbers that are not finite are gaps.
type Curve struct {
	analysis.Curve
	Title  string
	Looks  []Look // of each series
	Graphs []Graph
	Keys   []Key // of the legend; nil: there is nothing to tell apart

	X0, X1, Y0, Y1 float64 // ends of the axes
	Broken         bool    // the y axis does not begin at 0, which must be marked
}

// Graph is a pair of axes with some of the series.
type Graph struct {
	Name   string // "" if it is the only one
	Areas  string // under its lines, "" if they are not known or stand in the legend
	Series []int
}

// Key is an entry of a legend: the looks of one family's lines, or a level.
type Key struct {
	Looks  []Look
	Level  bool // a dotted line across the graph
	Points bool // markers without lines
	Block  bool // pieces of bars
	Text   string
}

// NewCurve lays out a curve whose parts fit each other.
func NewCurve(c analysis.Curve) Curve {
	families := Families(c.Series)
	out := Curve{Curve: c, Title: Title(c.Meta), Looks: Looks(c.Series, families)}
	out.fit()
	var named, random []Family
	for _, f := range families {
		if f.Random {
			random = append(random, f)
		} else {
			named = append(named, f)
		}
	}
	listed := random
	if len(named) > familiesPerGraph {
		for _, f := range named {
			g := Graph{Name: f.name(c.Series), Areas: areas(c.Series, f.Series)}
			for _, r := range random {
				g.Series = append(g.Series, r.Series...)
			}
			g.Series = append(g.Series, f.Series...)
			out.Graphs = append(out.Graphs, g)
		}
	} else {
		var g Graph
		for i := range c.Series {
			g.Series = append(g.Series, i)
		}
		out.Graphs = []Graph{g}
		if listed = append(named, random...); len(c.Series) < 2 && len(c.Levels) == 0 && (len(c.Series) == 0 || c.Series[0].Name == "") {
			return out
		}
	}
	out.Keys = append(orders(c.Series, families), out.keys(listed)...)
	for _, name := range slices.Sorted(maps.Keys(c.Levels)) {
		out.Keys = append(out.Keys, Key{Level: true, Text: name})
	}
	return out
}

// fit fits the axes to all series, so that graphs beside each other compare.
func (c *Curve) fit() {
	y := []float64{}
	for _, s := range c.Series {
		y = append(append(append(y, s.Y...), s.Low...), s.High...)
	}
	if slices.ContainsFunc(c.Looks, func(l Look) bool { return l.Area }) {
		y = append(y, 0) // where areas begin
	}
	low, high := reach(append(y, slices.Collect(maps.Values(c.Levels))...))
	c.Y0, c.Y1, c.Broken = Extent(low, high)
	c.X0, c.X1 = reach(c.X)
	if c.X0 > c.X1 { // nothing but gaps
		c.X0, c.X1 = 0, 1
	}
	if c.X0 == c.X1 {
		c.X0, c.X1 = c.X0-0.5, c.X1+0.5
	}
}

// reach is the range of the numbers that are finite; low is more than high if there are none.
func reach(values []float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, x := range values {
		if Finite(x) {
			low, high = math.Min(low, x), math.Max(high, x)
		}
	}
	return low, high
}

// Finite says that a number has a place on an axis.
func Finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// Ticks are round numbers on both axes, at most n; on an x axis of whole numbers, such as layers, whole ones.
func (c Curve) Ticks(mostX, mostY int) (x, y []float64) {
	x = Ticks(c.X0, c.X1, max(2, mostX))
	broken := func(x float64) bool { return math.Abs(x-math.Round(x)) > 1e-9 }
	if len(c.X) > 0 && !slices.ContainsFunc(c.X, broken) && slices.ContainsFunc(x, func(x float64) bool { return !broken(x) }) {
		x = slices.DeleteFunc(x, broken)
	}
	return x, Ticks(c.Y0, c.Y1, max(3, mostY))
}

// Place is a named place on an axis.
type Place struct {
	Name string
	At   float64
}

// MarkedRules are the rules that lie on the x axis, by name.
func (c Curve) MarkedRules() []Place { return within(c.Rules, c.X0, c.X1) }

// MarkedLevels are the levels that lie on the y axis, by name.
func (c Curve) MarkedLevels() []Place { return within(c.Levels, c.Y0, c.Y1) }

func within(places map[string]float64, low, high float64) []Place {
	var out []Place
	for _, name := range slices.Sorted(maps.Keys(places)) {
		if x := places[name]; x >= low && x <= high {
			out = append(out, Place{name, x})
		}
	}
	return out
}

// name is what a legend calls the family.
func (f Family) name(series []analysis.CurveSeries) string {
	if len(f.Series) == 1 && !f.Random {
		return series[f.Series[0]].Name
	}
	return f.Name
}

// keys are those of families, with the areas under their lines in the order of the lines. Random series look alike, so one
// of a family stands for all.
func (c Curve) keys(families []Family) []Key {
	var out []Key
	for _, f := range families {
		k := Key{Text: f.name(c.Series)}
		if f.Random {
			f.Series = f.Series[:1]
		}
		for _, i := range f.Series {
			k.Looks = append(k.Looks, c.Looks[i])
		}
		if under := areas(c.Series, f.Series); under != "" {
			k.Text += " (" + under + ")"
		}
		out = append(out, k)
	}
	return out
}

// areas are the areas under lines, "" if none is known.
func areas(series []analysis.CurveSeries, of []int) string {
	var texts []string
	known := false
	for _, i := range of {
		area := series[i].Area
		if area == 0 {
			area = math.NaN()
		}
		known = known || !math.IsNaN(area)
		texts = append(texts, Number(area))
	}
	if !known {
		return ""
	}
	return "AUC " + strings.Join(texts, " / ")
}

// orders says what solid lines, dashed ones and areas mean, where all families agree on it.
func orders(series []analysis.CurveSeries, families []Family) []Key {
	names := map[string]string{}
	for _, f := range families {
		if f.Random {
			continue
		}
		if len(f.Series) < 2 {
			return nil
		}
		for _, i := range f.Series {
			_, order, _ := strings.Cut(series[i].Name, ",")
			order = strings.TrimSpace(order)
			d := drawn(series[i])
			if was, ok := names[d]; order == "" || ok && was != order {
				return nil
			}
			names[d] = order
		}
	}
	var out []Key
	for _, d := range []string{"", "dashed", "area"} {
		if names[d] != "" {
			out = append(out, Key{Looks: []Look{Look{Color: Text, Marker: NoMarker}.as(d)}, Text: names[d]})
		}
	}
	return out
}
