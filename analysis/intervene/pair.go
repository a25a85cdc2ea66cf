package intervene

import (
	"fmt"

	"github.com/seed-516990b0/golxmert/analysis/patch"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// pairs says whether an activation of one run can stand for that of another, row by row. Each of the batches has a text and an
// image of its own for every row.
func pairs(a lxmert.Activation, b, from *lxmert.Batch) error {
	if b.Rows() != from.Rows() {
		return fmt.Errorf("%w: one is about %d pictures, the other about %d", patch.ErrPair, b.Rows(), from.Rows())
	}
	for row := range b.Rows() {
		for _, axis := range a.Axes {
			var err error
			switch axis {
			case lxmert.AxisWord:
				err = patch.WordsPair(b, from, row)
			case lxmert.AxisRegion:
				err = patch.RegionsPair(b, from, row)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
