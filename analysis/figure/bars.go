package figure

import (
	"errors"
	"fmt"
	"math"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/layout"
)

// maxBars is how many bars a figure has at most; the rest is counted below them.
const maxBars = 60

// Bars draws lengths by name, from top to bottom, with their numbers. Bars of several parts are stacked, and a legend tells
// the parts apart; in a waterfall each bar begins where the one before ends, and hairlines lead from one to the next. A
// whisker is a standard error to either side. Only the first 60 bars are drawn; data formats have them all.
func Bars(b analysis.Bars, opt Options) (*Figure, error) {
	if len(b.Bars) == 0 {
		return nil, errors.New("bars of nothing: there is nothing to draw")
	}
	if err := b.Check(); err != nil {
		return nil, err
	}
	laid := layout.NewBars(b, maxBars)
	width := opt.width(Column)
	head, room := heading(laid.Title, width)
	y := margin + room
	keys := layLegend(laid.Keys, width-2*margin)
	keysY := y
	y += keys.h + 3
	names, numbers := 0.0, 0.0
	for _, bar := range laid.Shown {
		names, numbers = max(names, label.width(bar.Name)), max(numbers, tick.width(bar.Text))
	}
	names = min(names, 0.35*width)
	row := label.leading() + 2.5
	area := rect{margin + names + 4, y, width - 2*margin - names - 4 - numbers - 5, row * float64(len(laid.Shown))}
	y += area.h + axisHeight
	meta := b.Meta
	if n := len(b.Bars) - len(laid.Shown); n > 0 {
		meta.Notes = append([]string{fmt.Sprintf("%d more bars are not drawn.", n)}, meta.Notes...)
	}
	foot, room := footing(meta, opt, width, y)
	return &Figure{w: width, h: y + room + margin, draw: func(p *pen) {
		p.paragraph(margin, head)
		keys.draw(p, margin, keysY)
		drawBars(p, laid, area, row)
		p.text(area.x+area.w/2, area.y+area.h+axisHeight-4, 0.5, plain.short(b.XName, width-2*margin), plain)
		p.paragraph(margin, foot)
	}}, nil
}

func drawBars(p *pen, b layout.Bars, r rect, row float64) {
	px := func(x float64) float64 { return r.x + r.w*(x-b.X0)/(b.X1-b.X0) }
	bottom := r.y + r.h
	for _, t := range layout.Ticks(b.X0, b.X1, max(2, int(r.w/34))) {
		p.line(px(t), bottom, px(t), bottom+2.5, 0.5, black)
		p.text(px(t), bottom+4+tick.height(), 0.5, layout.TickText(t), tick)
	}
	p.line(r.x, bottom, r.x+r.w, bottom, 0.5, black)
	if b.Zero && !b.Waterfall {
		p.line(px(0), r.y, px(0), bottom, 0.5, black)
	}
	for i, bar := range b.Shown {
		top := r.y + float64(i)*row
		middle := top + row/2
		p.text(r.x-4, middle+label.height()/2, 1, label.short(bar.Name, r.x-4-margin), label)
		for _, piece := range bar.Pieces {
			from, to := px(math.Min(piece.From, piece.To)), px(math.Max(piece.From, piece.To))
			p.fill(rect{from, top + 1.5, max(to-from, 0.4), row - 3}, piece.Color)
		}
		if b.Waterfall && i+1 < len(b.Shown) {
			p.line(px(bar.End), top+1.5, px(bar.End), top+row+row-1.5, 0.4, grey)
		}
		if !math.IsNaN(bar.Low) {
			p.line(px(bar.Low), middle, px(bar.High), middle, 0.7, black)
			for _, x := range []float64{bar.Low, bar.High} {
				p.line(px(x), middle-1.8, px(x), middle+1.8, 0.7, black)
			}
		}
		p.text(r.x+r.w+5, middle+tick.height()/2, 0, bar.Text, tick)
	}
}
