package lx

import (
	"errors"
	"fmt"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/modality"
)

// Shares are the Shapley values of an answer: what each word and each region adds to it. Text and Picture are the shares of
// the two in all of it.
type Shares = modality.Shares

// Shapley shares the logit of an answer out between words and regions (MM-SHAP): exactly if there are few, else with
// standard errors. Shown, it is a waterfall from the value of nothing to that of everything, the shares of words and of
// regions, and the values on the picture. Another target is named as in [Explain]; what stands for what is absent is an
// option of modality.Shapley.
func Shapley(a *Answer, target ...string) Shares {
	t := a.targetOr(analysis.Predicted(), target)
	s := must(modality.Shapley(cell().ctx, a.Model, a.answer().Batch, t, modality.ShapleyOptions{}))[0]
	for i := range s.Scores {
		s.Scores[i].Answer, s.Scores[i].Target = a.Best().Text, a.explained(t, target)
	}
	return s
}

// Synergy says which word needs which region: what the two are worth to the answer's logit together, beyond what each is
// worth alone; as a matrix, and for each word on the picture. Of two pictures it is about the first.
func Synergy(a *Answer, target ...string) analysis.Collection {
	t := a.targetOr(analysis.Predicted(), target)
	m := must(modality.Interactions(cell().ctx, a.Model, a.answer().Batch, t, modality.ShapleyOptions{}))[0]
	m.Target = a.explained(t, target)
	x := must(modality.OnPicture(a.Batch, 0, m))
	return analysis.Collection{Meta: m.Meta, Title: m.Method + ": " + a.Question.Text, Results: []analysis.Result{m, x}}
}

// explained names what is explained: a target that was named, or the answer.
func (a *Answer) explained(t analysis.Target, named []string) string {
	if len(named) > 0 {
		return t.String()
	}
	return fmt.Sprintf("logit of %q, the most probable answer", a.Best().Text)
}

// Looks says how much a model looks at the pictures of some questions, by all measures side by side, with intervals, beside the
// same model with its eyes closed: accuracy, EMAP, perceptual score, V-SHAP. Right answers are those of the questions where
// all have labels, else the model's own. A hundred questions are a good number: pictures are exchanged among them.
func Looks(m *Model, questions []QA) analysis.Table {
	if len(questions) < 2 {
		fail(errors.New(`Looks exchanges pictures between questions and needs several, such as lx.Looks(m, m.Questions("heldout", 100))`))
	}
	b := must(m.Batch(cell().ctx, asked(questions)))
	u := must(modality.Use(cell().ctx, m, b, modality.UseOptions{Labels: labelsOf(m, questions), Shapley: modality.ShapleyOptions{Exact: 8, Orders: 4}}))
	return u.Table()
}

// EMAP compares the logit of each question's answer with what is left of it without interaction of words and picture.
// Points below the line are answers that the model made by looking from one to the other.
func EMAP(m *Model, questions []QA) analysis.Scatter {
	if len(questions) < 2 {
		fail(errors.New(`EMAP exchanges pictures between questions and needs several, such as lx.EMAP(m, m.Questions("heldout", 100))`))
	}
	p := must(modality.EMAP(cell().ctx, m, must(m.Batch(cell().ctx, asked(questions))), modality.EMAPOptions{}))
	var names []string
	for _, q := range questions {
		names = append(names, q.Text)
	}
	return p.Scatter(names...)
}

// ValueWeighted weighs an attention map of an answer, such as "x.1.ti", by what is attended to: how long the vector is that a key
// gives a query through each head, and through all of them together. A head may look hard at a key that gives it next to
// nothing. Of two pictures it is about the first.
func ValueWeighted(a *Answer, name string) analysis.Matrix {
	return must(modality.ValueWeighted(cell().ctx, a.Model, a.Batch, name))[0]
}

// Norms says, for each cross layer, how long what attention brings over from the other stream is beside what is there.
func Norms(m *Model, questions []QA) analysis.Curve {
	return must(modality.CrossNorms(cell().ctx, m, must(m.Batch(cell().ctx, asked(questions)))))
}

// labelsOf are how much each class counts in each question; nil unless all have labels that the model knows.
func labelsOf(m *Model, questions []QA) [][]float64 {
	class := map[string]int{}
	for i, name := range m.Answers() {
		class[name] = i
	}
	var labels [][]float64
	for _, q := range questions {
		if len(q.Labels) == 0 || len(class) == 0 {
			return nil
		}
		counts := make([]float64, len(class))
		for name, x := range q.Labels {
			if i, ok := class[name]; ok {
				counts[i] = x
			}
		}
		labels = append(labels, counts)
	}
	return labels
}
