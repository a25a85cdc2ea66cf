package report

import "unicode/utf8"

// plates finds places for labels: at a corner of their box, within the picture, not on each other.
type plates struct {
	width, height float64
	taken         [][4]float64
}

const (
	plateHeight = 20.0
	letterWidth = 7.6 // on average, of the labels' font
)

func newPlates(width, height float64) *plates { return &plates{width: width, height: height} }

// place returns the corner and the width of a label's plate. Above the box is best, then inside it, then below; of those
// that all lie on another label, the one that covers least.
func (p *plates) place(x, y, w, h float64, label string) (px, py, pw float64) {
	pw = min(12+letterWidth*float64(utf8.RuneCountInString(label)), p.width)
	least := -1.0
	var best [4]float64
	for _, c := range [][2]float64{
		{x, y - plateHeight}, {x, y}, {x, y + h}, {x + w - pw, y - plateHeight}, {x + w - pw, y}, {x + w - pw, y + h},
		{x, y + h - plateHeight}, {x + w - pw, y + h - plateHeight}, {x + w, y}, {x - pw, y}, {x, y - 2*plateHeight}, {x, y + h + plateHeight},
	} {
		cx, cy := min(max(c[0], 0), p.width-pw), min(max(c[1], 0), max(p.height-plateHeight, 0))
		at := [4]float64{cx, cy, cx + pw, cy + plateHeight}
		covered := 0.0
		for _, t := range p.taken {
			covered += max(min(at[2], t[2])-max(at[0], t[0]), 0) * max(min(at[3], t[3])-max(at[1], t[1]), 0)
		}
		if least < 0 || covered < least {
			least, best = covered, at
		}
	}
	p.taken = append(p.taken, best)
	return best[0], best[1], pw
}
