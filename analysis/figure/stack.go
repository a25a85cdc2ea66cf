package figure

import (
	"fmt"

	"github.com/seed-516990b0/golxmert/analysis"
)

// stackMost is how many matrices one figure holds.
const stackMost = 6

// Stacked draws the matrices of a collection that has nothing else, such as an atlas of all heads and levels, one below the
// other, with one title and one line that says where they come from. Each has its own axes; give all of them the same range
// if they are to be compared.
func Stacked(c analysis.Collection, opt Options) (*Figure, error) {
	matrices := stackable(c)
	if matrices == nil {
		return nil, fmt.Errorf("%w a collection, unless all of it is matrices, at most %d: a page, .html, has all of it", ErrKind, stackMost)
	}
	var parts []*Figure
	w, h := 0.0, 0.0
	for i, m := range matrices {
		look := opt
		look.Bare = opt.Bare || i < len(matrices)-1
		heat, err := newHeat(m, look)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			heat.m.Title = "" // the first one's is that of all
		}
		part := heat.lay()
		parts = append(parts, part)
		w, h = max(w, part.w), h+part.h
	}
	return &Figure{w: w, h: h, draw: func(p *pen) {
		below := h
		for _, part := range parts {
			part.draw(&pen{page: p.page, h: below})
			below -= part.h
		}
	}}, nil
}

// stackable are the matrices of a collection that is nothing else; nil: it is.
func stackable(c analysis.Collection) []analysis.Matrix {
	var out []analysis.Matrix
	for _, r := range c.Results {
		r, err := analysis.Value(r)
		m, ok := r.(analysis.Matrix)
		if err != nil || !ok {
			return nil
		}
		out = append(out, m)
	}
	if len(out) > stackMost {
		return nil
	}
	return out
}
