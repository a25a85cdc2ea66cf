package task

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/internal/filesearch"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/token"
)

// maxLength is the reference's number of word pieces, with [CLS] and [SEP].
const maxLength = 20

// session is what training and prediction have in common.
type session struct {
	task     *dataset.Task
	loss     lxrt.TaskLoss
	opt      *Options
	backend  *backend.Backend
	tok      *token.WordPiece
	answers  *dataset.Answers // nil where statements are true or false
	sources  *dataset.Sources
	planning *planning // nil: it is not only a plan
	kept     kept      // nil: batches bring their regions
	closers  []io.Closer

	// How many examples to predict, and how many steps to train, are worth a compiled graph for each of several sentence
	// lengths instead of one for the longest.
	bucketedExamples, bucketedSteps int
}

// openSession makes a session with a vocabulary.
func openSession(b *backend.Backend, t *dataset.Task, o *Options) (*session, error) {
	if o.Out == nil {
		o.Out = io.Discard
	}
	if o.Notes == nil {
		o.Notes = io.Discard
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.TF32 && b.Kind != backend.KindCUDA {
		fmt.Fprintf(o.Notes, "note: --%s\n", backend.TF32IsForGPUs)
	}
	s := &session{task: t, opt: o, backend: b, sources: &dataset.Sources{}, planning: o.planning, bucketedExamples: 20_000, bucketedSteps: 5000}
	s.closers = append(s.closers, s.sources)
	explicit := o.Vocab
	if own := filepath.Join(o.Root, "vocab.txt"); explicit == "" && filesearch.IsFile(own) {
		explicit = own
	}
	vocab, err := token.Find(explicit, cmp.Or(o.Load, o.LoadLXMERTQA, o.LoadLXMERT, o.Config))
	if err != nil {
		return nil, err
	}
	if s.tok, err = token.Load(vocab); err != nil {
		return nil, err
	}
	return s, nil
}

// newSession makes the session of a task of fine-tuning.
func newSession(b *backend.Backend, t *dataset.Task, o *Options) (*session, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	s, err := openSession(b, t, o)
	if err != nil {
		return nil, err
	}
	if s.loss, err = lossOf(t, o); err != nil {
		return nil, err
	}
	if t.Truth.Table {
		if s.answers, err = dataset.LoadAnswers(o.Root, t); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Close releases the data files.
func (s *session) Close() error {
	var err error
	for _, c := range s.closers {
		err = errors.Join(err, c.Close())
	}
	s.closers = nil
	return err
}

// classes is the number of the task's answers.
func (s *session) classes() int {
	if s.answers == nil {
		return 2
	}
	return s.answers.Len()
}

// load loads some splits; limit is the number of images of each feature file.
func (s *session) load(ctx context.Context, splits []string, limit int) (*dataset.Set, error) {
	set, err := dataset.Load(ctx, s.task, splits, dataset.Options{
		Root: s.opt.Root, Limit: limit, Strict: s.opt.Strict, Log: s.opt.Out, Notes: s.opt.Notes, Packing: s.opt.Packing, Sources: s.sources,
		Open: s.openFeatures(), Trained: region.TrainedOn(cmp.Or(s.opt.Load, s.opt.LoadLXMERTQA, s.opt.LoadLXMERT)),
	})
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, set)
	return set, nil
}

// begin gathers the parameters and compares the model with vocabulary and features.
func (s *session) begin(set *dataset.Set) (*start, error) {
	table := func() (*dataset.QATable, error) {
		return dataset.LoadQATable(filepath.Join(s.opt.Root, "lxmert", "all_ans.json"), nil)
	}
	b, err := beginning(s.task, s.opt, s.classes(), table, s.answers)
	if err != nil {
		return nil, err
	}
	if err := s.fits(b.cfg, set.Dim); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	if err := b.takeOwn(s.opt); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// fits says whether a model can read this vocabulary and features of this width, 0 if there are none.
func (s *session) fits(c lxmert.Config, dim int) error {
	if s.tok.Size() > c.Vocab {
		return fmt.Errorf("task: the vocabulary has %d word pieces, the model %d; --vocab names another vocabulary", s.tok.Size(), c.Vocab)
	}
	if dim != 0 && dim != c.FeatDim {
		return fmt.Errorf("task: the region features have %d numbers each, the model takes %d; --config or the weights say the model's size", dim, c.FeatDim)
	}
	return nil
}

// length is the longest sentence that the model takes.
func (s *session) length(c lxmert.Config) int { return min(maxLength, c.MaxPositions) }
