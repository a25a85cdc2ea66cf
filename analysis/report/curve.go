package report

import (
	"fmt"
	"html/template"
	"image/color"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/layout"
)

// newCurve draws lines with their bands, marks on the axes, and a legend.
func newCurve(result analysis.Curve) *chart {
	return chartOf(layout.NewCurve(result), nil)
}

// chartOf draws the graphs of a curve, and over each what over draws, if there is anything.
func chartOf(c layout.Curve, over func(s *svg, g graph)) *chart {
	g := graph{Curve: c, left: 58, top: 22, w: 560, h: 260}
	perLine, lineH := 1, g.h+68
	if len(c.Graphs) > 1 {
		perLine, g.w, g.h, g.top = 4, 176, 130, 40
		lineH = g.top + g.h + 46
	}
	columnW := g.left + g.w + 22
	s := &svg{w: columnW * float64(perLine), h: lineH * float64((len(c.Graphs)+perLine-1)/perLine)}
	for i, part := range c.Graphs {
		at := g
		at.left, at.top = g.left+columnW*float64(i%perLine), g.top+lineH*float64(i/perLine)
		if part.Name != "" {
			s.text(at.left, at.top-24, "start", `font-size="12" font-weight="600"`, part.Name)
		}
		if part.Areas != "" {
			s.text(at.left, at.top-9, "start", "", part.Areas)
		}
		at.draw(s, part.Series)
		if over != nil {
			over(s, at)
		}
	}
	label := fmt.Sprintf("%s: %s by %s", headline(c.Meta), c.YName, c.XName)
	return &chart{SVG: s.html(label) + keys(c.Keys), Facts: layout.Facts(c.Meta)}
}

// graph is a pair of axes: where it is in its drawing.
type graph struct {
	layout.Curve
	left, top, w, h float64
}

func (g graph) px(x float64) float64 { return g.left + g.w*(x-g.X0)/(g.X1-g.X0) }
func (g graph) py(y float64) float64 { return g.top + g.h*(1-(y-g.Y0)/(g.Y1-g.Y0)) }

// levelLine are the attributes of lines that stand for a value or a place, not for a series.
const levelLine = `stroke="currentColor" stroke-opacity="0.6" stroke-dasharray="2 3"`

func (g graph) draw(s *svg, series []int) {
	right, bottom := g.left+g.w, g.top+g.h
	xs, ys := g.Ticks(int(g.w/44), min(6, int(g.h/26)))
	for _, y := range ys {
		if g.Broken && g.py(y) > bottom-14 {
			continue
		}
		s.add(`<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="currentColor" stroke-opacity="0.15"/>`, g.left, right, g.py(y), g.py(y))
		s.text(g.left-8, g.py(y)+4, "end", "", layout.TickText(y))
	}
	for _, x := range xs {
		s.add(`<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="currentColor"/>`, g.px(x), g.px(x), bottom, bottom+4)
		s.text(g.px(x), bottom+17, "middle", "", layout.TickText(x))
	}
	for _, level := range g.MarkedLevels() {
		s.add(`<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" %s><title>%s</title></line>`, g.left, right, g.py(level.At), g.py(level.At), levelLine,
			template.HTMLEscapeString(level.Name+": "+layout.Number(level.At)))
	}
	for _, rule := range g.MarkedRules() {
		x := g.px(rule.At)
		s.add(`<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" %s/>`, x, x, g.top, bottom, levelLine)
		anchor := "middle"
		if x > g.left+0.8*g.w {
			anchor = "end"
		}
		s.text(x, g.top-8, anchor, `fill-opacity="0.8"`, rule.Name)
	}
	for _, i := range series {
		if line := g.Series[i]; line.Low != nil && line.High != nil {
			s.add(`<path d="%s" fill="%s" fill-opacity="0.16"/>`, band(g.X, line.Low, line.High, g.px, g.py), css(g.Looks[i].Color))
		}
	}
	for _, i := range series {
		if line, look := g.Series[i], g.Looks[i]; look.Area {
			s.add(`<path d="%s" fill="%s" fill-opacity="0.3"><title>%s</title></path>`, band(g.X, make([]float64, len(g.X)), line.Y, g.px, g.py), css(look.Color), template.HTMLEscapeString(line.Name))
		}
	}
	for _, i := range series {
		if !g.Looks[i].Area {
			g.line(s, g.Series[i], g.Looks[i])
		}
	}
	s.add(`<path d="M%.1f,%.1fV%.1fH%.1f" fill="none" stroke="currentColor"/>`, g.left, g.top, bottom, right)
	if g.Broken { // two strokes say that 0 is further down
		for _, y := range []float64{bottom - 6, bottom - 10} {
			s.add(`<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="currentColor"/>`, g.left-4, g.left+4, y+2, y-2)
		}
	}
	s.text(g.left+g.w/2, bottom+36, "middle", `font-size="12"`, g.XName)
	x := g.left - 44
	s.text(x, g.top+g.h/2, "middle", fmt.Sprintf(`font-size="12" transform="rotate(-90 %.1f %.1f)"`, x, g.top+g.h/2), shortened(g.YName, int(g.h/6)))
}

