package sweep

import (
	"context"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/probe"
)

// fusion asks how far words and regions can be told apart at each place; see probe.FusionDegrees.
func fusion() measuring {
	return measuring{
		name: "fusion", about: "how well words and regions can be told apart, place by place (VALUE's fusion degree)", group: knows,
		begin: func(_ context.Context, r *runner) (measurer, error) {
			names, _ := probe.FusionPlaces(r.eng.Config())
			return func(ctx context.Context, a *asked) ([]numbers, error) {
				degrees, _, err := probe.FusionDegrees(ctx, r.eng, a.Batch, r.opt.Seed, a.index[0]*r.settings.Rows)
				if err != nil {
					return nil, err
				}
				out := make([]numbers, len(names))
				for place, name := range names {
					var rows []float64
					for _, row := range degrees {
						rows = append(rows, row[place])
					}
					out[place] = each(name, "NMI", perExample(rows, r.settings.Rows))
				}
				return out, nil
			}, nil
		},
		draw: func(c *collector, found *means, s *Summary) error {
			curve := probe.FusionCurve(c.meta(""), *c.settings.Config, func(place int) (mean, low, high float64) {
				mean, low, high, _ = found.interval(found.names[place])
				return mean, low, high
			})
			s.Tables = append(s.Tables, Named[analysis.Table]{"fusion-table", found.table(curve.Method, "place", found.names)})
			s.Curves = append(s.Curves, Named[analysis.Curve]{"fusion", curve})
			return nil
		},
	}
}
