package patch

import (
	"fmt"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// WordsPair says whether the words of a row of two batches stand in the same places, so that they pair one by one. An error wraps
// [ErrPair].
func WordsPair(clean, corrupted *lxmert.Batch, row int) error {
	a, b := analysis.ValidWords(clean, row), analysis.ValidWords(corrupted, row)
	if len(a) == len(b) && !slices.Equal(a, b) {
		return fmt.Errorf("%w: row %d has its padding at other positions in one input than in the other", ErrPair, row)
	}
	if n, m := count(a), count(b); n != m {
		return fmt.Errorf("%w: row %d has %d word pieces in one input and %d in the other: words pair one by one, so replace a word by one of as many pieces", ErrPair, row, n, m)
	}
	return nil
}

// RegionsPair says whether the regions of a row of two batches are the same things. Regions are in no order, so those of equal
// numbers pair only if all have the same boxes in both pictures, or if one region of the picture was replaced. An error wraps
// [ErrPair].
func RegionsPair(clean, corrupted *lxmert.Batch, row int) error {
	valid, other := analysis.ValidRegions(clean, row), analysis.ValidRegions(corrupted, row)
	if n, m := len(valid), len(other); n != m {
		return fmt.Errorf("%w: %d regions in one input and %d in the other: regions pair by their numbers", ErrPair, n, m)
	}
	if !slices.Equal(valid, other) {
		return fmt.Errorf("%w: row %d has other regions masked in one input than in the other", ErrPair, row)
	}
	moved, changed := 0, 0
	for v, there := range valid {
		if !there {
			continue
		}
		sameBox := slices.Equal(numbers(clean, clean.Boxes, row, v), numbers(corrupted, corrupted.Boxes, row, v))
		if !sameBox {
			moved++
		}
		if !sameBox || !slices.Equal(numbers(clean, clean.Feats, row, v), numbers(corrupted, corrupted.Feats, row, v)) {
			changed++
		}
	}
	if moved > 0 && changed > 1 {
		return fmt.Errorf("%w: %d of %d regions of row %d are other ones, in other places: regions are in no order, so region 7 of one picture is not region 7 of the other; "+
			"take the same picture with one region replaced, or pair what the pictures have in common (patch.NewMatchedPair)", ErrPair, changed, count(valid), row)
	}
	return nil
}

// numbers are those of one region of a row.
func numbers(b *lxmert.Batch, t lxmert.Tensor, row, region int) []float32 {
	_, image := b.Pair(row)
	return t.Row(image).Row(region).Data
}

func count(there []bool) int {
	n := 0
	for _, ok := range there {
		if ok {
			n++
		}
	}
	return n
}
