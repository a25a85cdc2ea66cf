package figure

import (
	"fmt"

	"github.com/seed-516990b0/golxmert/analysis"
)

// stackMost is how many results one figure holds.
const stackMost = 6

// Stacked draws the matrices of a collection that has nothing else, such as an atlas of all heads and levels, one below the
// other, with one title and one line that says where they come from. Each has its own axes; give all of them the same range
// if they are to be compared. It does the same with the curves of a collection that has nothing else, each with its title.
func Stacked(c analysis.Collection, opt Options) (*Figure, error) {
	results := stackable(c)
	if results == nil {
		return nil, fmt.Errorf("%w a collection, unless all of it is matrices or all of it curves, at most %d, or examples: a page, .html, has all of it", ErrKind, stackMost)
	}
	var parts []*Figure
	w, h := 0.0, 0.0
	for i, r := range results {
		look := opt
		look.Bare = opt.Bare || i < len(results)-1
		part, err := stacked(r, i, look)
		if err != nil {
			return nil, err
		}
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

// stacked lays out the i-th result of a stack.
func stacked(r analysis.Result, i int, opt Options) (*Figure, error) {
	m, ok := r.(analysis.Matrix)
	if !ok {
		return Draw(r, opt)
	}
	heat, err := newHeat(m, opt)
	if err != nil {
		return nil, err
	}
	if i > 0 {
		heat.m.Title = "" // the first one's is that of all
	}
	return heat.lay(), nil
}

// stackable are the matrices or the curves of a collection that is nothing else; nil: it is.
func stackable(c analysis.Collection) (out []analysis.Result) {
	for _, r := range c.Results {
		r, err := analysis.Value(r)
		_, matrix := r.(analysis.Matrix)
		_, curve := r.(analysis.Curve)
		if err != nil || !matrix && !curve || len(out) > 0 && analysis.KindOf(out[0]) != analysis.KindOf(r) {
			return nil
		}
		out = append(out, r)
	}
	if len(out) > stackMost {
		return nil
	}
	return out
}
