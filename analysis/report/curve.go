package report

import (
	"fmt"
	"html/template"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
)

// inOne is how many families one graph holds; more of them get a graph each, on the same axes.
const inOne = 4

// newCurve draws lines with their bands, marks on the axes, and a legend with areas.
func newCurve(c analysis.Curve) *chart {
	var all [][]float64
	for _, s := range c.Series {
		for _, list := range [][]float64{s.Y, s.Low, s.High} {
			all = append(all, list)
		}
	}
	x0, x1, okX := finite(c.X, slices.Collect(maps.Values(c.Rules)))
	y0, y1, okY := finite(append(all, slices.Collect(maps.Values(c.Levels)))...)
	if !okX || !okY {
		x0, x1, y0, y1 = 0, 1, 0, 1
	}
	g := graph{c: c, families: familiesOf(c.Series), left: 58, top: 22, w: 560, h: 260}
	g.x0, g.x1 = widened(x0, x1)
	g.y0, g.y1 = padded(y0, y1)
	var random, others []family
	for _, f := range g.families {
		if f.random {
			random = append(random, f)
		} else {
			others = append(others, f)
		}
	}
	graphs := [][]family{append(random, others...)}
	perLine, lineH := 1, g.h+68
	if len(others) > inOne {
		graphs, perLine, g.w, g.h, g.top = nil, 4, 176, 130, 40
		lineH = g.top + g.h + 46
		for _, f := range others {
			graphs = append(graphs, append(slices.Clone(random), f))
		}
	}
	columnW := g.left + g.w + 22
	s := &svg{w: columnW * float64(perLine), h: lineH * float64((len(graphs)+perLine-1)/perLine)}
	for i, families := range graphs {
		at := g
		at.left, at.top = g.left+columnW*float64(i%perLine), g.top+lineH*float64(i/perLine)
		if perLine > 1 {
			f := families[len(families)-1]
			s.text(at.left, at.top-24, "start", `font-size="12" font-weight="600"`, f.name)
			if areas := f.areas(c.Series); areas != "" {
				s.text(at.left, at.top-9, "start", "", "area "+areas)
			}
		}
		at.draw(s, families)
	}
	label := fmt.Sprintf("%s: %s by %s", headline(c.Meta), c.YName, c.XName)
	listed := g.families
	if perLine > 1 {
		listed = random
	}
	return &chart{SVG: s.html(label) + g.legend(listed), Facts: facts(c.Meta)}
}

// graph is a pair of axes: where it is in its drawing, and the numbers at its ends.
type graph struct {
	c               analysis.Curve
	families        []family
	left, top, w, h float64
	x0, x1, y0, y1  float64
}

func (g graph) px(x float64) float64 { return g.left + g.w*(x-g.x0)/(g.x1-g.x0) }
func (g graph) py(y float64) float64 { return g.top + g.h*(1-(y-g.y0)/(g.y1-g.y0)) }

