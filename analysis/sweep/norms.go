package sweep

import (
	"context"
	"fmt"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/modality"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// norms says how long what attention carries across is; see modality.CrossNorms.
func norms() measuring {
	name := func(series string, layer int) string { return fmt.Sprintf("%s, cross layer %d", series, layer) }
	return measuring{
		name: "norms", about: "how long what cross-attention brings is, beside what is there already", group: looksAt,
		begin: func(_ context.Context, r *runner) (measurer, error) {
			return func(ctx context.Context, a *asked) ([]numbers, error) {
				values, _, err := modality.CrossNormsOf(ctx, r.eng, a.Batch)
				if err != nil {
					return nil, err
				}
				var out []numbers
				for i, series := range modality.CrossNormNames() {
					for layer, rows := range values[i] {
						out = append(out, each(name(series, layer), "", perExample(rows, r.settings.Rows)))
					}
				}
				return out, nil
			}, nil
		},
		draw: func(c *collector, found *means, s *Summary) error {
			curve := modality.CrossNormCurve(c.measured(found), *c.settings.Config, func(series, layer int) (mean, low, high float64) {
				mean, low, high, _ = found.interval(name(modality.CrossNormNames()[series], layer))
				return mean, low, high
			})
			s.Curves = append(s.Curves, Named[analysis.Curve]{"norms", curve})
			s.Tables = append(s.Tables, Named[analysis.Table]{"norms-table", found.table(curve.Method, "of", found.names)})
			return nil
		},
	}
}

// The statistics of [ValueNorms].
const (
	valueNormName    = "value norm"
	valueSpecialName = "special tokens by value norm"
)

// measureValueNorms adds the norms of what heads hand on; see modality.ValueNorms.
func (r *runner) measureValueNorms(ctx context.Context, b *lxmert.Batch, sums map[string]*headSums) error {
	maps, heads := r.settings.Maps, r.settings.Heads
	if r.valueNorms == nil {
		var err error
		if r.valueNorms, err = modality.NewValueNorms(ctx, r.eng, b, maps...); err != nil {
			return err
		}
	}
	found, err := r.valueNorms.Of(ctx, b)
	if err != nil {
		return err
	}
	sums[valueNormName], sums[valueSpecialName] = newHeadSums(len(maps), heads+1), newHeadSums(len(maps), heads+1)
	for m := range maps {
		for _, row := range found[m] {
			norm, special := make([]float64, heads), make([]float64, heads)
			for h, x := range row {
				norm[h], special[h] = x.Norm, x.Special
			}
			sums[valueNormName].add(m, norm)
			sums[valueSpecialName].add(m, special)
		}
	}
	return nil
}
