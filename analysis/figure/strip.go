package figure

import (
	"cmp"
	"math"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/layout"
)

// WordStrip draws the sentence: each word on the colour of its number, with a bar under it; the largest are written out.
// [CLS] and [SEP] are grey and stand outside of the scale.
func WordStrip(s analysis.Scores, opt Options) (*Figure, error) {
	s.Regions, s.Boxes = nil, nil
	return Explanation(s, opt)
}

// Sizes of a word strip, points.
const (
	cellHeight = 13.0 // of a word
	barHeight  = 14.0 // of the largest bar
	cellGap    = 1.5
	lineHeight = cellHeight + barHeight + 13
)

// strip is a sentence broken into lines.
type strip struct {
	s     layout.Scores
	cells []rect // x, and y of the line's top
	named map[int]bool
	h     float64
}

var (
	wordInk  = plain
	valueInk = ink{size: 8, color: black}
)

// layStrip breaks the words into lines of this width; named of them get their number written.
func layStrip(s layout.Scores, width float64, named int) strip {
	words, line := s.Shown, lineHeight
	if s.Marks {
		line, named = cellHeight+2*cellGap, 0
	}
	st := strip{s: s, named: map[int]bool{}}
	x, y := 0.0, 0.0
	for _, w := range words {
		cell := max(wordInk.width(wordInk.short(w.Label, width-6)), valueInk.width("−0.00")) + 5
		if x > 0 && x+cell > width {
			x, y = 0, y+line
		}
		st.cells = append(st.cells, rect{x, y, cell, cellHeight})
		x += cell + cellGap
	}
	st.h = y + line
	var order []int
	for i, w := range words {
		if !w.Special && !math.IsNaN(w.Value) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int {
		return cmp.Compare(math.Abs(words[j].Value), math.Abs(words[i].Value))
	})
	for _, i := range order[:min(named, len(order))] {
		st.named[i] = words[i].Value != 0
	}
	return st
}

// spread widens the words of a strip of one line until it fills the width, unless they would be twice as wide.
func (st strip) spread(width float64) {
	last := st.cells[len(st.cells)-1]
	gaps := cellGap * float64(len(st.cells)-1)
	factor := (width - gaps) / (last.x + last.w - gaps)
	if last.y > 0 || factor > 2 {
		return
	}
	x := 0.0
	for i := range st.cells {
		st.cells[i].x, st.cells[i].w = x, st.cells[i].w*factor
		x += st.cells[i].w + cellGap
	}
}

// draw draws the strip with its top left corner at x, y.
func (st strip) draw(p *pen, x, y float64) {
	for i, w := range st.s.Shown {
		cell := st.cells[i]
		cell.x, cell.y = cell.x+x, cell.y+y
		k := wordInk
		text := k.short(w.Label, cell.w-4)
		base := cell.y + cell.h/2 + k.height()/2
		if w.Special || math.IsNaN(w.Value) {
			k.color = grey
			p.fill(cell, pale)
			p.text(cell.x+cell.w/2, base, 0.5, text, k)
			continue
		}
		fill := st.s.WordColors.At(w.Value)
		k.color = layout.Legible(fill)
		p.fill(cell, fill)
		p.stroke(cell, 0.3, paleGrey)
		p.text(cell.x+cell.w/2, base, 0.5, text, k)
		if st.s.Marks {
			continue
		}
		bar := 0.0
		if most := st.s.WordColors.High; most > 0 {
			bar = math.Min(1, math.Abs(w.Value)/most) * barHeight
		}
		top := cell.y + cell.h + 1.5
		p.fill(rect{cell.x + 0.2*cell.w, top, 0.6 * cell.w, bar}, layout.Darker(fill))
		if st.named[i] {
			p.text(cell.x+cell.w/2, top+bar+valueInk.height()+1.5, 0.5, st.s.WordText(w.Value), valueInk)
		}
	}
}
