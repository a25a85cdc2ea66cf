package lx

import (
	"errors"
	"fmt"
	"slices"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/relevance"
)

// Explanation is why a model gave an answer, with all attention maps to look at.
type Explanation = analysis.Explanation

// Explain says which words and regions carried an answer: by bi-modal relevance, or by the named methods, such as
// "attention", "rollout", "ig"; see [Methods]. What is not a method's name says what to explain instead of the most probable answer:
//
//	lx.Explain(q, "blue-red")               // why blue and not red
//	lx.Explain(q, "match-foil", "ig")       // why the sentence fits the picture, by integrated gradients
//	lx.Explain(q, "masked star")            // why this word, were it hidden
//
// See [analysis.ReadTarget] for all of them. Of two pictures it explains the left one and says so; [ExplainPictures] explains both.
func Explain(a *Answer, of ...string) Explanation {
	x := ExplainPictures(a, of...)[0]
	if n := a.Batch.Rows(); n > 1 {
		x.Scores.Notes = append(x.Scores.Notes, fmt.Sprintf("The answer is about %d pictures; this is the first of them, lx.ExplainPictures shows all.", n))
	}
	return x
}

// ExplainPictures is [Explain] for every picture that an answer is about: NLVR2's left and right.
func ExplainPictures(a *Answer, of ...string) []Explanation {
	methods, target, err := a.methodsAndTarget(of)
	Check(err)
	x := must(relevance.ExplainTarget(cell().ctx, a.Model, a.answer(), target, methods...))
	Check(relevance.AddMaps(cell().ctx, a.Model, a.answer(), x))
	return x
}

// methodsAndTarget tells the names of methods from that of a target, of which there is one at most.
func (a *Answer) methodsAndTarget(names []string) (methods []string, target analysis.Target, err error) {
	for _, name := range names {
		if _, notMethod := relevance.Find(name); notMethod == nil {
			methods = append(methods, name)
			continue
		} else if !target.IsZero() {
			return nil, target, fmt.Errorf("%q is not a method, and what to explain is said already; %w", name, notMethod)
		} else if target, err = a.target(name); err != nil {
			return nil, target, fmt.Errorf("%q is neither a method nor something to explain: %w; %w", name, notMethod, err)
		}
	}
	return methods, target, nil
}

// target is what a name stands for; see [analysis.ReadTarget].
func (a *Answer) target(name string) (analysis.Target, error) {
	return analysis.ReadTarget(name, a.Model.Head(), a.Batch)
}

// targetOr is what the one name stands for that a cell may give, and otherwise what is explained if it gives none.
func (a *Answer) targetOr(otherwise analysis.Target, names []string) analysis.Target {
	switch len(names) {
	case 0:
		return otherwise
	case 1:
		return must(a.target(names[0]))
	}
	fail(fmt.Errorf("%q: one target can be explained at a time; the difference of two is one, such as %q", names, "blue-red"))
	return otherwise
}

// Methods lists the methods that [Explain] and [Test] know, with a phrase about each.
func Methods() analysis.Table {
	t := analysis.Table{Columns: []string{"method", "what it is"}}
	t.Method = "methods that score words and regions"
	for _, m := range relevance.Methods() {
		t.Rows = append(t.Rows, []any{m.Name, m.About})
	}
	return t
}

// AllMaps are the maps of an answer as one figure: a row for each layer, a column for each head.
func AllMaps(a *Answer) analysis.Maps {
	x := analysis.Maps{Maps: a.Maps()}
	x.Method = "attention maps"
	if len(a.Batch.Words) > 0 {
		x.Text = a.Batch.Words[0]
	}
	return x
}

// Tested is what a perturbation test found: a table of areas under the curves, and the curves. Scores are those that were
// tested, by method and question; [Agreement] compares them.
type Tested struct {
	Table   analysis.Table
	Curves  []analysis.Curve
	Methods []string
	Scores  [][]analysis.Scores
}

// Test tests methods by removing what they say is relevant, and what they say is not, and asking the model again; see
// relevance.Perturb. modality is "text", "image" or "joint". A good method's "negative" curve, for which the least
// relevant goes first, stays high, and its "positive" curve falls at once.
func Test(m *Model, questions []QA, modality string, methods ...string) Tested {
	if len(questions) == 0 || len(methods) == 0 {
		fail(errors.New(`Test needs questions and the name of a method, such as lx.Test(m, m.Questions("heldout", 32), "image", "relevance")`))
	}
	b := analysis.Separate(must(m.Batch(cell().ctx, asked(questions))))
	out := Tested{Table: analysis.Table{Columns: []string{"method", "order", "AUC", "low", "high"}}}
	curve := analysis.Curve{}
	for i, name := range methods {
		method := must(relevance.Find(name))
		scores := must(method.Run(cell().ctx, m, b, analysis.Predicted()))
		out.Methods, out.Scores = append(out.Methods, name), append(out.Scores, scores)
		random := -1
		if i == 0 {
			random = 3
		}
		p := must(relevance.Perturb(cell().ctx, m, b, scores, relevance.PerturbOptions{Modalities: []string{modality}, Random: random}))
		c := must(p.Curve(modality, "probability"))
		if i == 0 {
			curve, out.Table.Meta = c, p.Meta
			curve.Series = nil
			curve.Method, out.Table.Method = "perturbation test", "perturbation test, area under the curve"
			curve.YName = "probability of the answer"
			out.Table.Notes = append(slices.Clone(out.Table.Notes), relevance.BetterArea)
		}
		for _, s := range c.Series {
			if s.Name != "random" {
				s.Name = name + ", " + s.Name
			}
			curve.Series = append(curve.Series, s)
		}
		for _, row := range p.Table().Rows {
			if row[1] == "probability" {
				who := name
				if row[2] == "random" {
					who = "random"
				}
				out.Table.Rows = append(out.Table.Rows, []any{who, row[2], row[3], row[4], row[5]})
			}
		}
	}
	out.Curves = []analysis.Curve{curve}
	return out
}
