package figure

import (
	"math"

	"gonum.org/v1/plot/vg"

	"github.com/seed-516990b0/golxmert/analysis/layout"
)

// graph is a pair of axes with series in it.
type graph struct {
	layout.Curve
	shown   []int // which of the series
	yLabels bool
	xLabels bool
}

func newGraph(c layout.Curve) graph {
	return graph{Curve: c, shown: c.Graphs[0].Series, yLabels: true, xLabels: true}
}

// ticks are as many as the sides have room for.
func (g graph) ticks(w, h float64) (x, y []float64) { return g.Ticks(int(w/20), int(h/18)) }

// left is the room that the y axis needs for its numbers and its name.
func (g graph) left(h float64) float64 {
	_, ys := g.ticks(100, h)
	w := 0.0
	for _, y := range ys {
		w = max(w, tick.width(layout.TickText(y)))
	}
	return w + 6 + plain.leading()
}

// right is the room for the half of the last number of the x axis that stands out.
func (g graph) right(w float64) float64 {
	xs, _ := g.ticks(w, 100)
	return max(5, tick.width(layout.TickText(xs[len(xs)-1]))/2+1)
}

const axisHeight = 24.0 // of the numbers and the name below a graph

const areaAlpha = 0.3 // of a series that is an area

// draw draws the graph; r is where the lines are.
func (g graph) draw(p *pen, r rect) {
	px, py := g.places(r)
	g.axes(p, r, px, py)
	for _, level := range g.MarkedLevels() {
		p.dotted(r.x, py(level.At), r.x+r.w, py(level.At))
	}
	for _, rule := range g.MarkedRules() {
		x := px(rule.At)
		p.dotted(x, r.y-3, x, r.y+r.h)
		k := tick
		k.color = grey
		text := k.short(rule.Name, r.w)
		p.text(min(max(x-k.width(text)/2, r.x), r.x+r.w-k.width(text)), r.y-6.5, 0, text, k)
	}
	for _, i := range g.shown {
		s := g.Series[i]
		if s.Low == nil {
			continue
		}
		p.between(runs(g.X, s.Low, s.High), g.Looks[i], 0.16, px, py)
	}
	for _, i := range g.shown {
		if g.Looks[i].Area {
			p.between(runs(g.X, g.Series[i].Y, make([]float64, len(g.X))), g.Looks[i], areaAlpha, px, py)
		}
	}
	for _, i := range g.shown {
		if !g.Looks[i].Area {
			g.line(p, i, px, py)
		}
	}
}

// places say where in r a number of each axis is.
func (g graph) places(r rect) (px, py func(float64) float64) {
	return func(x float64) float64 { return r.x + r.w*(x-g.X0)/(g.X1-g.X0) },
		func(y float64) float64 { return r.y + r.h*(1-(y-g.Y0)/(g.Y1-g.Y0)) }
}

// between fills what lies between two lines.
func (p *pen) between(parts [][][2]float64, look layout.Look, alpha float64, px, py func(float64) float64) {
	for _, part := range parts {
		for k := range part {
			part[k] = [2]float64{px(part[k][0]), py(part[k][1])}
		}
		path := p.path(part...)
		path.Close()
		p.page.SetColor(layout.Faded(look.Color, alpha))
		p.page.Fill(path)
	}
}

// line draws one series, with markers at up to a dozen of its points.
func (g graph) line(p *pen, i int, px, py func(float64) float64) {
	every := 1
	if n := len(g.X); n > 24 {
		every = (n + 11) / 12
	}
	for _, part := range runs(g.X, g.Series[i].Y, nil) {
		for k := range part {
			part[k] = [2]float64{px(part[k][0]), py(part[k][1])}
		}
		if len(part) > 1 {
			p.lineOf(g.Looks[i], 1.1)
			p.page.Stroke(p.path(part...))
		}
		p.page.SetLineDash(nil, 0)
		for k, at := range part {
			if k%every == i%every || len(part) == 1 {
				l := g.Looks[i]
				if len(part) == 1 && l.Marker == layout.NoMarker {
					l.Marker = layout.Circle
				}
				p.mark(at[0], at[1], l)
			}
		}
	}
}

func (g graph) axes(p *pen, r rect, px, py func(float64) float64) {
	xs, ys := g.ticks(r.w, r.h)
	bottom := r.y + r.h
	p.line(r.x, r.y, r.x, bottom, 0.5, black)
	p.line(r.x, bottom, r.x+r.w, bottom, 0.5, black)
	if g.Broken { // two strokes say that 0 is further down
		for _, y := range []float64{bottom - 5, bottom - 8} {
			p.line(r.x-3, y+1.5, r.x+3, y-1.5, 0.6, black)
		}
	}
	for _, y := range ys {
		if g.Broken && py(y) > bottom-11 {
			continue
		}
		p.line(r.x-2.5, py(y), r.x, py(y), 0.5, black)
		if g.yLabels {
			p.text(r.x-4, py(y)+tick.height()/2, 1, layout.TickText(y), tick)
		}
	}
	for _, x := range xs {
		p.line(px(x), bottom, px(x), bottom+2.5, 0.5, black)
		if g.xLabels {
			p.text(px(x), bottom+4+tick.height(), 0.5, layout.TickText(x), tick)
		}
	}
}

func (p *pen) dotted(x0, y0, x1, y1 float64) {
	p.style(0.6, grey)
	p.page.SetLineDash([]vg.Length{1, 1.5}, 0)
	p.page.Stroke(p.path([2]float64{x0, y0}, [2]float64{x1, y1}))
	p.page.SetLineDash(nil, 0)
}

// runs cuts a series at its gaps. With a second series the runs go forth along the first and back along the second.
func runs(x, y, back []float64) [][][2]float64 {
	var out [][][2]float64
	for from := 0; from < len(x); from++ {
		to := from
		for to < len(x) && !math.IsNaN(y[to]) && (back == nil || !math.IsNaN(back[to])) {
			to++
		}
		if to == from {
			continue
		}
		var part [][2]float64
		for i := from; i < to; i++ {
			part = append(part, [2]float64{x[i], y[i]})
		}
		if back != nil {
			for i := to - 1; i >= from; i-- {
				part = append(part, [2]float64{x[i], back[i]})
			}
		}
		out = append(out, part)
		from = to
	}
	return out
}
