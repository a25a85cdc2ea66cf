package report

import (
	"fmt"
	"html/template"
	"math"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/layout"
)

// newBars draws lengths by name.
func newBars(result analysis.Bars) *chart {
	b := layout.NewBars(result, len(result.Bars))
	const row, w, top = 22.0, 460.0, 8.0
	names, numbers := 0.0, 0.0
	for _, bar := range b.Shown {
		names, numbers = max(names, textWidth(shortened(bar.Name, 40))), max(numbers, textWidth(bar.Text))
	}
	left := names + 14
	bottom := top + row*float64(len(b.Shown))
	s := &svg{w: left + w + numbers + 16, h: bottom + 46}
	px := func(x float64) float64 { return left + w*(x-b.X0)/(b.X1-b.X0) }
	for _, t := range layout.Ticks(b.X0, b.X1, 8) {
		s.add(`<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="currentColor" stroke-opacity="0.15"/>`, px(t), px(t), top, bottom)
		s.text(px(t), bottom+17, "middle", "", layout.TickText(t))
	}
	s.add(`<path d="M%.1f,%.1fH%.1f" fill="none" stroke="currentColor"/>`, left, bottom, left+w)
	if b.Zero && !b.Waterfall {
		s.add(`<path d="M%.1f,%.1fV%.1f" fill="none" stroke="currentColor"/>`, px(0), top, bottom)
	}
	for i, bar := range b.Shown {
		y := top + row*float64(i)
		s.text(left-8, y+row/2+4, "end", "", shortened(bar.Name, 40))
		for _, p := range bar.Pieces {
			from, to := px(math.Min(p.From, p.To)), px(math.Max(p.From, p.To))
			title := bar.Name
			if p.Name != "" {
				title += ", " + p.Name
			}
			s.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"><title>%s</title></rect>`, from, y+3, math.Max(to-from, 0.6), row-6, css(p.Color),
				template.HTMLEscapeString(title+": "+layout.Number(p.To-p.From)))
		}
		if b.Waterfall && i+1 < len(b.Shown) {
			s.add(`<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="currentColor" stroke-opacity="0.5"/>`, px(bar.End), px(bar.End), y+3, y+2*row-3)
		}
		if !math.IsNaN(bar.Low) {
			m := y + row/2
			s.add(`<path d="M%.1f,%.1fH%.1fM%.1f,%.1fv6M%.1f,%.1fv6" stroke="currentColor" fill="none"/>`, px(bar.Low), m, px(bar.High), px(bar.Low), m-3, px(bar.High), m-3)
		}
		s.text(left+w+8, y+row/2+4, "start", "", bar.Text)
	}
	s.text(left+w/2, bottom+36, "middle", `font-size="12"`, b.XName)
	return &chart{SVG: s.html(fmt.Sprintf("%s: %d bars", headline(b.Meta), len(b.Shown))) + keys(b.Keys), Facts: layout.Facts(b.Meta)}
}
