package question

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/token"
)

// Files opens what an [Asker] reads. A program that stays gives its own, to share open files between askers and to close
// those that nobody uses: release is called once with each, after the last use. The functions to open with are
// token.Load, [OpenSource], region.OpenPictures, region.ReadLabels and dataset.ReadAnswerNames. Methods may be called from several goroutines.
type Files interface {
	Vocabulary(path string) (w *token.WordPiece, release func(), err error)
	Source(path string) (s *Source, release func(), err error)
	Pictures(dir string) (p *region.Pictures, release func(), err error)
	Labels(path string) (names []string, release func(), err error)
	Answers(path string) (names []string, release func(), err error)
}

// Source is an open file of region features, and what there is to say about it.
type Source struct {
	region.Source
	mu   sync.Mutex
	look *region.Look // nil: nobody has looked
}

// OpenSource is region.Open.
func OpenSource(path string) (*Source, error) {
	s, err := region.Open(path)
	if err != nil {
		return nil, err
	}
	return &Source{Source: s}, nil
}

// Examine is region.Examine of the first call: a file is looked at once.
func (s *Source) Examine(ctx context.Context, used ...*region.Regions) (region.Look, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.look == nil {
		look, err := region.Examine(ctx, s.Source, used...)
		if err != nil {
			return look, err
		}
		s.look = &look
	}
	return *s.look, nil
}

// openSource opens region features: the packed store of a published file, if training has left one, else the file itself.
func openSource(files Files, path string) (*Source, func(), error) {
	if store, ok := region.Packed(path); ok {
		path = store
	}
	return files.Source(path)
}

// ImageIDs lists the pictures that the files of Options.Regions have, in their order, each once.
func (a *Asker) ImageIDs(ctx context.Context) ([]string, error) {
	return ImageIDs(ctx, a.files, a.opt.Regions)
}

// ImageIDs is [Asker.ImageIDs] without a model.
func ImageIDs(ctx context.Context, files Files, regions []string) ([]string, error) {
	all, seen := []string{}, map[string]bool{}
	for _, path := range regions {
		source, release, err := openSource(files, path)
		if err != nil {
			return nil, err
		}
		ids, err := source.IDs(ctx)
		release()
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if !seen[id] {
				seen[id] = true
				all = append(all, id)
			}
		}
	}
	return all, nil
}

// loadVocabulary is token.Load of the published kind.
func loadVocabulary(path string) (*token.WordPiece, error) { return token.Load(path) }

// openFiles opens each file once and keeps it until it is closed. The zero value is ready.
type openFiles struct {
	vocabs   opened[*token.WordPiece]
	sources  opened[*Source]
	pictures opened[*region.Pictures]
	labels   opened[[]string]
	answers  opened[[]string]
}

func (f *openFiles) Vocabulary(path string) (*token.WordPiece, func(), error) {
	return f.vocabs.get(path, loadVocabulary)
}

func (f *openFiles) Source(path string) (*Source, func(), error) {
	return f.sources.get(path, OpenSource)
}

func (f *openFiles) Pictures(dir string) (*region.Pictures, func(), error) {
	return f.pictures.get(dir, region.OpenPictures)
}

func (f *openFiles) Labels(path string) ([]string, func(), error) {
	return f.labels.get(path, region.ReadLabels)
}

func (f *openFiles) Answers(path string) ([]string, func(), error) {
	return f.answers.get(path, dataset.ReadAnswerNames)
}

func (f *openFiles) close() (err error) {
	f.sources.mu.Lock()
	defer f.sources.mu.Unlock()
	for _, s := range f.sources.all {
		err = errors.Join(err, s.Close())
	}
	f.sources.all = nil
	return err
}

// opened are the files of one sort, by their paths.
type opened[T any] struct {
	mu  sync.Mutex
	all map[string]T
}

func (o *opened[T]) get(path string, open func(string) (T, error)) (value T, release func(), err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	value, ok := o.all[path]
	if !ok {
		if value, err = open(path); err != nil {
			return value, nil, err
		}
		if o.all == nil {
			o.all = map[string]T{}
		}
		o.all[path] = value
	}
	return value, func() {}, nil
}

// quietSearch is how long a search may take in silence.
const quietSearch = 2 * time.Second

// sayLong tells the log if a search takes long: a file of gigabytes is searched for a while. stop must follow.
func (a *Asker) sayLong(id, path string) (stop func()) {
	if a.opt.Log == nil {
		return func() {}
	}
	return after(quietSearch, func() { fmt.Fprintf(a.opt.Log, "looking for %q in %s ...\n", id, path) })
}

// after calls a function unless it is stopped before.
func after(wait time.Duration, call func()) (stop func()) {
	done, finished := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(finished)
		select {
		case <-done:
		case <-time.After(wait):
			call()
		}
	}()
	return func() { close(done); <-finished }
}
