package figure

import (
	"gonum.org/v1/plot/vg"

	"github.com/seed-516990b0/golxmert/analysis/layout"
)

// dashes of a dashed line, points.
var dashes = []vg.Length{3, 2}

// lineOf begins a line of this look.
func (p *pen) lineOf(l layout.Look, width float64) {
	p.style(width, l.Color)
	if l.Dashed {
		p.page.SetLineDash(dashes, 0)
	}
}

// mark draws the shape of a series' points, on white so that lines behind it do not blur its outline.
func (p *pen) mark(x, y float64, l layout.Look) {
	outline := l.Marker.Outline(1.9)
	for i, at := range outline {
		outline[i] = [2]float64{x + at[0], y + at[1]}
	}
	switch l.Marker {
	case layout.NoMarker:
	case layout.Cross:
		for _, stroke := range [][][2]float64{outline[:2], outline[2:]} {
			p.line(stroke[0][0], stroke[0][1], stroke[1][0], stroke[1][1], 1, l.Color)
		}
	default:
		path := p.path(outline...)
		path.Close()
		p.page.SetColor(l.Color)
		p.page.Fill(path)
	}
}
