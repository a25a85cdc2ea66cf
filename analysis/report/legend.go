package report

import (
	"cmp"
	"html/template"

	"github.com/seed-516990b0/golxmert/analysis/layout"
)

// legend says what the colours of an example mean.
type legend struct {
	Name    string // of the numbers
	Scales  []scale
	Special bool // there are words that are not on the scale
	Missing bool // there are numbers that are not defined
	Stripes template.CSS
}

// scale is the range of the colours of words, or of regions. Each has its own, as a method's numbers for them may differ
// by an order of magnitude.
type scale struct {
	Name, Low, High string
	Paint           template.CSS
}

// stripes mark what is not defined, so that it is not taken for zero.
const stripes = "repeating-linear-gradient(135deg,rgba(128,128,128,.45) 0 3px,transparent 3px 7px)"

// newLegend is the legend of the first method; drawLegend in the scripts writes the same for whatever is shown.
func newLegend(p payload, laid layout.Scores) legend {
	m := p.Methods[0]
	label := cmp.Or(m.Name, "score")
	l := legend{Name: label, Stripes: stripes}
	for _, side := range []struct {
		name   string
		values []*float64
		words  bool
		colors layout.Colors
	}{{"words", m.Words, true, laid.WordColors}, {"regions", m.Regions, false, laid.RegionColors}} {
		if side.values == nil {
			continue
		}
		for i, v := range side.values {
			switch {
			case v == nil:
				l.Missing = true
			case side.words && p.Words[i].Special:
				l.Special = true
			}
		}
		limit := side.colors.High
		s := scale{Name: side.name, Low: layout.NumberLike(0, limit), High: layout.NumberLike(limit, limit), Paint: "linear-gradient(90deg," + positive + "00," + positive + "99)"}
		if side.colors.Low < 0 {
			l.Name = label + ", orange for and blue against"
			s.Low, s.Paint = layout.NumberLike(-limit, limit), "linear-gradient(90deg,"+negative+"99,"+negative+"00,"+positive+"00,"+positive+"99)"
		}
		l.Scales = append(l.Scales, s)
	}
	if l.Scales == nil {
		l.Name = "" // of no numbers
	}
	return l
}
