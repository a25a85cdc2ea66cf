package attention

import (
	"context"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// JointProducts are those of [JointMatrix] with padding, which goldens have too.
func JointProducts(ctx context.Context, eng lxmert.Engine, b *lxmert.Batch) ([][][]float64, error) {
	products, _, err := jointProducts(ctx, eng, b)
	var out [][][]float64
	for _, p := range products {
		out = append(out, rowsOf(p))
	}
	return out, err
}
