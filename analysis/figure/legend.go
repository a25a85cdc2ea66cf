package figure

import (
	"math"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
)

// legend is the keys of a graph's lines, broken into lines of text above it. A key of a family has a piece of each of its
// lines, and the areas under them in the same order.
type legend struct {
	keys []key
	h    float64
}

type key struct {
	x, y  float64
	looks []look
	level bool // a dotted line across the graph
	text  string
}

const (
	keyLength = 16.0 // of the piece of line in a legend, points
	keyGap    = 9.0
)

// layLegend makes the legend of families and levels. Orders, what solid and dashed lines are, come first.
func layLegend(c analysis.Curve, orders []key, families []family, looks []look, width float64) legend {
	var l legend
	x := 0.0
	add := func(k key) {
		pieces := max(len(k.looks), 1)
		room := float64(pieces)*(keyLength+2) + 1
		k.text = label.short(k.text, width-room)
		w := room + label.width(k.text)
		if x > 0 && x+w > width {
			x, l.h = 0, l.h+label.leading()+1
		}
		k.x, k.y = x, l.h
		l.keys = append(l.keys, k)
		x += w + keyGap
	}
	for _, k := range orders {
		add(k)
	}
	for _, f := range families {
		k := key{text: f.name}
		if len(f.series) == 1 && !f.random {
			k.text = c.Series[f.series[0]].Name
		}
		if f.random {
			f.series = f.series[:1]
		}
		for _, i := range f.series {
			k.looks = append(k.looks, looks[i])
		}
		if areas := areasOf(c.Series, f.series); areas != "" {
			k.text += " (AUC " + areas + ")"
		}
		add(k)
	}
	for _, name := range levelNames(c) {
		add(key{level: true, text: name})
	}
	if len(l.keys) > 0 {
		l.h += label.leading() + 1
	}
	return l
}

// areasOf are the areas under the lines of a family, "" if none is known.
func areasOf(series []analysis.CurveSeries, of []int) string {
	var areas []string
	known := false
	for _, i := range of {
		area := series[i].Area
		if area == 0 {
			area = math.NaN()
		}
		known = known || !math.IsNaN(area)
		areas = append(areas, number(area))
	}
	if !known {
		return ""
	}
	return strings.Join(areas, " / ")
}

// orderKeys says what solid and dashed lines mean, where all families agree on it.
func orderKeys(series []analysis.CurveSeries, families []family) []key {
	names := map[bool]string{}
	for _, f := range families {
		if f.random {
			continue
		}
		if len(f.series) < 2 {
			return nil
		}
		for _, i := range f.series {
			_, order, _ := strings.Cut(series[i].Name, ",")
			order = strings.TrimSpace(order)
			d := dashedLine(series[i])
			if was, ok := names[d]; order == "" || ok && was != order {
				return nil
			}
			names[d] = order
		}
	}
	var out []key
	for _, d := range []bool{false, true} {
		if names[d] != "" {
			out = append(out, key{looks: []look{{black, noMarker, d}}, text: names[d]})
		}
	}
	return out
}

func levelNames(c analysis.Curve) []string {
	var out []string
	for name := range c.Levels {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func (l legend) draw(p *pen, x, y float64) {
	for _, k := range l.keys {
		x, y := x+k.x, y+k.y
		middle := y + label.leading()/2
		if k.level {
			p.dotted(x, middle, x+keyLength, middle)
			x += keyLength + 2
		}
		for _, look := range k.looks {
			p.lineOf(look, 1.1)
			p.page.Stroke(p.path([2]float64{x, middle}, [2]float64{x + keyLength, middle}))
			p.page.SetLineDash(nil, 0)
			p.mark(x+keyLength/2, middle, look)
			x += keyLength + 2
		}
		p.text(x+1, middle+label.height()/2, 0, k.text, label)
	}
}
