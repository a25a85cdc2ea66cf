package modality

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
)

// Scatter compares the logit of each example's answer with that of the same answer after EMAP. Points below the line are
// answers that words and picture make together. Names are what examples are called; without any they have numbers.
func (p *Projection) Scatter(names ...string) analysis.Scatter {
	s := analysis.Scatter{Meta: p.Meta, XName: "logit of the answer", YName: "logit after EMAP", Diagonal: true}
	stays, changes := analysis.Points{Name: "the answer stays"}, analysis.Points{Name: "the answer changes"}
	for i := range p.Full {
		own := largest(p.Full[i])
		to := &stays
		if largest(p.Additive[i]) != own {
			to = &changes
		}
		to.X, to.Y = append(to.X, p.Full[i][own]), append(to.Y, p.Additive[i][own])
		name := fmt.Sprintf("example %d", i)
		if i < len(names) {
			name = names[i]
		}
		to.Labels = append(to.Labels, name)
	}
	s.Groups = []analysis.Points{stays, changes}
	return s
}

// Waterfall shows how the values of one example add up from nothing to everything: the largest by absolute value first, at
// most so many (0: 12), and one bar for the rest.
func (s Shares) Waterfall(most int) analysis.Bars {
	if most <= 0 {
		most = 12
	}
	first := s.Scores[0]
	out := analysis.Bars{Meta: first.Meta, XName: first.Target, Parts: []string{"words", "regions"}, Waterfall: true, Start: s.Nothing}
	type one struct {
		bar  analysis.Bar
		part int
		x    float64
	}
	var all []one
	add := func(name string, part int, x float64, errors [][]float64, row, at int) {
		o := one{bar: analysis.Bar{Name: name, Values: []float64{math.NaN(), math.NaN()}}, part: part, x: x}
		o.bar.Values[part] = x
		if errors != nil {
			o.bar.Error = errors[row][at]
		}
		all = append(all, o)
	}
	for _, at := range inner(first) {
		name := fmt.Sprintf("word %d", at)
		if at < len(first.Text.Pieces) {
			name = first.Text.Pieces[at]
		}
		add(name, 0, first.Words[at], s.WordErrors, 0, at)
	}
	for row, scores := range s.Scores {
		for v, x := range scores.Regions {
			if !scores.There(v) {
				continue
			}
			name := fmt.Sprint(v)
			if v < len(scores.Image.Objects) && scores.Image.Objects[v] != "" {
				name += " " + scores.Image.Objects[v]
			}
			if len(s.Scores) > 1 {
				name += fmt.Sprintf(" (picture %d)", row+1)
			}
			add(name, 1, x, s.RegionErrors, row, v)
		}
	}
	slices.SortStableFunc(all, func(a, b one) int { return cmp.Compare(math.Abs(b.x), math.Abs(a.x)) })
	rest := []float64{math.NaN(), math.NaN()}
	for i, o := range all {
		if i < most || len(all) == most+1 {
			out.Bars = append(out.Bars, o.bar)
			continue
		}
		if math.IsNaN(rest[o.part]) {
			rest[o.part] = 0
		}
		rest[o.part] += o.x
	}
	if n := len(all) - most; n > 1 {
		out.Bars = append(out.Bars, analysis.Bar{Name: fmt.Sprintf("%d more", n), Values: rest})
	}
	return out
}

// inner are the positions of the words between [CLS] and [SEP].
func inner(s analysis.Scores) []int {
	if s.InnerWords != nil {
		return s.InnerWords
	}
	var list []int
	for at := 1; at < len(s.Words)-1; at++ {
		list = append(list, at)
	}
	return list
}

// ShareBars stacks T-SHAP and V-SHAP of examples, by their sentences.
func ShareBars(examples []Shares) analysis.Bars {
	b := analysis.Bars{XName: "share of all absolute Shapley values", Parts: []string{"T-SHAP, words", "V-SHAP, regions"}}
	for i, s := range examples {
		if i == 0 {
			b.Meta = s.Scores[0].Meta
			b.Method, b.Unit, b.N = "MM-SHAP", "share", len(examples)
			if len(examples) > 1 {
				b.Target = ""
			}
		}
		name := s.Scores[0].Text.Text
		if name == "" {
			name = fmt.Sprintf("example %d", i)
		}
		b.Bars = append(b.Bars, analysis.Bar{Name: name, Values: []float64{s.Text(), s.Picture()}})
	}
	return b
}

// Collection is everything about one example: waterfall, shares, and the values on the picture.
func (s Shares) Collection() analysis.Collection {
	first := s.Scores[0]
	results := []analysis.Result{s.Waterfall(0), ShareBars([]Shares{s})}
	return analysis.Collection{Meta: first.Meta, Title: first.Plain(), Results: analysis.Collect(results, s.Scores...)}
}
