package figure

import (
	"maps"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"

	"github.com/seed-516990b0/golxmert/analysis"
)

// graph is a pair of axes with series in it.
type graph struct {
	c              analysis.Curve
	shown          []int // which of the series
	looks          []look
	x0, x1, y0, y1 float64
	broken         bool // the y axis does not begin at 0
	yLabels        bool
	xLabels        bool
}

// newGraph fits the axes to all series, whichever of them will be shown, so that graphs beside each other compare.
func newGraph(c analysis.Curve, looks []look) graph {
	g := graph{c: c, looks: looks, yLabels: true, xLabels: true}
	low, high := math.Inf(1), math.Inf(-1)
	reach := func(values []float64) {
		for _, y := range values {
			if !math.IsNaN(y) {
				low, high = math.Min(low, y), math.Max(high, y)
			}
		}
	}
	for i, s := range c.Series {
		g.shown = append(g.shown, i)
		reach(s.Y)
		reach(s.Low)
		reach(s.High)
	}
	reach(slices.Collect(maps.Values(c.Levels)))
	g.y0, g.y1, g.broken = extent(low, high)
	g.x0, g.x1 = slices.Min(c.X), slices.Max(c.X)
	if g.x0 == g.x1 {
		g.x0, g.x1 = g.x0-0.5, g.x1+0.5
	}
	return g
}

// ticks are round numbers as many as the sides have room for; on an x axis of whole numbers, such as layers, whole ones.
func (g graph) ticks(w, h float64) (x, y []float64) {
	x = round(g.x0, g.x1, max(2, int(w/20)))
	broken := func(x float64) bool { return math.Abs(x-math.Round(x)) > 1e-9 }
	if !slices.ContainsFunc(g.c.X, broken) && slices.ContainsFunc(x, func(x float64) bool { return !broken(x) }) {
		x = slices.DeleteFunc(x, broken)
	}
	return x, round(g.y0, g.y1, max(3, int(h/18)))
}

// left is the room that the y axis needs for its numbers and its name.
func (g graph) left(h float64) float64 {
	_, ys := g.ticks(100, h)
	w := 0.0
	for _, y := range ys {
		w = max(w, tick.width(tickText(y)))
	}
	return w + 6 + plain.leading()
}

// right is the room for the half of the last number of the x axis that stands out.
func (g graph) right(w float64) float64 {
	xs, _ := g.ticks(w, 100)
	return max(5, tick.width(tickText(xs[len(xs)-1]))/2+1)
}

const below = 24.0 // an x axis needs for its numbers and its name

// draw draws the graph; r is where the lines are.
func (g graph) draw(p *pen, r rect) {
	px := func(x float64) float64 { return r.x + r.w*(x-g.x0)/(g.x1-g.x0) }
	py := func(y float64) float64 { return r.y + r.h*(1-(y-g.y0)/(g.y1-g.y0)) }
	g.axes(p, r, px, py)
	for _, name := range slices.Sorted(maps.Keys(g.c.Levels)) {
		if y := g.c.Levels[name]; y >= g.y0 && y <= g.y1 {
			p.dotted(r.x, py(y), r.x+r.w, py(y))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(g.c.Rules)) {
		if x := g.c.Rules[name]; x >= g.x0 && x <= g.x1 {
			p.dotted(px(x), r.y-3, px(x), r.y+r.h)
			k := tick
			k.color = grey
			text := k.short(name, r.w)
			at := min(max(px(x)-k.width(text)/2, r.x), r.x+r.w-k.width(text))
			p.text(at, r.y-6.5, 0, text, k)
		}
	}
	for _, i := range g.shown {
		s := g.c.Series[i]
		if s.Low == nil {
			continue
		}
		for _, part := range runs(g.c.X, s.Low, s.High) {
			for k := range part {
				part[k] = [2]float64{px(part[k][0]), py(part[k][1])}
			}
			path := p.path(part...)
			path.Close()
			p.page.SetColor(faded(g.looks[i].color, 0.16))
			p.page.Fill(path)
		}
	}
	for _, i := range g.shown {
		g.line(p, i, px, py)
	}
}

// line draws one series, with markers at up to a dozen of its points.
func (g graph) line(p *pen, i int, px, py func(float64) float64) {
	every := 1
	if n := len(g.c.X); n > 24 {
		every = (n + 11) / 12
	}
	for _, part := range runs(g.c.X, g.c.Series[i].Y, nil) {
		for k := range part {
			part[k] = [2]float64{px(part[k][0]), py(part[k][1])}
		}
		if len(part) > 1 {
			p.lineOf(g.looks[i], 1.1)
			p.page.Stroke(p.path(part...))
		}
		p.page.SetLineDash(nil, 0)
		for k, at := range part {
			if k%every == i%every || len(part) == 1 {
				l := g.looks[i]
				if len(part) == 1 && l.marker == noMarker {
					l.marker = circle
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
	if g.broken { // two strokes say that 0 is further down
		for _, y := range []float64{bottom - 5, bottom - 8} {
			p.line(r.x-3, y+1.5, r.x+3, y-1.5, 0.6, black)
		}
	}
	for _, y := range ys {
		if g.broken && py(y) > bottom-11 {
			continue
		}
		p.line(r.x-2.5, py(y), r.x, py(y), 0.5, black)
		if g.yLabels {
			p.text(r.x-4, py(y)+tick.height()/2, 1, tickText(y), tick)
		}
	}
	for _, x := range xs {
		p.line(px(x), bottom, px(x), bottom+2.5, 0.5, black)
		if g.xLabels {
			p.text(px(x), bottom+4+tick.height(), 0.5, tickText(x), tick)
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
