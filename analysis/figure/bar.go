package figure

import (
	"math"
	"strconv"
	"strings"
)

// number writes a value with two or three digits.
func number(x float64) string {
	a := math.Abs(x)
	switch {
	case math.IsNaN(x):
		return "–"
	case a >= 100 && a < 1e5 || x == math.Trunc(x) && a < 100:
		return signed(strconv.FormatFloat(x, 'f', 0, 64))
	case a >= 0.095 && a < 100:
		return signed(strconv.FormatFloat(x, 'f', max(0, 1-int(math.Floor(math.Log10(a)))), 64))
	}
	return signed(strconv.FormatFloat(x, 'g', 2, 64))
}

// numberLike writes a value with the decimals that give the largest of its kind two digits, so that numbers of one scale
// are written alike.
func numberLike(x, most float64) string {
	if math.IsNaN(x) || !(most >= 1e-3 && most < 1e4) {
		return number(x)
	}
	return signed(strconv.FormatFloat(x, 'f', max(0, 1-int(math.Floor(math.Log10(most)))), 64))
}

// signed gives a number the sign of minus instead of a hyphen, and none if it is zero.
func signed(s string) string {
	if strings.Trim(s, "-0.") == "" {
		s = strings.TrimPrefix(s, "-")
	}
	return strings.ReplaceAll(s, "-", "−")
}

// brief is number without zeros at its end.
func brief(x float64) string {
	s := number(x)
	if strings.Contains(s, ".") && !strings.Contains(s, "e") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// ticks are the numbers at a colour bar of this length, in points: round ones, each where it is on the scale.
func (c colors) ticks(length float64) []float64 {
	return round(c.low, c.high, max(2, int(length/20)))
}

// barSteps is how many patches a colour bar is made of.
const barSteps = 64

// barRoom is what a colour bar, its numbers and its name take beside a panel, points.
const barRoom = 50.0

// uprightBar draws a colour bar, high at the top, with its numbers to the right and beyond them what they are.
func (p *pen) uprightBar(r rect, c colors, name string) {
	for i := range barSteps {
		y := r.y + r.h*float64(i)/barSteps
		h := min(r.h/barSteps+0.4, r.y+r.h-y) // patches overlap, or viewers show seams between them
		p.fill(rect{r.x, y, r.w, h}, c.at(c.low+(c.high-c.low)*(1-(float64(i)+0.5)/barSteps)))
	}
	p.stroke(r, 0.4, grey)
	widest := 0.0
	for _, t := range c.ticks(r.h) {
		y := r.y + r.h*(1-c.share(t))
		p.line(r.x+r.w, y, r.x+r.w+2, y, 0.4, grey)
		p.text(r.x+r.w+3.5, y+tick.height()/2, 0, tickText(t), tick)
		widest = max(widest, tick.width(tickText(t)))
	}
	name = tick.short(name, r.h)
	p.slanted(r.x+r.w+3.5+widest+3+tick.height(), r.y+r.h/2+tick.width(name)/2, math.Pi/2, name, tick)
}

// flatBar draws a colour bar, high at the right, with its numbers at both ends.
func (p *pen) flatBar(r rect, c colors) {
	for i := range barSteps {
		x := r.x + r.w*float64(i)/barSteps
		w := min(r.w/barSteps+0.4, r.x+r.w-x)
		p.fill(rect{x, r.y, w, r.h}, c.at(c.low+(c.high-c.low)*(float64(i)+0.5)/barSteps))
	}
	p.stroke(r, 0.4, grey)
	base := r.y + r.h/2 + tick.height()/2
	p.text(r.x-3, base, 1, brief(c.low), tick)
	if c.high > c.low {
		p.text(r.x+r.w+3, base, 0, brief(c.high), tick)
	}
}
