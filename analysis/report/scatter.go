package report

import (
	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/layout"
)

// newScatter draws points on axes, each with what it is to point at.
func newScatter(result analysis.Scatter) *chart {
	laid := layout.NewScatter(result)
	return chartOf(laid.Axes, func(s *svg, g graph) {
		if laid.Diagonal {
			from, to := laid.Ends()
			s.add(`<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" %s/>`, g.px(from), g.px(to), g.py(from), g.py(to), levelLine)
		}
		for i, group := range laid.Groups {
			for k, x := range group.X {
				y := group.Y[k]
				if !layout.Finite(x) || !layout.Finite(y) {
					continue
				}
				title := group.Name
				if k < len(group.Labels) {
					title = group.Labels[k]
				}
				s.add("%s", marker(g.px(x), g.py(y), laid.Looks[i], title+": "+layout.Number(x)+", "+layout.Number(y)))
			}
		}
	})
}
