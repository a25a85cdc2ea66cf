package figure

import (
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"

	"github.com/seed-516990b0/golxmert/analysis"
)

// look is what tells a series from the others: no two of one graph share all three.
type look struct {
	color  color.NRGBA
	marker marker
	dashed bool
}

// marker is the shape of a series' points.
type marker int

const (
	circle marker = iota
	square
	triangle
	diamond
	wedge // a triangle on its tip
	cross
	noMarker marker = -1
)

// markers and the seven categories have no common divisor, so that 42 families differ in one of them.
const markers = 6

var randomGrey = color.NRGBA{0x8a, 0x8a, 0x8a, 0xff}

// family is the series of one name up to its first comma, such as "relevance, negative" and "relevance, positive": they
// share colour and marker, and differ by their dashes.
type family struct {
	name   string
	random bool
	series []int
}

// familiesOf groups series in the order of their first members. A series that would look like another of its family makes
// one of its own; so does one without a comma in its name.
func familiesOf(series []analysis.CurveSeries) []family {
	var out []family
	for i, s := range series {
		stem, _, _ := strings.Cut(s.Name, ",")
		at := slices.IndexFunc(out, func(f family) bool {
			if f.random || s.Style == "random" {
				return f.random && s.Style == "random" && series[f.series[0]].Name == s.Name
			}
			return f.name == stem && !slices.ContainsFunc(f.series, func(k int) bool { return dashedLine(series[k]) == dashedLine(s) })
		})
		if at >= 0 {
			out[at].series = append(out[at].series, i)
			continue
		}
		name := stem
		if slices.ContainsFunc(out, func(f family) bool { return f.name == stem }) {
			name = s.Name
		}
		out = append(out, family{name, s.Style == "random", []int{i}})
	}
	return out
}

func dashedLine(s analysis.CurveSeries) bool { return s.Style == "dashed" }

// looksOf gives each family a colour and a marker; random ones are grey and have none.
func looksOf(series []analysis.CurveSeries, families []family) []look {
	out := make([]look, len(series))
	n := 0
	for _, f := range families {
		l := look{color: randomGrey, marker: noMarker}
		if !f.random {
			l.color, l.marker = categories[n%len(categories)], marker(n%markers)
			n++
		}
		for _, i := range f.series {
			l.dashed = dashedLine(series[i])
			out[i] = l
		}
	}
	return out
}

// dashes of a dashed line, points.
var dashes = []vg.Length{3, 2}

// lineOf begins a line of this look.
func (p *pen) lineOf(l look, width float64) {
	p.style(width, l.color)
	if l.dashed {
		p.page.SetLineDash(dashes, 0)
	}
}

// mark draws the shape of a series' points, on white so that lines behind it do not blur its outline.
func (p *pen) mark(x, y float64, l look) {
	const r = 1.9
	corners := func(n int, first, r float64) [][2]float64 {
		var out [][2]float64
		for k := range n {
			a := first + 2*math.Pi*float64(k)/float64(n)
			out = append(out, [2]float64{x + r*math.Cos(a), y + r*math.Sin(a)})
		}
		return out
	}
	var outline [][2]float64
	switch l.marker {
	case noMarker:
		return
	case circle:
		outline = corners(16, 0, r)
	case square:
		outline = corners(4, math.Pi/4, 1.25*r)
	case triangle:
		outline = corners(3, -math.Pi/2, 1.35*r)
	case diamond:
		outline = corners(4, 0, 1.35*r)
	case wedge:
		outline = corners(3, math.Pi/2, 1.35*r)
	case cross:
		p.line(x-r, y-r, x+r, y+r, 1, l.color)
		p.line(x-r, y+r, x+r, y-r, 1, l.color)
		return
	}
	path := p.path(outline...)
	path.Close()
	p.page.SetColor(l.color)
	p.page.Fill(path)
}
