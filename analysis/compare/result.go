package compare

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/probe"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Comparison is what has become different between two models.
type Comparison struct {
	Names     [2]string
	Method    string    // by which relevance is compared
	Questions []Changed // all of them, in their order
	Maps      []string  // the maps of attention that are compared
	// Words and Regions are debiased CKA, the first model's levels (rows) with the second's; nil: there were too few.
	Words, Regions *analysis.Matrix
	Moved          *Moved // the weights; nil: nobody gave any
	Pairs          []Pair // explained in both models, those that changed most first
	Notes          []string

	heads    map[string][]analysis.Running // bits, by map and head
	from     [2]lxmert.Provenance
	features string
	seed     uint64
}

// Changed is what two models say of a question.
type Changed struct {
	lxmert.Question
	ID      string
	Answers [2]string // of the first model, of the second; "": answers are not compared
	// Probability is that of the first model's answer (0) and of the second's (1), each in the first model and in the second; NaN where a
	// model does not have the answer.
	Probability [2][2]float64
	Changed     bool       // the second model's answer is another one
	Right       [2]float64 // how much each answer counts, 0 to 1; NaN: not known
	Divergence  float64    // of attention, bits: mean over all heads that are compared; NaN: none are
	Spearman    [3]float64 // of what carried the first model's answer: see [Agreement]
}

func (c *Comparison) note(text string) {
	if text != "" {
		c.Notes = append(c.Notes, text)
	}
}

// ChangedAnswers is how many questions the second model answers otherwise.
func (c *Comparison) ChangedAnswers() (n int) {
	for _, q := range c.Questions {
		if q.Changed {
			n++
		}
	}
	return n
}

// meta is that of the whole.
func (c *Comparison) meta(method string) analysis.Meta {
	m := analysis.Meta{Method: method, Features: c.features, Seed: c.seed, N: len(c.Questions), Notes: slices.Clone(c.Notes), Params: map[string]string{}}
	m.Model = c.from[0]
	m.Model.Weights, m.Model.Hash = c.Names[0]+" and "+c.Names[1], ""
	for i, name := range c.Names {
		m.Params["weights of "+name] = strings.TrimSpace(c.from[i].Weights + " " + c.from[i].ShortHash())
	}
	return m
}

// level and resamples of the intervals over questions.
const (
	level     = 0.95
	resamples = 1000
)

// Summary has a row for each number, with its interval over questions.
func (c *Comparison) Summary() analysis.Table {
	t := analysis.Table{Meta: c.meta("two models, the same questions"), Columns: []string{"measure", "value", "low", "high", "n"}}
	t.Level = level
	t.Params["relevance"] = c.Method + ", of " + c.Names[0] + "'s answer"
	drawn := analysis.NewResamples(len(c.Questions), resamples, level, rand.New(rand.NewPCG(c.seed, 11)))
	add := func(name string, r *analysis.Running) {
		if r.N() == 0 {
			return
		}
		low, high := drawn.Interval(r)
		if len(c.Questions) < 2 { // of one question no interval is known
			low, high = math.NaN(), math.NaN()
		}
		t.Rows = append(t.Rows, []any{name, r.Mean(), low, high, r.N()})
	}
	each := func(name string, value func(q Changed) float64) {
		var r analysis.Running
		for i, q := range c.Questions {
			r.Add(i, value(q))
		}
		add(name, &r)
	}
	compared := len(c.Questions) > 0 && c.Questions[0].Answers[0] != ""
	if compared {
		each("answers that changed", func(q Changed) float64 { return share(q.Changed) })
	}
	for i, name := range c.Names {
		each(name+": right answers", func(q Changed) float64 { return q.Right[i] })
	}
	each("answers that got better", func(q Changed) float64 { return better(q.Right[1], q.Right[0]) })
	each("answers that got worse", func(q Changed) float64 { return better(q.Right[0], q.Right[1]) })
	for i, name := range c.Names {
		each(fmt.Sprintf("%s: probability of %s's answer", name, c.Names[0]), func(q Changed) float64 { return q.Probability[0][i] })
	}
	for i, what := range []string{"words", "regions", "words and regions"} {
		each("rank correlation of relevance, "+what, func(q Changed) float64 { return q.Spearman[i] })
	}
	for _, family := range families {
		var r analysis.Running
		for _, name := range c.Maps {
			if familyOf(name) == family.kind {
				for h := range c.heads[name] {
					r.Merge(&c.heads[name][h])
				}
			}
		}
		if r.N() > 0 {
			add("divergence of attention, "+family.about+", bits", &r)
			t.Rows[len(t.Rows)-1][4] = len(c.Questions)
		}
	}
	once := func(name string, value float64, n int) {
		t.Rows = append(t.Rows, []any{name, value, math.NaN(), math.NaN(), n})
	}
	if c.Words != nil {
		once("CKA of the last level, words", probe.Last(*c.Words), c.Words.N)
	}
	if c.Regions != nil {
		once("CKA of the last level, regions", probe.Last(*c.Regions), c.Regions.N)
	}
	if c.Moved != nil {
		once("relative distance of the weights", c.Moved.All.Relative, c.Moved.All.Weights)
	}
	return t
}

