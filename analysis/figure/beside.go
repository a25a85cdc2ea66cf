package figure

import (
	"fmt"
	"math"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/display"
	"github.com/seed-516990b0/golxmert/analysis/layout"
)

// besideEach is how many examples stand in a line.
const besideEach = 3

// Beside draws the examples of a collection side by side, such as one question as it was and with something changed: of each the
// picture, the sentence, and the most probable answers as bars, if they are known. A table that the collection has beside them
// stands below. Examples are analysis.Explanation or analysis.Scores, two to [display.MostBeside] of them.
func Beside(c analysis.Collection, opt Options) (*Figure, error) {
	examples, table := besides(c)
	if examples == nil {
		return nil, fmt.Errorf("%w a collection, unless all of it is two to %d examples and at most a table: a page, .html, has all of it", ErrKind, display.MostBeside)
	}
	n := min(len(examples), besideEach)
	width := opt.width(min(Page, Column*float64(n)))
	var parts []placed
	y, most := 0.0, 0.0
	for i, x := range examples {
		if i%n == 0 {
			y, most = y+most, 0
		}
		look := opt
		look.Width, look.Bare = (width-float64(n-1)*besideGap)/float64(n)/72*2.54, true
		f, err := Explanation(x.Scores, look)
		if err != nil {
			return nil, err
		}
		left := float64(i%n) * (f.w + besideGap)
		parts = append(parts, placed{f, left, y})
		answers := layAnswers(x.Answers, f.w)
		parts = append(parts, placed{answers, left, y + f.h})
		most = max(most, f.h+answers.h)
	}
	y += most
	if table != nil {
		look := opt
		look.Width, look.Bare = width/72*2.54, true
		f, err := Typeset(*table, look)
		if err != nil {
			return nil, err
		}
		parts, y = append(parts, placed{f, 0, y}), y+f.h
	}
	foot, room := footing(c.Meta, opt, width, y)
	h := y + room + margin
	return &Figure{w: width, h: h, draw: func(p *pen) {
		for _, part := range parts {
			part.draw(&pen{page: p.page, h: h - part.y, left: part.x})
		}
		p.paragraph(margin, foot)
	}}, nil
}

const besideGap = 8.0 // points

// placed is a figure within another one.
type placed struct {
	*Figure
	x, y float64
}

// besides are the examples of a collection that is nothing else but these and a table, or no table; nil: it is something else.
func besides(c analysis.Collection) (examples []analysis.Explanation, table *analysis.Table) {
	for _, r := range c.Results {
		r, err := analysis.Value(r)
		if err != nil {
			return nil, nil
		}
		switch r := r.(type) {
		case analysis.Explanation:
			examples = append(examples, r)
		case analysis.Scores:
			examples = append(examples, analysis.Explanation{Scores: r})
		case analysis.Table:
			if table != nil {
				return nil, nil
			}
			table = &r
		default:
			return nil, nil
		}
	}
	if len(examples) < 2 || len(examples) > display.MostBeside {
		return nil, nil
	}
	return examples, table
}

// answersMost is how many answers of an example are drawn.
const answersMost = 5

// layAnswers draws the most probable answers as bars from 0 to 1.
func layAnswers(answers []analysis.Candidate, width float64) *Figure {
	answers = answers[:min(len(answers), answersMost)]
	line, names, numbers := plain.leading()+1, 0.0, 0.0
	for _, a := range answers {
		names, numbers = max(names, plain.width(a.Text)), max(numbers, plain.width(a.Percent()))
	}
	names = min(names, (width-2*margin)/2)
	full := max(0, width-2*margin-names-numbers-8)
	f := &Figure{w: width, h: float64(len(answers)) * line}
	if len(answers) > 0 {
		f.h += margin
	}
	f.draw = func(p *pen) {
		for i, a := range answers {
			base := float64(i)*line + plain.height() + 1
			p.text(margin+names, base, 1, plain.short(a.Text, names), plain)
			if share := min(max(a.Probability, 0), 1); !math.IsNaN(share) {
				p.fill(rect{margin + names + 4, base - plain.height(), full * share, plain.height()}, layout.Categories[0])
			}
			p.text(width-margin, base, 1, a.Percent(), plain)
		}
	}
	return f
}
