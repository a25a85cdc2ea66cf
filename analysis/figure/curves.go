package figure

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/layout"
)

// Curves draws the series of a curve, with their intervals as bands. Rules are vertical dotted lines, levels horizontal ones. A
// series of the style "random" is grey. Series of one name up to its first comma, such as "relevance, positive" and
// "relevance, negative", are a family: they have one colour and one marker, and the styles "dashed" and "area" (filled from 0) tell them apart. Areas
// under curves stand in the legend, in the order of its lines. More than four families have graphs of their own, on the
// same axes and each with the random series. An axis that does not begin at 0 is marked as broken. NaN is a gap.
func Curves(c analysis.Curve, opt Options) (*Figure, error) {
	if err := checkCurve(c); err != nil {
		return nil, err
	}
	l := curves{c: layout.NewCurve(c), opt: opt}
	if len(l.c.Graphs) > 1 {
		l.width = opt.width(Page)
		return l.layMany(), nil
	}
	l.width = opt.width(Column)
	return l.layOne(), nil
}

// curves is a figure of curves while its parts find their places.
type curves struct {
	c     layout.Curve
	opt   Options
	width float64
	over  func(p *pen, g graph, area rect) // draws over the lines of one graph; nil: nothing
}

// layOne puts all series into one graph.
func (l curves) layOne() *Figure {
	head, room := heading(l.c.Title, l.width)
	y := margin + room
	keys := layLegend(l.c.Keys, l.width-2*margin)
	keysY := y
	y += keys.h + 6
	if len(l.c.Rules) > 0 {
		y += tick.leading()
	}
	g := newGraph(l.c)
	h := min(0.55*l.width, 200)
	left := g.left(h)
	area := rect{margin + left, y, l.width - 2*margin - left - g.right(l.width-left), h}
	y += h + axisHeight
	foot, room := footing(l.c.Meta, l.opt, l.width, y)
	return &Figure{w: l.width, h: y + room + margin, draw: func(p *pen) {
		p.paragraph(margin, head)
		keys.draw(p, margin, keysY)
		g.draw(p, area)
		if l.over != nil {
			l.over(p, g, area)
		}
		l.nameAxes(p, area)
		p.paragraph(margin, foot)
	}}
}

// nameAxes writes what the axes of the area are.
func (l curves) nameAxes(p *pen, area rect) {
	p.text(area.x+area.w/2, area.y+area.h+axisHeight-4, 0.5, plain.short(l.c.XName, area.w), plain)
	name := plain.short(l.c.YName, area.h)
	p.slanted(margin+plain.height(), area.y+area.h/2+plain.width(name)/2, math.Pi/2, name, plain)
}

// layMany gives each family a graph of its own.
func (l curves) layMany() *Figure {
	const gap, least = 9.0, 76.0 // between graphs; width of one
	n, all := len(l.c.Graphs), newGraph(l.c)
	head, room := heading(l.c.Title, l.width)
	y := margin + room
	keys := layLegend(l.c.Keys, l.width-2*margin)
	keysY := y
	y += keys.h + 4

	left := all.left(least)
	inner := l.width - 2*margin - left - all.right(least)
	perLine := min(n, max(1, int((inner+gap)/(least+gap))))
	lines := (n + perLine - 1) / perLine
	perLine = (n + lines - 1) / lines
	w := (inner - float64(perLine-1)*gap) / float64(perLine)
	h := min(max(0.8*w, 50), 110)
	above := label.leading() + 3
	if slices.ContainsFunc(l.c.Graphs, func(g layout.Graph) bool { return g.Areas != "" }) {
		above += label.leading()
	}
	if len(l.c.Rules) > 0 {
		above += tick.leading()
	}
	top := y
	lineH := above + h + tick.leading() + 8
	y += float64(lines)*lineH + axisHeight - tick.leading() - 8
	foot, room := footing(l.c.Meta, l.opt, l.width, y)
	return &Figure{w: l.width, h: y + room + margin, draw: func(p *pen) {
		p.paragraph(margin, head)
		keys.draw(p, margin, keysY)
		bold := label
		bold.bold = true
		for i, part := range l.c.Graphs {
			g := all
			g.shown, g.yLabels, g.xLabels = part.Series, i%perLine == 0, i+perLine >= n
			at := rect{margin + left + float64(i%perLine)*(w+gap), top + float64(i/perLine)*lineH + above, w, h}
			p.text(at.x, at.y-above+bold.height(), 0, bold.short(part.Name, w), bold)
			p.text(at.x, at.y-above+label.leading()+label.height(), 0, label.short(part.Areas, w), label)
			g.draw(p, at)
		}
		l.nameAxes(p, rect{margin + left, top + above, inner, float64(lines)*lineH - lineH + h})
		p.paragraph(margin, foot)
	}}
}

// checkCurve says what cannot be drawn.
func checkCurve(c analysis.Curve) error {
	if len(c.Series) == 0 || len(c.X) == 0 {
		return errors.New("a curve without points: there is nothing to draw")
	}
	if err := c.Check(); err != nil {
		return err
	}
	finite := func(what string, values []float64, nan bool) error {
		for i, x := range values {
			if math.IsInf(x, 0) || !nan && math.IsNaN(x) {
				return fmt.Errorf("%s: point %d is %g", what, i, x)
			}
		}
		return nil
	}
	if err := finite("x", c.X, false); err != nil {
		return err
	}
	for _, s := range c.Series {
		for _, values := range [][]float64{s.Y, s.Low, s.High} {
			if err := finite(fmt.Sprintf("series %q", s.Name), values, true); err != nil {
				return err
			}
		}
	}
	for name, y := range c.Levels {
		if math.IsInf(y, 0) || math.IsNaN(y) {
			return fmt.Errorf("level %q is %g", name, y)
		}
	}
	return nil
}
