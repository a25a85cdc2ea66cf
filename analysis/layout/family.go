package layout

import (
	"image/color"
	"math"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
)

// Look is what tells a series from the others: no two of one graph share all three.
type Look struct {
	Color  color.NRGBA
	Marker Marker
	Dashed bool
	Area   bool // no line, but what is between it and 0
}

// Marker is the shape of a series' points.
type Marker int

const (
	Circle Marker = iota
	Square
	Triangle
	Diamond
	Wedge // a triangle on its tip
	Cross
	NoMarker Marker = -1
)

// markers and the seven categories have no common divisor, so that 42 families differ in one of them.
const markers = 6

// Outline is the shape's corners around 0, 0, y down, for a circle of radius r; shapes look as large as that. A cross is
// two strokes: from the first corner to the second, and from the third to the fourth. [NoMarker] has none.
func (m Marker) Outline(r float64) [][2]float64 {
	corners := func(n int, first, r float64) [][2]float64 {
		var out [][2]float64
		for k := range n {
			a := first + 2*math.Pi*float64(k)/float64(n)
			out = append(out, [2]float64{r * math.Cos(a), r * math.Sin(a)})
		}
		return out
	}
	switch m {
	case Circle:
		return corners(16, 0, r)
	case Square:
		return corners(4, math.Pi/4, 1.25*r)
	case Triangle:
		return corners(3, -math.Pi/2, 1.35*r)
	case Diamond:
		return corners(4, 0, 1.35*r)
	case Wedge:
		return corners(3, math.Pi/2, 1.35*r)
	case Cross:
		return [][2]float64{{-r, -r}, {r, r}, {-r, r}, {r, -r}}
	}
	return nil
}

// Family is the series of one name up to its first comma, such as "relevance, negative" and "relevance, positive": they
// share colour and marker, and differ by their dashes or by being areas. Those of chance are grey and have no marker.
type Family struct {
	Name   string
	Random bool
	Series []int
}

// Families groups series in the order of their first members. A series that would look like another of its family makes
// one of its own; so does one without a comma in its name.
func Families(series []analysis.CurveSeries) []Family {
	var out []Family
	for i, s := range series {
		stem, _, _ := strings.Cut(s.Name, ",")
		at := slices.IndexFunc(out, func(f Family) bool {
			if f.Random || s.Style == "random" {
				return f.Random && s.Style == "random" && series[f.Series[0]].Name == s.Name
			}
			return f.Name == stem && !slices.ContainsFunc(f.Series, func(k int) bool { return drawn(series[k]) == drawn(s) })
		})
		if at >= 0 {
			out[at].Series = append(out[at].Series, i)
			continue
		}
		name := stem
		if slices.ContainsFunc(out, func(f Family) bool { return f.Name == stem }) {
			name = s.Name
		}
		out = append(out, Family{name, s.Style == "random", []int{i}})
	}
	return out
}

// drawn is how a series is drawn: "dashed", as an "area", or "" as a solid line.
func drawn(s analysis.CurveSeries) string {
	if s.Style == "dashed" || s.Style == "area" {
		return s.Style
	}
	return ""
}

// Looks gives each family a colour and a marker, and each series its dashes.
func Looks(series []analysis.CurveSeries, families []Family) []Look {
	out := make([]Look, len(series))
	n := 0
	for _, f := range families {
		l := Look{Color: RandomGrey, Marker: NoMarker}
		if !f.Random {
			l.Color, l.Marker = Categories[n%len(Categories)], Marker(n%markers)
			n++
		}
		for _, i := range f.Series {
			out[i] = l.as(drawn(series[i]))
		}
	}
	return out
}

// as is a look as a series is drawn. An area has no marker.
func (l Look) as(drawn string) Look {
	l.Dashed, l.Area = drawn == "dashed", drawn == "area"
	if l.Area {
		l.Marker = NoMarker
	}
	return l
}
