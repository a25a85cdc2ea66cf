package sweep

import (
	"math"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// place notes where the words and regions of an example are, whose rows of a batch begin with first.
func (e *Example) place(b *lxmert.Batch, first, rows int) {
	text, _ := b.Pair(first)
	if b.Words != nil {
		w := b.Words[text]
		for _, i := range analysis.InnerWords(b, first) {
			if i >= len(w.Start) || i >= len(w.End) {
				e.Spans = nil
				break
			}
			e.Spans = append(e.Spans, w.Start[i], w.End[i])
		}
	}
	for row := first; row < first+rows; row++ {
		_, image := b.Pair(row)
		p := Placed{Boxes: []byte{}}
		var info lxmert.ImageInfo
		if image < len(b.Images) {
			info = b.Images[image]
		}
		p.Width, p.Height = info.Width, info.Height
		boxes := b.Boxes.Row(image).Data
		for _, v := range analysis.PresentRegions(b, row) {
			for _, x := range boxes[4*v : 4*v+4] {
				p.Boxes = append(p.Boxes, byte(math.Round(255*float64(min(max(x, 0), 1)))))
			}
			if v < len(info.Objects) {
				p.Objects = append(p.Objects, info.Objects[v])
			}
		}
		e.Pictures = append(e.Pictures, p)
	}
}
