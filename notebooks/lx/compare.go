package lx

import (
	"errors"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/kernel/client"
)

// Compare asks two models the same questions: before and after fine-tuning, or two runs. It says how many answers changed, got better
// and got worse, whether both find the same words and regions relevant, how far apart their attention is, head by head, how alike their
// levels are, and how far the weights have moved; the questions whose answers changed most are explained in both models, side by side.
// Heads with other answers are compared by the answers' names. Regions are those of the first model. names are what to call the two.
//
//	lx.Show(lx.Compare(before, after, before.Questions("heldout", 100), "before", "after"))
//
// `lxmert compare` is the same on the command line, with a line for every question.
func Compare(a, b *Model, questions []QA, names ...string) analysis.Collection {
	if a == nil || b == nil {
		fail(errors.New("Compare takes two models, such as lx.Open(\"toy-pretrained\") and lx.Open(\"toy\")"))
	}
	if len(names) != 0 && len(names) != 2 {
		fail(errors.New("Compare takes two names, one for each model, or none"))
	}
	with := b.Info().Spec
	settings := client.StudySettings{With: &with, Names: names}
	for _, q := range questions {
		settings.Right = append(settings.Right, q.Labels)
	}
	return must(studied[analysis.Collection](a, "compare", questions, settings))
}
