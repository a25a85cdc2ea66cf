package session

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/question"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
)

// open describes a model, opening it if need be.
func (s *Server) open(ctx context.Context, spec client.Spec) (*client.ModelInfo, error) {
	spec, err := s.expand(spec)
	if err != nil {
		return nil, err
	}
	m, asker, release, err := s.asking(ctx, spec)
	if err != nil {
		return nil, err
	}
	defer release()
	spec.Answers = asker.Options().Answers
	return &client.ModelInfo{
		Spec: spec, Config: m.model.Config(), Head: asker.Head(), Bytes: m.bytes, Notes: slices.Concat(m.notes, asker.Notes()),
	}, nil
}

// asking lends a model and its asker; release must follow.
func (s *Server) asking(ctx context.Context, spec client.Spec) (m *openModel, asker *question.Asker, release func(), err error) {
	if m, release, err = s.models.acquire(ctx, spec); err != nil {
		return nil, nil, nil, err
	}
	if asker, err = s.asker(m, spec); err != nil {
		release()
		return nil, nil, nil, err
	}
	return m, asker, release, nil
}

// asker is the front door of a model, with the files that a spec names. It keeps nothing open itself.
func (s *Server) asker(m *openModel, spec client.Spec) (*question.Asker, error) {
	opt := question.Options{
		Weights: spec.Weights, Folder: spec.Folder, Vocab: spec.Vocab, Answers: spec.Answers, Regions: spec.Regions, Images: spec.Images,
		Objects: spec.Objects, Attributes: spec.Attributes, Files: s.shelf,
	}
	if opt.Objects == client.Toy {
		opt.Objects, opt.ObjectNames = "", toy.Shapes
	}
	if opt.Attributes == client.Toy {
		opt.Attributes, opt.AttributeNames = "", toy.Colors
	}
	return question.Open(m.model.Config(), opt)
}

// run computes a request.
func (s *Server) run(ctx context.Context, notebook string, spec client.Spec, b *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	m, release, err := s.models.acquire(ctx, spec)
	if err != nil {
		return nil, err
	}
	defer release()
	return s.turn(ctx, notebook, m, b, r)
}

// turn runs a request when it is the notebook's turn.
func (s *Server) turn(ctx context.Context, notebook string, m *openModel, b *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	leave, err := s.calls.enter(ctx, notebook, fmt.Sprintf("%d rows of %s", b.Rows(), filepath.Base(m.key.weights)))
	if err != nil {
		return nil, err
	}
	defer leave()
	return m.model.Run(ctx, b, r)
}

// batch makes the model's input of questions.
func (s *Server) batch(ctx context.Context, spec client.Spec, questions []lxmert.Question) (*question.Batch, error) {
	_, asker, release, err := s.asking(ctx, spec)
	if err != nil {
		return nil, err
	}
	defer release()
	return asker.Batch(ctx, questions)
}

// names are what the classes of a model's heads are called.
func (s *Server) names(ctx context.Context, spec client.Spec) (names lxmert.ClassNames, err error) {
	_, asker, release, err := s.asking(ctx, spec)
	if err != nil {
		return names, err
	}
	defer release()
	return asker.Names()
}

// ask makes the model's input of questions, and computes what their answers are read from.
func (s *Server) ask(ctx context.Context, notebook string, spec client.Spec, questions []lxmert.Question) (*question.Batch, *lxmert.Trace, error) {
	m, asker, release, err := s.asking(ctx, spec)
	if err != nil {
		return nil, nil, err
	}
	defer release()
	if err := asker.CanAnswer(); err != nil {
		return nil, nil, err
	}
	b, err := asker.Batch(ctx, questions)
	if err != nil {
		return nil, nil, err
	}
	t, err := s.turn(ctx, notebook, m, b.Batch, asker.Head().Request(asker.Config(), b.Batch))
	return b, t, err
}

// notes are all remarks about a batch, as cells show them.
func notes(b *question.Batch, spec client.Spec) []string {
	all := slices.Concat(b.Notes, b.Doubts)
	if n := len(b.Missing); n > 0 {
		all = append(all, question.MissingNote(n, len(b.Images), b.Missing[0], spec.Images))
	}
	return all
}

// questions reads questions of a file, or with a spec of a split of the data that its model goes with.
func (s *Server) questions(ctx context.Context, spec *client.Spec, name string, n int) ([]client.QA, error) {
	examples, err := func() ([]dataset.Example, error) {
		if spec == nil {
			return dataset.ReadQuestions(ctx, name, n)
		}
		_, asker, release, err := s.asking(ctx, *spec)
		if err != nil {
			return nil, err
		}
		defer release()
		return asker.Questions(ctx, name, n)
	}()
	if err != nil {
		return nil, err
	}
	list := make([]client.QA, len(examples))
	for i, e := range examples {
		list[i] = client.QA{Question: client.Question{Text: e.Text, Images: e.Images}, ID: cmp.Or(e.Identifier, e.ID), Kind: e.QuestionType, Labels: e.Right(), From: name}
	}
	return list, nil
}
