package figure

import "github.com/seed-516990b0/golxmert/analysis/layout"

// legend is the keys of a graph's lines, broken into lines of text above it. A key of a family has a piece of each of its
// lines.
type legend struct {
	keys []key
	h    float64
}

type key struct {
	layout.Key
	x, y float64
}

const (
	keyLength = 16.0 // of the piece of line in a legend, points
	keyGap    = 9.0
)

func layLegend(keys []layout.Key, width float64) legend {
	var l legend
	x := 0.0
	for _, k := range keys {
		pieces := max(len(k.Looks), 1)
		room := float64(pieces)*(keyLength+2) + 1
		k.Text = label.short(k.Text, width-room)
		w := room + label.width(k.Text)
		if x > 0 && x+w > width {
			x, l.h = 0, l.h+label.leading()+1
		}
		l.keys = append(l.keys, key{k, x, l.h})
		x += w + keyGap
	}
	if len(l.keys) > 0 {
		l.h += label.leading() + 1
	}
	return l
}

func (l legend) draw(p *pen, x, y float64) {
	for _, k := range l.keys {
		x, y := x+k.x, y+k.y
		middle := y + label.leading()/2
		if k.Level {
			p.dotted(x, middle, x+keyLength, middle)
			x += keyLength + 2
		}
		for _, look := range k.Looks {
			switch {
			case k.Block:
				p.fill(rect{x, middle - 3, keyLength, 6}, look.Color)
			case look.Area:
				p.fill(rect{x, middle - 3, keyLength, 6}, layout.Faded(look.Color, areaAlpha))
			case !k.Points:
				p.lineOf(look, 1.1)
				p.page.Stroke(p.path([2]float64{x, middle}, [2]float64{x + keyLength, middle}))
				p.page.SetLineDash(nil, 0)
			}
			p.mark(x+keyLength/2, middle, look)
			x += keyLength + 2
		}
		p.text(x+1, middle+label.height()/2, 0, k.Text, label)
	}
}
