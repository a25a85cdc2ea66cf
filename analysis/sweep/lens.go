package sweep

import (
	"context"
	"fmt"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/lens"
	"github.com/seed-516990b0/golxmert/analysis/lens/tune"
)

// What the lens says of a level.
const (
	lensProbability = "probability of the target"
	lensRight       = "how often it is the first"
	lensDivergence  = "divergence from the last level"
)

// lenses reads the target at every level, through the plain lens and through one that is tuned on the sample.
func lenses() measuring {
	name := func(view, what, level string) string { return fmt.Sprintf("%s, %s at %s", view, what, level) }
	return measuring{
		name: "lens", about: "what the head says of each level: logit lens, and a lens tuned on the sample", group: knows, fits: true,
		begin: func(ctx context.Context, r *runner) (measurer, error) {
			var fitting *tune.Fitting
			for b, err := range r.sample(ctx, "tuning the lens") {
				if err != nil {
					return nil, err
				}
				if fitting == nil {
					bound, err := r.opt.Target.Prepare(r.eng.Config(), b)
					if err != nil {
						return nil, err
					}
					place, err := bound.Place()
					if err != nil {
						return nil, err
					}
					fitting = tune.New(r.eng, place.Stream)
				}
				if err := fitting.Add(ctx, b); err != nil {
					return nil, err
				}
			}
			tuned, err := fitting.Lens(tune.DefaultLambda, fmt.Sprintf("the first %d questions of %s", r.settings.Sample, r.data.Name))
			if err != nil {
				return nil, err
			}
			return r.rest(func(ctx context.Context, a *asked) ([]numbers, error) {
				readings, err := lens.Read(ctx, r.eng, a.Batch, r.opt.Target, tuned)
				if err != nil {
					return nil, err
				}
				var out []numbers
				group := len(readings) / len(a.index)
				for v, view := range readings[0].Views {
					for k, level := range readings[0].Levels {
						var p, right, divergence []float64
						for _, x := range readings {
							hit := 0.0
							if x.Views[v].Rank[k] == 1 {
								hit = 1
							}
							p, right, divergence = append(p, x.Views[v].Probability[k]), append(right, hit), append(divergence, x.Views[v].Divergence[k])
						}
						out = append(out, each(name(view.Name, lensProbability, level), "share", perExample(p, group)),
							each(name(view.Name, lensRight, level), "share", perExample(right, group)),
							each(name(view.Name, lensDivergence, level), "nats", perExample(divergence, group)))
					}
				}
				return out, nil
			}), nil
		},
		draw: func(c *collector, found *means, s *Summary) error {
			cfg := *c.settings.Config
			levels := analysis.Levels(cfg, analysis.WordStream)
			if strings.Contains(found.names[0], "hid.i.") {
				levels = analysis.Levels(cfg, analysis.RegionStream)
			}
			views := []string{"logit lens", "tuned lens"}
			for _, what := range []struct{ file, name, unit string }{{"lens", lensProbability, "share"}, {"lens-right", lensRight, "share"}, {"lens-divergence", lensDivergence, "nats"}} {
				curve := found.overLevels(levels, views, "logit lens", func(view, l string) string { return name(view, what.name, l) })
				curve.Method, curve.Unit, curve.YName = "logit lens and tuned lens: "+what.name, what.unit, what.name
				curve.Params["lambda"] = fmt.Sprint(tune.DefaultLambda)
				curve.Notes = append(curve.Notes, fmt.Sprintf("The tuned lens was fitted on the first %d questions, which are not among these.", c.settings.Sample),
					fmt.Sprintf("Levels from 0: %s to %s.", levels[0], levels[len(levels)-1]))
				s.Curves = append(s.Curves, Named[analysis.Curve]{what.file, curve})
			}
			var columns []string
			for _, view := range views {
				for _, what := range []string{lensProbability, lensRight, lensDivergence} {
					columns = append(columns, view+", "+what)
				}
			}
			t := found.wide("logit lens and tuned lens: level by level", "level", levels, columns, func(l, column string) string { return column + " at " + l })
			s.Tables = append(s.Tables, Named[analysis.Table]{"lens-table", t})
			return nil
		},
	}
}
