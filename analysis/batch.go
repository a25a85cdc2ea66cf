package analysis

import (
	"slices"
	"strconv"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// Separate returns the batch with one text and one image of its own for every row. Gradients of the sum over rows are
// then those of each row alone, even where the batch shares texts and images between rows. A batch without Pairs is
// returned as it is.
func Separate(b *lxmert.Batch) *lxmert.Batch {
	if b.Pairs == nil {
		return b
	}
	rows := make([]int, len(b.Pairs))
	for n := range rows {
		rows[n] = n
	}
	return b.Part(rows...)
}

// ValidWords says of each position of a row's text whether it is a word: [T of that text]. A position whose mask is
// neither 0 nor 1 counts as one.
func ValidWords(b *lxmert.Batch, row int) []bool {
	text, _ := b.Pair(row)
	valid := make([]bool, len(b.IDs[text]))
	for t := range valid {
		valid[t] = b.TextMask == nil || b.TextMask[text][t] > 0
	}
	return valid
}

// ValidRegions says of each region of a row's image whether it is there: [V].
func ValidRegions(b *lxmert.Batch, row int) []bool {
	_, image := b.Pair(row)
	valid := make([]bool, b.V())
	for v := range valid {
		valid[v] = b.RegionMask == nil || b.RegionMask[image][v] > 0
	}
	return valid
}

// PresentRegions lists the regions of a row's image that are there, ascending.
func PresentRegions(b *lxmert.Batch, row int) []int { return Present(ValidRegions(b, row)) }

// Present lists the positions that are there, ascending, of what says so of each, see [ValidWords] and [ValidRegions].
func Present(valid []bool) []int {
	var present []int
	for i, there := range valid {
		if there {
			present = append(present, i)
		}
	}
	return present
}

// InnerWords lists the positions of a row's words without [CLS], its first, and [SEP], its last valid one.
func InnerWords(b *lxmert.Batch, row int) []int {
	inner := Present(ValidWords(b, row))
	if len(inner) < 3 {
		return nil
	}
	return inner[1 : len(inner)-1]
}

// WordAxis names the words of a row, by their pieces, as one side of a [Matrix]; padding at the end is left out.
func WordAxis(b *lxmert.Batch, row int) Axis {
	text, _ := b.Pair(row)
	axis := Axis{Name: "word"}
	for t := range lastTrue(ValidWords(b, row)) {
		name := strconv.Itoa(t)
		if b.Words != nil && t < len(b.Words[text].Pieces) {
			name = b.Words[text].Pieces[t]
		}
		axis.Labels = append(axis.Labels, name)
	}
	return axis
}

// RegionAxis names the regions of a row, by number and the detector's object, as one side of a [Matrix]; masked ones at
// the end are left out.
func RegionAxis(b *lxmert.Batch, row int) Axis {
	_, image := b.Pair(row)
	axis := Axis{Name: "region"}
	for v := range lastTrue(ValidRegions(b, row)) {
		name := strconv.Itoa(v)
		if b.Images != nil && v < len(b.Images[image].Objects) && b.Images[image].Objects[v] != "" {
			name += " " + b.Images[image].Objects[v]
		}
		axis.Labels = append(axis.Labels, name)
	}
	return axis
}

// lastTrue is how many entries there are up to the last that is true.
func lastTrue(valid []bool) int {
	n := len(valid)
	for n > 0 && !valid[n-1] {
		n--
	}
	return n
}

// NewScores returns the result of one row of a batch, with everything that the batch knows about it. Words and regions
// are cut to the row's own numbers of them.
func NewScores(m Meta, b *lxmert.Batch, row int, words, regions []float64) Scores {
	text, image := b.Pair(row)
	s := Scores{Meta: m, Words: words, Regions: regions}
	s.N = 1
	if words != nil {
		s.Words = words[:len(b.IDs[text])]
		if inner := InnerWords(b, row); len(inner) != max(0, len(s.Words)-2) {
			s.InnerWords = inner
			if inner == nil {
				s.InnerWords = []int{}
			}
		}
	}
	if regions != nil {
		if valid := ValidRegions(b, row); slices.Contains(valid, false) {
			s.ValidRegions = []int{}
			for v, there := range valid {
				if there {
					s.ValidRegions = append(s.ValidRegions, v)
				}
			}
		}
	}
	if b.Words != nil {
		s.Text = b.Words[text]
	}
	if b.Images != nil {
		s.Image = b.Images[image]
		s.Features = s.Image.Source
	}
	boxes := b.Boxes.Row(image)
	for v := range b.V() {
		var box [4]float64
		for i, x := range boxes.Row(v).Data[:min(4, boxes.Shape[1])] {
			box[i] = float64(x)
		}
		s.Boxes = append(s.Boxes, box)
	}
	return s
}
