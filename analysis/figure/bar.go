package figure

import (
	"math"

	"github.com/seed-516990b0/golxmert/analysis/layout"
)

// barSteps is how many patches a colour bar is made of.
const barSteps = 64

// barRoom is what a colour bar, its numbers and its name take beside a panel, points.
const barRoom = 50.0

// uprightBar draws a colour bar, high at the top, with its numbers to the right and beyond them what they are.
func (p *pen) uprightBar(r rect, c layout.Colors, name string) {
	for i := range barSteps {
		y := r.y + r.h*float64(i)/barSteps
		h := min(r.h/barSteps+0.4, r.y+r.h-y) // patches overlap, or viewers show seams between them
		p.fill(rect{r.x, y, r.w, h}, c.At(c.Low+(c.High-c.Low)*(1-(float64(i)+0.5)/barSteps)))
	}
	p.stroke(r, 0.4, grey)
	widest := 0.0
	for _, t := range c.Ticks(int(r.h / 20)) {
		y := r.y + r.h*(1-c.Share(t))
		p.line(r.x+r.w, y, r.x+r.w+2, y, 0.4, grey)
		p.text(r.x+r.w+3.5, y+tick.height()/2, 0, layout.TickText(t), tick)
		widest = max(widest, tick.width(layout.TickText(t)))
	}
	name = tick.short(name, r.h)
	p.slanted(r.x+r.w+3.5+widest+3+tick.height(), r.y+r.h/2+tick.width(name)/2, math.Pi/2, name, tick)
}

// flatBar draws a colour bar, high at the right, with its numbers at both ends.
func (p *pen) flatBar(r rect, c layout.Colors) {
	for i := range barSteps {
		x := r.x + r.w*float64(i)/barSteps
		w := min(r.w/barSteps+0.4, r.x+r.w-x)
		p.fill(rect{x, r.y, w, r.h}, c.At(c.Low+(c.High-c.Low)*(float64(i)+0.5)/barSteps))
	}
	p.stroke(r, 0.4, grey)
	base := r.y + r.h/2 + tick.height()/2
	p.text(r.x-3, base, 1, layout.Brief(c.Low), tick)
	if c.High > c.Low {
		p.text(r.x+r.w+3, base, 0, layout.Brief(c.High), tick)
	}
}
