package session

import (
	"context"
	"errors"
	"io"

	"github.com/seed-516990b0/golxmert/internal/lru"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/question"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/token"
)

// shelf keeps what questions are made into batches with: vocabularies, feature files, picture folders, and the names of
// classes and answers. What has changed on disk is read again. It is the question.Files of all askers of the session.
type shelf struct {
	vocabs   *kept[*token.WordPiece]
	sources  *kept[*question.Source]
	pictures *kept[*region.Pictures]
	labels   *kept[[]string]
	answers  *kept[[]string]
}

func newShelf() *shelf {
	return &shelf{
		vocabs:   newKept(func(path string) (*token.WordPiece, error) { return token.Load(path) }),
		sources:  newKept(question.OpenSource),
		pictures: newKept(region.OpenPictures),
		labels:   newKept(region.ReadLabels),
		answers:  newKept(dataset.ReadAnswerNames),
	}
}

// maxShelf is how many things of each sort are kept.
const maxShelf = 32

// kept keeps what was made from files, by their paths.
type kept[T any] struct {
	cache lru.Cache[string, stamped[T]]
	read  func(path string) (T, error)
}

// stamped is what was made from a file as it was then.
type stamped[T any] struct {
	value T
	file  fileStamp
}

func newKept[T any](read func(path string) (T, error)) *kept[T] {
	return &kept[T]{read: read, cache: lru.Cache[string, stamped[T]]{
		Limit: maxShelf,
		Fresh: func(path string, s stamped[T]) bool { return s.file == stampOf(path) },
		Free: func(_ string, s stamped[T]) error {
			if c, ok := any(s.value).(io.Closer); ok {
				return c.Close()
			}
			return nil
		},
	}}
}

// get returns what a file was made into. release must follow.
func (k *kept[T]) get(path string) (value T, release func(), err error) {
	s, release, err := k.cache.Get(context.Background(), path, func() (stamped[T], error) {
		stamp := stampOf(path)
		value, err := k.read(path)
		return stamped[T]{value, stamp}, err
	})
	return s.value, release, err
}

func (s *shelf) close() error {
	return errors.Join(s.vocabs.cache.Close(), s.sources.cache.Close(), s.pictures.cache.Close(), s.labels.cache.Close(), s.answers.cache.Close())
}

// Vocabulary, and the methods below, are question.Files: askers share what the shelf keeps.
func (s *shelf) Vocabulary(path string) (*token.WordPiece, func(), error) { return s.vocabs.get(path) }

func (s *shelf) Source(path string) (*question.Source, func(), error) { return s.sources.get(path) }

func (s *shelf) Pictures(dir string) (*region.Pictures, func(), error) { return s.pictures.get(dir) }

func (s *shelf) Labels(path string) ([]string, func(), error) { return s.labels.get(path) }

func (s *shelf) Answers(path string) ([]string, func(), error) { return s.answers.get(path) }
