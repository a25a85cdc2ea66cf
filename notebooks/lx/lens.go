package lx

import (
	"errors"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/lens"
	"github.com/seed-516990b0/golxmert/kernel/client"
)

// Lens says at which level the model comes to its answer: what its head says of [CLS] at every language level, from the
// embedding on; or of a masked word at its place, or whatever else is named as in [Explain]. Levels below the cross layers are
// not written as the head reads them: [TunedLens] maps them.
func Lens(a *Answer, target ...string) analysis.Collection {
	t := a.targetOr(analysis.Answer(a.Best().Class), target)
	r := must(lens.Read(cell().ctx, a.Model, a.Batch, t, nil))[0]
	if len(target) == 0 {
		r.Target = "answer " + a.Best().Text
	}
	c := r.Collection(a.classes(t))
	c.Title = a.Question.Text
	return c
}

// TunedLens is [Lens] with a second line: what the head says after an affine map of each level that was fitted to questions, a
// hundred or more. What the model can say already shows there, and what is only not written in the head's way no longer hides
// it. The figure names the questions.
//
//	lx.Show(lx.TunedLens(q, m.Questions("minival", 200)))
func TunedLens(a *Answer, questions []QA, target ...string) analysis.Collection {
	if len(questions) == 0 {
		fail(errors.New(`TunedLens needs questions that the lens is fitted to, such as lx.TunedLens(q, m.Questions("minival", 200))`))
	}
	a.targetOr(analysis.Predicted(), target) // a name that does not fit is said before the questions are read
	settings := client.StudySettings{About: &a.Question, Data: dataOf(questions)}
	if len(target) == 1 {
		settings.Target = target[0]
	}
	c := must(studied[analysis.Collection](a.Model, "lens", questions, settings))
	c.Title = a.Question.Text
	return c
}

// classes are the names of what a target chooses from, as far as somebody has named it.
func (a *Answer) classes(t analysis.Target) []string {
	if bound, err := t.Prepare(a.Model.Config(), a.Batch); err == nil && bound.Terms[0].Output == a.Model.Head().Output {
		return a.Model.Answers()
	}
	return nil
}
