package sweep

import (
	"context"
	"fmt"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// pruning removes heads in the order of their importance in the sample; see relevance.Prune.
func pruning() measuring {
	name := func(order string, step float64) string { return fmt.Sprintf("%s, %.0f %%", order, 100*step) }
	var steps []float64
	for i := range 11 {
		steps = append(steps, float64(i)/10)
	}
	orders := func(cfg lxmert.Config, importance analysis.Matrix, seed uint64) (*relevance.Pruning, error) {
		return relevance.NewPruning(cfg, importance, relevance.PruneOptions{Steps: steps, Seed: seed})
	}
	return measuring{
		name: "pruning", about: "the answer's probability with ever more heads off: least important, most important, random first", group: changes, fits: true,
		begin: func(ctx context.Context, r *runner) (measurer, error) {
			var all []analysis.Matrix
			for b, err := range r.sample(ctx, "measuring the importance of heads") {
				if err != nil {
					return nil, err
				}
				found, err := relevance.HeadImportance(ctx, r.eng, b, r.opt.Target)
				if err != nil {
					return nil, err
				}
				all = append(all, found...)
			}
			p, err := orders(r.eng.Config(), relevance.MeanImportance(all, false), r.opt.Seed)
			if err != nil {
				return nil, err
			}
			target := r.opt.Target
			if target.String() == analysis.Predicted().String() {
				target = target.As(lxmert.Probability)
			}
			return r.rest(func(ctx context.Context, a *asked) ([]numbers, error) {
				bound, err := target.Bind(ctx, r.eng, a.Batch)
				if err != nil {
					return nil, err
				}
				scores, _, err := p.Scores(ctx, r.eng, bound)
				if err != nil {
					return nil, err
				}
				var out []numbers
				for i, order := range p.Names {
					for k, step := range p.Steps {
						out = append(out, each(name(order, step), bound.Unit, perExample(scores[i][k], len(scores[i][k])/len(a.index))))
					}
				}
				return out, nil
			}), nil
		},
		draw: func(c *collector, found *means, s *Summary) error {
			cfg := *c.settings.Config
			values := make([][]float64, cfg.Heads)
			for h := range values {
				values[h] = make([]float64, len(cfg.Maps()))
			}
			// Which heads an order has plays no part in drawing it.
			blank := analysis.Matrix{Rows: analysis.Axis{Name: "head"}, Cols: analysis.Axis{Name: "map", Labels: cfg.Maps()}, Panels: []analysis.MatrixPanel{{Values: values}}}
			blank.Method, blank.N = "mean absolute head importance", c.settings.Sample
			p, err := orders(cfg, blank, c.settings.Seed)
			if err != nil {
				return err
			}
			meta := c.measured(found)
			meta.Unit = found.units[found.names[0]]
			curve := p.Curve(meta, func(order, step int) (mean, low, high float64) {
				mean, low, high, _ = found.interval(name(p.Names[order], p.Steps[step]))
				return mean, low, high
			})
			var shares []string
			for _, step := range p.Steps {
				shares = append(shares, fmt.Sprintf("%.0f", 100*step))
			}
			s.Curves = append(s.Curves, Named[analysis.Curve]{"pruning", curve})
			s.Tables = append(s.Tables, Named[analysis.Table]{"pruning-table", found.wide(curve.Method, "heads removed, %", shares, p.Names, func(share, order string) string { return order + ", " + share + " %" })})
			return nil
		},
	}
}
