package sweep

import (
	"context"
	"math"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/modality"
)

// The numbers of an example's word by region interactions.
const (
	synergy     = "synergy: sum of what is above 0"
	redundancy  = "redundancy: sum of what is below 0"
	interacting = "sum over all pairs"
	largestPair = "largest pair, absolute"
)

// interactions adds up what words and regions are worth together; see modality.Interactions.
func interactions() measuring {
	return measuring{
		name: "interactions", about: "what words and regions are worth together beyond what each is alone (Shapley interactions)", group: looksAt,
		begin: func(_ context.Context, r *runner) (measurer, error) {
			return func(ctx context.Context, a *asked) ([]numbers, error) {
				rows := r.withBoth(a)
				if len(rows) == 0 {
					return nil, nil
				}
				found, err := modality.Interactions(ctx, r.eng, a.Part(rows...), r.opt.Target, modality.ShapleyOptions{
					Exact: mostExact, Orders: 4, Seed: r.opt.Seed, First: a.index[0],
				})
				if err != nil {
					return nil, err
				}
				var all [4]rounded
				for i := range all {
					all[i] = nans(a.Rows())
				}
				for k, m := range found {
					above, below, most := 0.0, 0.0, 0.0
					for _, row := range m.Panels[0].Values {
						for _, x := range row {
							if math.IsNaN(x) { // a pair that was not met
								continue
							}
							above, below, most = above+max(0, x), below+min(0, x), max(most, math.Abs(x))
						}
					}
					for i, x := range [4]float64{above, below, above + below, most} {
						all[i][rows[k]] = x
					}
				}
				var out []numbers
				for i, name := range []string{synergy, redundancy, interacting, largestPair} {
					out = append(out, each(name, found[0].Unit, perExample(all[i], r.settings.Rows)))
				}
				return out, nil
			}, nil
		},
		draw: func(c *collector, found *means, s *Summary) error {
			t := found.table("Shapley interactions of words and regions", "of each example", found.names)
			t.Notes = append(t.Notes, "Of a model that adds up what words and regions say, all are 0.")
			s.Tables = append(s.Tables, Named[analysis.Table]{"interactions", t})
			return nil
		},
	}
}

// withBoth are the rows of the questions that have words, and regions in each of their pictures.
func (r *runner) withBoth(a *asked) (rows []int) {
	for i := range a.index {
		var own []int
		for row := i * r.settings.Rows; row < (i+1)*r.settings.Rows; row++ {
			if len(analysis.InnerWords(a.Batch, row)) > 0 && len(analysis.PresentRegions(a.Batch, row)) > 0 {
				own = append(own, row)
			}
		}
		if len(own) == r.settings.Rows {
			rows = append(rows, own...)
		}
	}
	return rows
}
