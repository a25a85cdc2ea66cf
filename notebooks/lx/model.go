package lx

import "github.com/seed-516990b0/golxmert/kernel/client"

// Model is a model that the session holds. It is an lxmert.Engine: every function of package analysis takes it.
type Model struct{ *client.Model }

// Spec says which files go with a model: Regions with the features of pictures, Images with the pictures themselves, and
// where they are not found by themselves Config, Vocab, Answers and Objects. Weights is what [Open] is given.
type Spec = client.Spec

// Open opens a model, or finds it open in the session, where it stays. name is "toy" for the built-in world's model, a
// file of weights (its suffix may be left out), a Hugging Face folder, or the folder of a run.
func Open(name string, with ...Spec) *Model {
	spec := Spec{}
	if len(with) > 0 {
		spec = with[0]
	}
	spec.Weights = name
	return &Model{must(cell().Open(cell().ctx, spec))}
}

// Question is a sentence and the ids of its pictures: one, or two for NLVR2.
type Question = client.Question
