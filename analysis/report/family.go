package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
)

// lineColors are categories by Okabe and Ito; the last is that of the text.
var lineColors = []string{negative, positive, "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "currentColor"}

// family is the series of one name up to its first comma, such as "relevance, negative" and "relevance, positive": they
// share colour and marker, and differ by their dashes. No two families share both; those of chance are grey.
type family struct {
	name   string
	random bool
	series []int
	color  string
	shape  int
}

// shapes is the number of markers. It has no common divisor with that of the colours.
const shapes = 5

// familiesOf groups series in the order of their first members. A series that would look like another of its family makes
// one of its own.
func familiesOf(series []analysis.CurveSeries) []family {
	var out []family
	n := 0
	for i, s := range series {
		stem, _, _ := strings.Cut(s.Name, ",")
		random := s.Style == "random"
		at := slices.IndexFunc(out, func(f family) bool {
			if f.random || random {
				return f.random && random && f.name == s.Name
			}
			return f.name == stem && !slices.ContainsFunc(f.series, func(k int) bool { return dashes(series[k]) == dashes(s) })
		})
		if at >= 0 {
			out[at].series = append(out[at].series, i)
			continue
		}
		f := family{name: stem, random: random, series: []int{i}, color: "#888"}
		if slices.ContainsFunc(out, func(f family) bool { return f.name == stem }) || random {
			f.name = s.Name
		}
		if !random {
			f.color, f.shape = lineColors[n%len(lineColors)], n%shapes
			n++
		}
		out = append(out, f)
	}
	return out
}

// dashes is the attribute of a series' line.
func dashes(s analysis.CurveSeries) string {
	if s.Style == "dashed" {
		return ` stroke-dasharray="7 4"`
	}
	return ""
}

// areas are those under the family's lines, "" if there are none.
func (f family) areas(series []analysis.CurveSeries) string {
	var out []string
	for _, i := range f.series {
		if a := series[i].Area; a != 0 && !math.IsNaN(a) {
			out = append(out, tickText(math.Round(1000*a)/1000))
		}
	}
	return strings.Join(out, " / ")
}

// mark is the outline of the family's marker.
func (f family) mark(x, y float64) string {
	corners, first, r := 12, 0.0, 3.2 // a circle
	switch f.shape {
	case 1:
		corners, first, r = 4, math.Pi/4, 4.2
	case 2:
		corners, first, r = 3, -math.Pi/2, 4.6
	case 3:
		corners, first, r = 4, 0, 4.4
	case 4:
		corners, first, r = 3, math.Pi/2, 4.6
	}
	var b strings.Builder
	for k := range corners {
		a := first + 2*math.Pi*float64(k)/float64(corners)
		fmt.Fprintf(&b, "%c%.1f,%.1f", "ML"[min(k, 1)], x+r*math.Cos(a), y+r*math.Sin(a))
	}
	return b.String() + "Z"
}