func (g graph) draw(s *svg, families []family) {
	right, bottom := g.left+g.w, g.top+g.h
	for _, y := range ticks(g.y0, g.y1, 5) {
		s.add(`<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="currentColor" stroke-opacity="0.15"/>`, g.left, right, g.py(y), g.py(y))
		s.text(g.left-8, g.py(y)+4, "end", "", tickText(y))
	}
	for _, x := range ticks(g.x0, g.x1, max(2, int(g.w/52))) {
		s.add(`<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="currentColor"/>`, g.px(x), g.px(x), bottom, bottom+4)
		s.text(g.px(x), bottom+17, "middle", "", tickText(x))
	}
	for _, name := range slices.Sorted(maps.Keys(g.c.Levels)) {
		if y := g.c.Levels[name]; !math.IsNaN(y) && !math.IsInf(y, 0) {
			s.add(`<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="currentColor" stroke-opacity="0.6" stroke-dasharray="2 3"><title>%s</title></line>`,
				g.left, right, g.py(y), g.py(y), template.HTMLEscapeString(name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(g.c.Rules)) {
		x := g.c.Rules[name]
		if math.IsNaN(x) || math.IsInf(x, 0) {
			continue
		}
		s.add(`<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="currentColor" stroke-opacity="0.6" stroke-dasharray="2 3"/>`, g.px(x), g.px(x), g.top, bottom)
		anchor := "middle"
		if g.px(x) > g.left+0.8*g.w {
			anchor = "end"
		}
		s.text(g.px(x), g.top-8, anchor, `fill-opacity="0.8"`, name)
	}
	for _, f := range families {
		for _, i := range f.series {
			if line := g.c.Series[i]; line.Low != nil && line.High != nil {
				s.add(`<path d="%s" fill="%s" fill-opacity="0.16"/>`, band(g.c.X, line.Low, line.High, g.px, g.py), f.color)
			}
		}
	}
	for _, f := range families {
		for _, i := range f.series {
			g.line(s, f, g.c.Series[i])
		}
	}
	s.add(`<path d="M%.1f,%.1fV%.1fH%.1f" fill="none" stroke="currentColor"/>`, g.left, g.top, bottom, right)
	s.text(g.left+g.w/2, bottom+36, "middle", `font-size="12"`, g.c.XName)
	x := g.left - 44
	s.text(x, g.top+g.h/2, "middle", fmt.Sprintf(`font-size="12" transform="rotate(-90 %.1f %.1f)"`, x, g.top+g.h/2), shortened(g.c.YName, int(g.h/6)))
}

// line draws a series, and marks its points where they are few.
func (g graph) line(s *svg, f family, line analysis.CurveSeries) {
	s.add(`<path d="%s" fill="none" stroke="%s" stroke-width="2" stroke-linejoin="round"%s><title>%s</title></path>`,
		polyline(g.c.X, line.Y, g.px, g.py), f.color, dashes(line), template.HTMLEscapeString(line.Name))
	if len(g.c.X) > 30 || f.random {
		return
	}
	for k, y := range line.Y {
		if !math.IsNaN(y) && !math.IsInf(y, 0) && !math.IsNaN(g.c.X[k]) && !math.IsInf(g.c.X[k], 0) {
			s.add(`<path d="%s" fill="%s"><title>%s</title></path>`, f.mark(g.px(g.c.X[k]), g.py(y)), f.color,
				template.HTMLEscapeString(fmt.Sprintf("%s: %s at %s", line.Name, tickText(y), tickText(g.c.X[k]))))
		}
	}
}

// legend has a key for each of the families' series and for each level.
func (g graph) legend(families []family) template.HTML {
	var b strings.Builder
	b.WriteString(`<ul style="list-style:none;display:flex;flex-wrap:wrap;gap:.3em 1.4em;padding:0;margin:.3em 0 0;font-size:.86em">`)
	key := func(drawing, name string) {
		fmt.Fprintf(&b, `<li style="display:flex;align-items:center;gap:.5em"><svg width="30" height="10" aria-hidden="true">%s</svg>%s</li>`, drawing, template.HTMLEscapeString(name))
	}
	line := func(color, dash string) string {
		return fmt.Sprintf(`<line x1="0" x2="30" y1="5" y2="5" stroke="%s" stroke-width="2.2"%s/>`, color, dash)
	}
	if len(families) < len(g.families) { // the others have graphs of their own
		told := map[string]bool{}
		for _, f := range g.families {
			for _, i := range f.series {
				_, order, ok := strings.Cut(g.c.Series[i].Name, ",")
				if order = strings.TrimSpace(order); ok && !told[order] {
					told[order] = true
					key(line("currentColor", dashes(g.c.Series[i])), order)
				}
			}
		}
	}
	for _, f := range families {
		for n, i := range f.series {
			if f.random && n > 0 {
				break // alike
			}
			s := g.c.Series[i]
			name := s.Name
			if s.Area != 0 && !math.IsNaN(s.Area) {
				name += fmt.Sprintf(" (area %s)", tickText(math.Round(1000*s.Area)/1000))
			}
			mark := ""
			if !f.random {
				mark = fmt.Sprintf(`<path d="%s" fill="%s"/>`, f.mark(15, 5), f.color)
			}
			key(line(f.color, dashes(s))+mark, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(g.c.Levels)) {
		key(line("currentColor", ` stroke-opacity="0.6" stroke-dasharray="2 3"`), name+" ("+tickText(g.c.Levels[name])+")")
	}
	b.WriteString("</ul>")
	return template.HTML(b.String())
}

// polyline goes from point to point and breaks where one is not a number.
func polyline(x, y []float64, px, py func(float64) float64) string {
	var b strings.Builder
	command := 'M'
	for k := range y {
		if a := x[k] + y[k]; math.IsNaN(a) || math.IsInf(a, 0) {
			command = 'M'
			continue
		}
		fmt.Fprintf(&b, "%c%.1f,%.1f", command, px(x[k]), py(y[k]))
		command = 'L'
	}
	return b.String()
}

// band is the area between two lines, of the points where both are numbers.
func band(x, low, high []float64, px, py func(float64) float64) string {
	var there, back []string
	for k := range x {
		if a := x[k] + low[k] + high[k]; math.IsNaN(a) || math.IsInf(a, 0) {
			continue
		}
		there = append(there, fmt.Sprintf("%.1f,%.1f", px(x[k]), py(high[k])))
		back = append(back, fmt.Sprintf("%.1f,%.1f", px(x[k]), py(low[k])))
	}
	if there == nil {
		return ""
	}
	slices.Reverse(back)
	return "M" + strings.Join(append(there, back...), "L") + "Z"
}

// widened makes room where all values are the same.
func widened(low, high float64) (float64, float64) {
	if low < high {
		return low, high
	}
	d := max(math.Abs(low)*0.1, 0.5)
	return low - d, high + d
}

// padded leaves air above and below, and stays at 1 where the values end there. It begins at 0 where that is not far, because
// the eye compares heights.
func padded(low, high float64) (float64, float64) {
	low, high = widened(low, high)
	d := 0.06 * (high - low)
	if low < 0 || low > 0.7*high {
		low -= d
	} else {
		low = 0
	}
	if high > 1 || high+d < 1 {
		high += d
	} else {
		high = 1
	}
	return low, high
}
