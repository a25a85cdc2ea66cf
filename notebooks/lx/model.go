package lx

import (
	"errors"
	"fmt"

	"github.com/seed-516990b0/golxmert/kernel/client"
)

// Model is a model that the session holds. It is an lxmert.Engine: every function of package analysis takes it.
type Model struct{ *client.Model }

// Spec says which files go with a model: Regions with the features of pictures, Images with the pictures themselves, and
// where they are not found by themselves Config, Vocab, Answers and Objects. Engine "torch" computes with libtorch. Weights is what [Open] is given.
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

// On is the model with the same weights and files on another engine of the session: "torch" for libtorch, "gomlx" for the session's
// backend. Where the session was built without it, a line says what brings it, and ok is false.
func (m *Model) On(engine string) (on *Model, ok bool) {
	spec := m.Info().Spec
	spec.Engine = engine
	opened, err := cell().Open(cell().ctx, spec)
	if errors.Is(err, client.ErrNoEngine) {
		fmt.Println(err)
		return nil, false
	}
	return &Model{must(opened, err)}, true
}

// Question is a sentence and the ids of its pictures: one, or two for NLVR2.
type Question = client.Question
