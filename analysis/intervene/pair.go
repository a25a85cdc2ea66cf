package intervene

import (
	"errors"
	"fmt"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// ErrPair is wrapped by every error that says that activations of two runs do not belong together.
var ErrPair = errors.New("the two runs do not pair")

// pairs says whether an activation of one run can stand for that of another, row by row. Each of the batches has a text and an
// image of its own for every row.
func pairs(a lxmert.Activation, b, from *lxmert.Batch) error {
	if b.Rows() != from.Rows() {
		return fmt.Errorf("%w: one has %d rows, the other %d", ErrPair, b.Rows(), from.Rows())
	}
	for row := range b.Rows() {
		for _, axis := range a.Axes {
			var err error
			switch axis {
			case lxmert.AxisWord:
				err = wordsPair(b, from, row)
			case lxmert.AxisRegion:
				err = regionsPair(b, from, row)
			}
			if err != nil {
				return fmt.Errorf("%w: %w", ErrPair, err)
			}
		}
	}
	return nil
}

// wordsPair says whether the words of two texts stand in the same places.
func wordsPair(b, other *lxmert.Batch, row int) error {
	n, m := len(there(analysis.ValidWords(b, row))), len(there(analysis.ValidWords(other, row)))
	if n != m {
		return fmt.Errorf("the texts have %d and %d word pieces, with [CLS] and [SEP]: words pair by their places, so replace some by others of as many pieces", n, m)
	}
	return nil
}

// regionsPair says whether the regions of two pictures are the same things: a list of regions is in no order, so those of equal
// numbers belong together only if they have the same boxes, or if one region of the same picture was replaced.
func regionsPair(b, other *lxmert.Batch, row int) error {
	valid := analysis.ValidRegions(b, row)
	if !slices.Equal(valid, analysis.ValidRegions(other, row)) {
		return fmt.Errorf("the pictures have %d and %d regions", len(there(valid)), len(there(analysis.ValidRegions(other, row))))
	}
	boxes, regions := 0, 0
	for _, v := range there(valid) {
		sameBox := slices.Equal(b.Boxes.Row(row).Row(v).Data, other.Boxes.Row(row).Row(v).Data)
		if !sameBox {
			boxes++
		}
		if !sameBox || !slices.Equal(b.Feats.Row(row).Row(v).Data, other.Feats.Row(row).Row(v).Data) {
			regions++
		}
	}
	if boxes > 0 && regions > 1 {
		return fmt.Errorf("%d of %d regions are other ones, in other places: regions are in no order, so region 7 of one picture is not region 7 of the other; "+
			"take the same picture with one region replaced", regions, len(there(valid)))
	}
	return nil
}
