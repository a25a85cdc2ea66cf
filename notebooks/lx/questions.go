package lx

import "github.com/seed-516990b0/golxmert/kernel/client"

// QA is a question of a data set with its answers.
type QA = client.QA

// Questions reads the first n questions (0: all) of a file of VQA's, GQA's or NLVR2's format. Instead of a file a split may
// be named, such as "heldout" or "minival": it is looked for beside the model's features, as data/vqa/heldout.json.
func (m *Model) Questions(name string, n int) []QA {
	return must(m.Model.Questions(cell().ctx, name, n))
}
