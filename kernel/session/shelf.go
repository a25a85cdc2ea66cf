package session

import (
	"errors"
	"sync"

	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/question"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/token"
)

// shelf keeps what questions are made into batches with: vocabularies, feature files, picture folders, and the names of
// classes and answers. What has changed on disk is read again. It is the question.Files of all askers of the session.
type shelf struct {
	vocabs   kept[*token.WordPiece]
	sources  kept[*question.Source]
	pictures kept[*region.Pictures]
	labels   kept[[]string]
	answers  kept[[]string]
}

func newShelf() *shelf { return &shelf{} }

// maxShelf is how many things of each sort are kept.
const maxShelf = 32

// kept keeps what was made from files, by their paths. The zero value is ready.
type kept[T any] struct {
	mu    sync.Mutex
	clock int
	items map[string]*keptItem[T]
}

type keptItem[T any] struct {
	made  sync.Once
	file  fileStamp
	value T
	err   error
	users int
	used  int
	gone  bool // out of the map: the last user closes it
}

// get returns what a file was made into, making it if need be. release must follow.
func (k *kept[T]) get(path string, open func(path string) (T, error)) (value T, release func(), err error) {
	stamp := stampOf(path)
	k.mu.Lock()
	if k.items == nil {
		k.items = map[string]*keptItem[T]{}
	}
	k.clock++
	item := k.items[path]
	if item != nil && item.file != stamp {
		k.remove(path)
		item = nil
	}
	if item == nil {
		for len(k.items) >= maxShelf && k.evict() {
		}
		item = &keptItem[T]{file: stamp}
		k.items[path] = item
	}
	item.users++
	item.used = k.clock
	k.mu.Unlock()
	item.made.Do(func() { item.value, item.err = open(path) })
	release = sync.OnceFunc(func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		item.users--
		if item.err != nil && k.items[path] == item {
			delete(k.items, path) // it is tried again
		}
		if item.gone && item.users == 0 {
			item.close()
		}
	})
	if item.err != nil {
		release()
		return value, nil, item.err
	}
	return item.value, release, nil
}

// remove takes an item out, and closes it if nobody uses it.
func (k *kept[T]) remove(path string) {
	item := k.items[path]
	delete(k.items, path)
	item.gone = true
	if item.users == 0 {
		item.close()
	}
}

// evict removes the item that was used longest ago, of those that nobody uses.
func (k *kept[T]) evict() bool {
	oldest := ""
	for path, item := range k.items {
		if item.users == 0 && (oldest == "" || item.used < k.items[oldest].used) {
			oldest = path
		}
	}
	if oldest == "" {
		return false
	}
	k.remove(oldest)
	return true
}

func (i *keptItem[T]) close() error {
	if c, ok := any(i.value).(interface{ Close() error }); ok && i.err == nil {
		return c.Close()
	}
	return nil
}

// close closes everything; nobody uses it any more.
func (k *kept[T]) close() (err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, item := range k.items {
		err = errors.Join(err, item.close())
	}
	k.items = nil
	return err
}

func (s *shelf) close() error {
	return errors.Join(s.vocabs.close(), s.sources.close(), s.pictures.close(), s.labels.close(), s.answers.close())
}

// Vocabulary, and the methods below, are question.Files: askers share what the shelf keeps.
func (s *shelf) Vocabulary(path string) (*token.WordPiece, func(), error) {
	return s.vocabs.get(path, func(path string) (*token.WordPiece, error) { return token.Load(path) })
}

func (s *shelf) Source(path string) (*question.Source, func(), error) {
	return s.sources.get(path, question.OpenSource)
}

func (s *shelf) Pictures(dir string) (*region.Pictures, func(), error) {
	return s.pictures.get(dir, region.OpenPictures)
}

func (s *shelf) Labels(path string) ([]string, func(), error) {
	return s.labels.get(path, question.ReadLabels)
}

func (s *shelf) Answers(path string) ([]string, func(), error) {
	return s.answers.get(path, dataset.ReadAnswerNames)
}
