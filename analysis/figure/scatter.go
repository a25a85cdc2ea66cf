package figure

import (
	"errors"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/layout"
)

// Scatter draws points in groups, each with a colour and a marker of its own, and, where x and y can be compared, the line on
// which they are equal. Points that are not numbers are left out.
func Scatter(s analysis.Scatter, opt Options) (*Figure, error) {
	if len(s.Groups) == 0 {
		return nil, errors.New("a scatter without points: there is nothing to draw")
	}
	if err := s.Check(); err != nil {
		return nil, err
	}
	laid := layout.NewScatter(s)
	l := curves{c: laid.Axes, opt: opt, width: opt.width(Column)}
	l.over = func(p *pen, g graph, area rect) {
		px, py := g.places(area)
		if s.Diagonal {
			from, to := laid.Ends()
			p.dotted(px(from), py(from), px(to), py(to))
		}
		for i, group := range s.Groups {
			for k := range group.X {
				if layout.Finite(group.X[k]) && layout.Finite(group.Y[k]) {
					p.mark(px(group.X[k]), py(group.Y[k]), laid.Looks[i])
				}
			}
		}
	}
	return l.layOne(), nil
}
