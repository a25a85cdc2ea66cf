package datamap

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
)

// shownPoints is how many examples the map shows: more would cover each other, and make a figure slow.
const shownPoints = 2000

// drawing is the seed by which these are drawn.
const drawing = 1

// meta is what all results of the map are about.
func (m *Map) meta(method string) analysis.Meta {
	meta := analysis.Meta{Method: method, N: len(m.Examples), Params: map[string]string{
		"task": m.About.Task, "splits": m.splits(), "epochs": fmt.Sprint(m.Epochs()), "probability of the label": m.About.Kind,
	}}
	if m.Epochs() == 1 {
		meta.Notes = append(meta.Notes, "No example was seen in more than one epoch, so none has varied: train for several epochs.")
	}
	if m.Unseen > 0 {
		meta.Notes = append(meta.Notes, fmt.Sprintf("%d of %d examples were not seen, or have no label.", m.Unseen, m.Unseen+len(m.Examples)))
	}
	return meta
}

// splits are all splits of the run.
func (m *Map) splits() string {
	var all []string
	for _, p := range m.About.Parts {
		all = append(all, p.Splits...)
	}
	return strings.Join(all, ", ")
}

// Scatter is the map: confidence over variability, a group for each region. Of many examples it shows some, drawn at random.
func (m *Map) Scatter() analysis.Scatter {
	s := analysis.Scatter{Meta: m.meta("map of the training examples"), XName: "variability", YName: "confidence"}
	shown := m.Examples
	if len(shown) > shownPoints {
		s.Seed = drawing
		s.Notes = append(s.Notes, fmt.Sprintf("%d of %d examples are shown, drawn at random.", shownPoints, len(shown)))
		order := rand.New(rand.NewPCG(drawing, 0)).Perm(len(shown))[:shownPoints]
		slices.Sort(order)
		shown = nil
		for _, i := range order {
			shown = append(shown, m.Examples[i])
		}
	}
	for _, r := range Regions() {
		g := analysis.Points{Name: string(r)}
		for _, x := range shown {
			if x.Region == r {
				g.X, g.Y, g.Labels = append(g.X, x.Variability), append(g.Y, x.Confidence), append(g.Labels, x.ID)
			}
		}
		if len(g.X) > 0 {
			s.Groups = append(s.Groups, g)
		}
	}
	return s
}

// Table has a row for each region, and one for all examples: how many there are, and their means.
func (m *Map) Table() analysis.Table {
	t := m.grouped("regions of the map", "region", func(x Example) string { return string(x.Region) }, func(names []string) {
		slices.SortFunc(names, func(a, b string) int {
			return slices.Index(Regions(), Region(a)) - slices.Index(Regions(), Region(b))
		})
	})
	t.Notes = append(t.Notes, "Ambiguous: more variable than two thirds of the examples; of the others easy: a confidence of 0.5 or more, hard: the rest.")
	return t
}

// Kinds is [Map.Table] of the kinds of question, those with the lowest confidence first, with the share of each that is hard to
// learn. ok is false where no kinds are known: [Map.Questions] reads them.
func (m *Map) Kinds() (t analysis.Table, ok bool) {
	if !slices.ContainsFunc(m.Examples, func(x Example) bool { return x.Kind != "" }) {
		return t, false
	}
	hard := map[string]float64{}
	for _, x := range m.Examples {
		if x.Region == Hard {
			hard[x.Kind]++
			hard[everything]++
		}
	}
	t = m.grouped("kinds of question on the map", "kind", func(x Example) string { return x.Kind }, slices.Sort[[]string])
	t.Columns = append(t.Columns, "share hard")
	for i, row := range t.Rows {
		t.Rows[i] = append(row, hard[row[0].(string)]/float64(row[1].(int)))
	}
	last := len(t.Rows) - 1
	slices.SortStableFunc(t.Rows[:last], func(a, b []any) int { return cmp.Compare(a[3].(float64), b[3].(float64)) })
	return t, true
}

// everything is the name of the row of all examples.
const everything = "all"

// grouped is a table of means over groups of examples.
func (m *Map) grouped(method, column string, of func(Example) string, order func(names []string)) analysis.Table {
	type sums struct {
		n                                    int
		confidence, variability, correctness float64
	}
	groups := map[string]*sums{}
	add := func(name string, x Example) {
		g := groups[name]
		if g == nil {
			g = &sums{}
			groups[name] = g
		}
		g.n++
		g.confidence, g.variability, g.correctness = g.confidence+x.Confidence, g.variability+x.Variability, g.correctness+x.Correctness
	}
	for _, x := range m.Examples {
		add(of(x), x)
	}
	names := slices.Collect(maps.Keys(groups))
	order(names)
	for _, x := range m.Examples {
		add(everything, x)
	}
	t := analysis.Table{Meta: m.meta(method), Columns: []string{column, "examples", "share", "confidence", "variability", "correctness"}}
	for _, name := range append(names, everything) {
		g := groups[name]
		n := float64(g.n)
		t.Rows = append(t.Rows, []any{name, g.n, n / float64(len(m.Examples)), g.confidence / n, g.variability / n, g.correctness / n})
	}
	return t
}

// HardestTable has a row for each of some examples with their questions.
func (m *Map) HardestTable(hardest []Question) analysis.Table {
	t := analysis.Table{
		Meta:    m.meta(fmt.Sprintf("the %d hardest examples", len(hardest))),
		Columns: []string{"id", "sentence", "label", "picture", "confidence", "variability", "correctness", "epochs", "region"},
	}
	for _, q := range hardest {
		t.Rows = append(t.Rows, []any{
			q.ID, q.Asked.Text, q.Label(), strings.Join(q.Asked.Images, ", "), q.Confidence, q.Variability, q.Correctness, q.Epochs, string(q.Region),
		})
	}
	return t
}

// Collection is all of the map: its regions, its picture, the kinds of question where they are known, and the hardest examples.
// Of those that are explained the explanations follow, and the row of each leads to its own.
func (m *Map) Collection(hardest []Question) analysis.Collection {
	c := analysis.Collection{Title: "map of the training examples: " + m.About.Task + ", " + m.splits()}
	rows, explained := make([]int, len(hardest)), []analysis.Explanation(nil)
	for i, q := range hardest {
		if len(q.Explanations) > 0 {
			rows[i] = len(explained) + 1
			explained = append(explained, q.Explanations...)
		}
	}
	for _, x := range m.Named(hardest) {
		if t, ok := x.Result.(analysis.Table); ok && x.Name == hardestName && explained != nil {
			t.Examples = rows
			x.Result = t
		}
		c.Results = append(c.Results, x.Result)
	}
	c.Results = analysis.Collect(c.Results, explained...)
	return c
}

// hardestName is what the table of the hardest examples is called.
const hardestName = "hardest"

// Named are the results of [Map.Collection] but for the explanations, and what their files are called.
func (m *Map) Named(hardest []Question) []analysis.Named {
	all := []analysis.Named{{Name: "regions", Result: m.Table()}, {Name: "map", Result: m.Scatter()}}
	if t, ok := m.Kinds(); ok {
		all = append(all, analysis.Named{Name: "kinds", Result: t})
	}
	if len(hardest) > 0 {
		all = append(all, analysis.Named{Name: hardestName, Result: m.HardestTable(hardest)})
	}
	return all
}