// line draws a series, and marks its points where they are few.
func (g graph) line(s *svg, line analysis.CurveSeries, look layout.Look) {
	s.add(`<path d="%s" fill="none" stroke="%s" stroke-width="2" stroke-linejoin="round"%s><title>%s</title></path>`,
		polyline(g.X, line.Y, g.px, g.py), css(look.Color), dashes(look), template.HTMLEscapeString(line.Name))
	if len(g.X) > 30 {
		return
	}
	for k, y := range line.Y {
		if layout.Finite(y) && layout.Finite(g.X[k]) {
			s.add("%s", marker(g.px(g.X[k]), g.py(y), look, fmt.Sprintf("%s: %s at %s", line.Name, layout.Number(y), layout.TickText(g.X[k]))))
		}
	}
}

// css is a colour as style sheets write it. That of text is the page's, which is light in the dark.
func css(c color.NRGBA) string {
	if c == layout.Text || c == layout.Categories[len(layout.Categories)-1] {
		return "currentColor"
	}
	return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B)
}

// dashes is the attribute of a line of this look.
func dashes(l layout.Look) string {
	if l.Dashed {
		return ` stroke-dasharray="7 4"`
	}
	return ""
}

// marker is the shape of a point, with a text to point at; "" if the look has none.
func marker(x, y float64, l layout.Look, title string) string {
	end := "/>"
	if title != "" {
		end = "><title>" + template.HTMLEscapeString(title) + "</title></path>"
	}
	var b strings.Builder
	for k, at := range l.Marker.Outline(3.2) {
		command := 'L'
		if k == 0 || l.Marker == layout.Cross && k%2 == 0 {
			command = 'M'
		}
		fmt.Fprintf(&b, "%c%.1f,%.1f", command, x+at[0], y+at[1])
	}
	switch l.Marker {
	case layout.NoMarker:
		return ""
	case layout.Cross:
		return fmt.Sprintf(`<path d="%s" stroke="%s" stroke-width="2" fill="none"%s`, b.String(), css(l.Color), end)
	}
	return fmt.Sprintf(`<path d="%sZ" fill="%s"%s`, b.String(), css(l.Color), end)
}

// keys are the legend below a drawing: a piece of each line, and what they are.
func keys(of []layout.Key) template.HTML {
	var b strings.Builder
	b.WriteString(`<ul style="list-style:none;display:flex;flex-wrap:wrap;gap:.3em 1.4em;padding:0;margin:.3em 0 0;font-size:.86em">`)
	for _, k := range of {
		b.WriteString(`<li style="display:flex;align-items:center;gap:.5em">`)
		piece := func(line, mark string) {
			fmt.Fprintf(&b, `<svg width="30" height="10" aria-hidden="true"><line x1="0" x2="30" y1="5" y2="5" %s/>%s</svg>`, line, mark)
		}
		if k.Level {
			piece(levelLine+` stroke-width="2.2"`, "")
		}
		for _, l := range k.Looks {
			switch {
			case k.Block:
				piece(fmt.Sprintf(`stroke="%s" stroke-width="9"`, css(l.Color)), "")
				continue
			case l.Area:
				piece(fmt.Sprintf(`stroke="%s" stroke-width="9" stroke-opacity="0.3"`, css(l.Color)), "")
				continue
			case k.Points:
				piece(`stroke="none"`, marker(15, 5, l, ""))
				continue
			}
			piece(fmt.Sprintf(`stroke="%s" stroke-width="2.2"%s`, css(l.Color), dashes(l)), marker(15, 5, l, ""))
		}
		b.WriteString(template.HTMLEscapeString(k.Text) + "</li>")
	}
	b.WriteString("</ul>")
	return template.HTML(b.String())
}

// polyline goes from point to point and breaks where one is not a number.
func polyline(x, y []float64, px, py func(float64) float64) string {
	var b strings.Builder
	command := 'M'
	for k := range y {
		if !layout.Finite(x[k] + y[k]) {
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
		if !layout.Finite(x[k] + low[k] + high[k]) {
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
