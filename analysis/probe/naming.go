package probe

import (
	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Naming is a word that names the object of exactly one region of its picture, as the detector calls it.
type Naming struct {
	Word      string // in lower case
	Positions []int  // of its pieces
	Region    int
}

// Namings are those of a row, in the order of the sentence.
func Namings(b *lxmert.Batch, row int) []Naming {
	_, about := pictureOf(b, row, 0)
	valid := analysis.ValidRegions(b, row)
	var out []Naming
	for _, w := range wordsOf(b, row) {
		about.Word = w.text
		if regions := named(about); len(regions) == 1 && regions[0] < len(valid) && valid[regions[0]] {
			out = append(out, Naming{w.text, w.pieces, regions[0]})
		}
	}
	return out
}