func share(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// better is 1 if an answer counts more than another, NaN if that is not known.
func better(x, than float64) float64 {
	if math.IsNaN(x) || math.IsNaN(than) {
		return math.NaN()
	}
	return share(x > than)
}

// family is the maps of one kind.
type family struct{ kind, about string }

// familyOf is a map's name without its layer: "x.ti".
func familyOf(name string) string {
	part := strings.SplitN(name, ".", 3)
	return part[0] + "." + part[len(part)-1]
}

var families = []family{
	{"l.tt", "language layers"}, {"r.ii", "object-relationship layers"}, {"x.ti", "words look at regions"}, {"x.it", "regions look at words"},
	{"x.tt", "words of cross layers"}, {"x.ii", "regions of cross layers"},
}

// Answers has a row for each question whose answer changed, those first whose answer lost most.
func (c *Comparison) Answers() analysis.Table {
	a, b := c.Names[0], c.Names[1]
	t := analysis.Table{Meta: c.meta("answers that changed"), Columns: []string{"question", "picture", a, "its probability", b, "its probability", "right", "relevance alike"}}
	t.Params["relevance alike"] = "rank correlation over words and regions, of " + a + "'s answer"
	for _, i := range c.changed() {
		q := &c.Questions[i]
		t.Rows = append(t.Rows, []any{q.Text, strings.Join(q.Images, ", "), q.Answers[0], q.Probability[0][0], q.Answers[1], q.Probability[1][1], c.right(q), q.Spearman[2]})
	}
	return t
}

// changed are the numbers of the questions whose answers changed, those first whose answer lost most.
func (c *Comparison) changed() (at []int) {
	for i := range c.Questions {
		if c.Questions[i].Changed {
			at = append(at, i)
		}
	}
	slices.SortStableFunc(at, func(i, j int) int { return c.Questions[i].order(&c.Questions[j]) })
	return at
}

// right says which model's answer counts more.
func (c *Comparison) right(q *Changed) string {
	switch x, y := q.Right[0], q.Right[1]; {
	case math.IsNaN(x) || math.IsNaN(y):
		return ""
	case x == y && x == 0:
		return "neither"
	case x == y:
		return "both"
	case x > y:
		return c.Names[0]
	}
	return c.Names[1]
}

// first are the first rows of a table, of which there is a file with all.
func first(t analysis.Table, rows int) analysis.Table {
	if more := len(t.Rows) - rows; more > 0 {
		t.Rows = t.Rows[:rows]
		t.Examples = t.Examples[:min(rows, len(t.Examples))]
		t.Notes = append(slices.Clone(t.Notes), fmt.Sprintf("%d more answers changed.", more))
	}
	return t
}

// shownAnswers is how many answers that changed a page lists.
const shownAnswers = 20

// Heads is how far apart each head's attention is in the two models: a row for each map, bits, mean over questions and over the queries
// of each. ok is false if no attention is compared.
func (c *Comparison) Heads() (m analysis.Matrix, ok bool) {
	m = analysis.Matrix{Meta: c.meta("divergence of attention between the models"), Rows: analysis.Axis{Name: "map", Labels: c.Maps}, Cols: analysis.Axis{Name: "head"}}
	m.Unit = "bits"
	panel := analysis.MatrixPanel{}
	for _, name := range c.Maps {
		var row []float64
		for h := range c.heads[name] {
			row = append(row, c.heads[name][h].Mean())
		}
		panel.Values = append(panel.Values, row)
	}
	m.Panels = []analysis.MatrixPanel{panel}
	m.Params["measure"] = "Jensen-Shannon divergence, base 2: 0 alike, 1 disjoint"
	return m, len(c.Maps) > 0
}

// levels is one of the matrices of CKA with what is known about the comparison.
func (c *Comparison) levels(m analysis.Matrix) analysis.Matrix {
	own := c.meta(m.Method)
	own.Unit, own.N, own.Notes = m.Unit, m.N, slices.Concat(m.Notes, own.Notes)
	m.Meta, m.Rows.Name, m.Cols.Name = own, "level of "+c.Names[0], "level of "+c.Names[1]
	return m
}

// Probabilities draws how probable the first model's answer is in both models, a point for each question. ok is false if
// answers are not compared.
func (c *Comparison) Probabilities() (s analysis.Scatter, ok bool) {
	s = analysis.Scatter{Meta: c.meta("probability of " + c.Names[0] + "'s answer"), XName: "in " + c.Names[0], YName: "in " + c.Names[1], Diagonal: true}
	groups := []analysis.Points{{Name: "same answer"}, {Name: "another answer"}}
	for _, q := range c.Questions {
		g := &groups[int(share(q.Changed))]
		if !math.IsNaN(q.Probability[0][0]) && !math.IsNaN(q.Probability[0][1]) {
			g.X, g.Y, g.Labels = append(g.X, q.Probability[0][0]), append(g.Y, q.Probability[0][1]), append(g.Labels, q.Text)
		}
	}
	for _, g := range groups {
		if len(g.X) > 0 {
			s.Groups = append(s.Groups, g)
		}
	}
	return s, len(s.Groups) > 0
}

// beside is a question's explanations in both models, to be shown side by side.
func (c *Comparison) beside(p Pair) analysis.Collection {
	q := c.Questions[p.At]
	title := fmt.Sprintf("%s %s: %s, %s: %s", q.Text, c.Names[0], q.Answers[0], c.Names[1], q.Answers[1])
	out := analysis.Collection{Meta: c.meta("explanation in both models"), Title: title}
	for _, x := range p.Pictures {
		out.Results = append(out.Results, x[0], x[1])
	}
	return out
}

// Named are all results by the names of their files: those that are figures and numbers, those that are numbers alone, and the questions
// that are explained in both models, which are collections of examples.
func (c *Comparison) Named() (drawn, numbers, pairs []analysis.Named) {
	drawn = append(drawn, analysis.Named{Name: "summary", Result: c.Summary()})
	if answers := c.Answers(); len(answers.Rows) > 0 {
		numbers = append(numbers, analysis.Named{Name: "answers", Result: answers})
	}
	if s, ok := c.Probabilities(); ok {
		drawn = append(drawn, analysis.Named{Name: "probabilities", Result: s})
	}
	if m, ok := c.Heads(); ok {
		drawn = append(drawn, analysis.Named{Name: "attention", Result: m})
	}
	if c.Words != nil {
		drawn = append(drawn, analysis.Named{Name: "cka-words", Result: c.levels(*c.Words)})
	}
	if c.Regions != nil {
		drawn = append(drawn, analysis.Named{Name: "cka-regions", Result: c.levels(*c.Regions)})
	}
	if c.Moved != nil {
		drawn = append(drawn, analysis.Named{Name: "weights", Result: c.Moved.Bars(c.meta(""))})
	}
	for i, p := range c.Pairs {
		pairs = append(pairs, analysis.Named{Name: fmt.Sprintf("question-%02d", i+1), Result: c.beside(p)})
	}
	return drawn, append(numbers, analysis.Named{Name: "questions", Result: c.All()}), pairs
}

// All has a row for each question.
func (c *Comparison) All() analysis.Table {
	a, b := c.Names[0], c.Names[1]
	t := analysis.Table{Meta: c.meta("all questions, two models"), Columns: []string{"id", "question", "pictures", a + "'s answer", b + "'s answer", "changed",
		a + "'s answer, probability in " + a, a + "'s answer, probability in " + b, b + "'s answer, probability in " + a, b + "'s answer, probability in " + b, a + " is right", b + " is right",
		"relevance alike, words", "relevance alike, regions", "relevance alike, both", "attention apart, bits"}}
	for _, q := range c.Questions {
		t.Rows = append(t.Rows, []any{q.ID, q.Text, strings.Join(q.Images, ", "), q.Answers[0], q.Answers[1], q.Changed, q.Probability[0][0], q.Probability[0][1],
			q.Probability[1][0], q.Probability[1][1], q.Right[0], q.Right[1], q.Spearman[0], q.Spearman[1], q.Spearman[2], q.Divergence})
	}
	return t
}

// Collection is all of it as one page: the numbers, the figures, and questions explained in both models, side by side.
func (c *Comparison) Collection() analysis.Collection {
	out := analysis.Collection{Meta: c.meta("comparison of two models"), Title: fmt.Sprintf("%s beside %s, %d questions", c.Names[0], c.Names[1], len(c.Questions))}
	drawn, numbers, pairs := c.Named()
	for _, n := range slices.Concat(drawn[:1], numbers[:len(numbers)-1], drawn[1:], pairs) { // all but the table of every question
		if t, ok := n.Result.(analysis.Table); ok && n.Name == "answers" {
			for _, at := range c.changed() {
				t.Examples = append(t.Examples, 1+slices.IndexFunc(c.Pairs, func(p Pair) bool { return p.At == at }))
			}
			n.Result = first(t, shownAnswers)
		}
		out.Results = append(out.Results, n.Result)
	}
	return out
}

// String is the summary as text, and the answers that changed most.
func (c *Comparison) String() string {
	var s strings.Builder
	s.WriteString(c.Summary().Plain())
	for _, p := range c.Pairs {
		q := c.Questions[p.At]
		fmt.Fprintf(&s, "%s [%s]  %s: %s (%s), %s: %s (%s)\n", q.Text, strings.Join(q.Images, ", "),
			c.Names[0], q.Answers[0], percent(q.Probability[0][0]), c.Names[1], q.Answers[1], percent(q.Probability[1][1]))
	}
	return s.String()
}

func percent(p float64) string { return analysis.Candidate{Probability: p}.Percent() }
