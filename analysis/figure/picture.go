package figure

import (
	"image"
	"math"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/internal/picture"
	"github.com/seed-516990b0/golxmert/analysis/layout"
)

// maxPictureSide is the longest side of a picture inside of a figure, in pixels: 300 dots per inch at the width of a column.
const maxPictureSide = 980

// Picture draws the picture with its regions: the most relevant ones in colour, wide and labelled with number and
// detector's label, the others as grey hairlines. Boxes are clipped to the picture.
func Picture(s analysis.Scores, opt Options) (*Figure, error) {
	s.Words = nil
	return Explanation(s, opt)
}

// loadPicture returns the picture a little greyer, so that the boxes' colours are not those of the picture.
func loadPicture(s analysis.Scores) (image.Image, error) {
	m, err := picture.Load(s.Image, maxPictureSide)
	if err != nil {
		return nil, err
	}
	picture.Desaturate(m, 0.3)
	return m, nil
}

// boxOn is the part of the picture that a box [x0 y0 x1 y1] covers; y counts down in boxes and in pens alike.
func boxOn(r rect, box [4]float64) rect {
	in := func(v float64) float64 {
		if !(v > 0) { // not a number is 0
			return 0
		}
		return math.Min(v, 1)
	}
	x0, y0, x1, y1 := in(box[0]), in(box[1]), in(box[2]), in(box[3])
	return rect{r.x + min(x0, x1)*r.w, r.y + min(y0, y1)*r.h, math.Abs(x1-x0) * r.w, math.Abs(y1-y0) * r.h}
}

// drawPicture draws picture, boxes and plates into r.
func drawPicture(p *pen, r rect, s layout.Scores, m image.Image) {
	p.image(r, m)
	p.stroke(r, 0.4, paleGrey)
	for j := range s.Boxes {
		if !s.There(j) {
			continue
		}
		box := boxOn(r, s.Boxes[j])
		p.stroke(box, 0.8, layout.Faded(white, 0.35)) // seen on any picture, and seen through
		p.stroke(box, 0.4, layout.Faded(grey, 0.6))
	}
	if len(s.Top) == 0 {
		return
	}
	c, most := s.RegionColors, math.Abs(s.Regions[s.Top[0]])
	// Wide lines are relevant ones. They are opaque: their colour must be found in the colour bar.
	width := func(j int) float64 { return 1 + 3*math.Abs(s.Regions[j])/most }
	for _, j := range slices.Backward(s.Top) { // the most relevant last, on top
		w := width(j)
		box, fill := boxOn(r, s.Boxes[j]).inset(-w/2), c.At(s.Regions[j])
		p.stroke(box, w, fill)
		for _, edge := range []float64{-w/2 - 0.2, w/2 + 0.2} { // seen on any picture
			p.stroke(box.inset(edge), 0.4, layout.Legible(fill))
		}
	}
	if !s.Marks || len(s.Top) <= mostMarked {
		drawPlates(p, r, s, width)
	}
}

// mostMarked is how many marked regions are labelled; the labels of more would hide the picture.
const mostMarked = 8

// drawPlates puts a label at each of the named regions, where it covers least of the others' labels and lines: its number,
// and what the detector calls it.
func drawPlates(p *pen, r rect, s layout.Scores, width func(j int) float64) {
	outer := map[int]rect{}
	for _, j := range s.Top {
		outer[j] = boxOn(r, s.Boxes[j]).inset(-width(j) - 0.6)
	}
	var plates []rect
	for _, j := range s.Top {
		text := label.short(s.Label(j, s.Names[j]), r.w*0.6)
		var lines, hair []rect
		for i, box := range s.Boxes {
			switch _, labelled := outer[i]; {
			case i == j:
			case labelled:
				lines = append(lines, ring(outer[i], width(i)+1.2)...)
			default:
				hair = append(hair, ring(boxOn(r, box), 0.8)...)
			}
		}
		var within []rect
		for _, box := range outer {
			within = append(within, box)
		}
		plate := place(r, outer[j], label.width(text)+4, label.size+2.5, []weighed{{plates, 20}, {lines, 4}, {ring(outer[j], width(j)), 1}, {hair, 0.3}, {within, 0.05}})
		plates = append(plates, plate)
		fill := s.RegionColors.At(s.Regions[j])
		k := label
		k.color = layout.Legible(fill)
		p.fill(plate, fill)
		p.stroke(plate, 0.4, layout.Faded(layout.Legible(fill), 0.8))
		p.text(plate.x+2, plate.y+plate.h/2+label.height()/2, 0, text, k)
	}
}

// ring is the four sides of a box, lines of this width within it.
func ring(b rect, width float64) []rect {
	return []rect{
		{b.x, b.y, b.w, width}, {b.x, b.y + b.h - width, b.w, width},
		{b.x, b.y, width, b.h}, {b.x + b.w - width, b.y, width, b.h},
	}
}

// weighed are places to avoid, and how much each square point of them costs.
type weighed struct {
	rects  []rect
	weight float64
}

// place is where a plate of this size goes: along the sides of its box, inside of the picture, covering as little as can be
// of what is avoided. Above the box is best, then below, within, and beside it.
func place(r, box rect, w, h float64, avoided []weighed) rect {
	best, least := rect{}, math.Inf(1)
	try := func(x, y, cost float64) {
		plate := rect{min(max(x, r.x), max(r.x, r.x+r.w-w)), min(max(y, r.y), max(r.y, r.y+r.h-h)), w, h}
		cost += math.Abs(plate.x-x) + math.Abs(plate.y-y)
		for _, a := range avoided {
			for _, t := range a.rects {
				cost += a.weight * plate.overlap(t)
			}
		}
		if cost < least-1e-9 {
			best, least = plate, cost
		}
	}
	const step = 4.0
	right, bottom := box.x+box.w, box.y+box.h
	for k, y := range []float64{box.y - h, bottom, box.y - h - 5, bottom + 5, box.y, bottom - h} {
		for x := box.x - w/2; x <= right-w/2; x += step {
			try(x, y, float64(3*k)+0.1*min(math.Abs(x-box.x), math.Abs(x+w-right)+5))
		}
		try(box.x, y, float64(3*k))
		try(right-w, y, float64(3*k)+0.5)
	}
	for k, x := range []float64{right, box.x - w} {
		for y := box.y; y <= bottom-h; y += step {
			try(x, y, 12+float64(k)+0.1*(y-box.y))
		}
	}
	return best
}
