package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/token"
)

// shelf keeps what questions are made into batches with: vocabularies, feature files, names of classes, and picture
// folders. What has changed on disk is read again.
type shelf struct {
	vocabs  kept[*token.WordPiece]
	sources kept[region.Source]
	looks   kept[region.Look] // at sources
	labels  kept[[]string]
	folders kept[*region.Pictures]
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
func (k *kept[T]) get(path string, make func(path string) (T, error)) (value T, release func(), err error) {
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
	item.made.Do(func() { item.value, item.err = make(path) })
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
	return errors.Join(s.vocabs.close(), s.sources.close(), s.labels.close(), s.folders.close())
}

// source opens region features: the packed store of a published file, as training leaves it beside the file, if it was
// packed from this very file and without rounding; else the file itself. Nothing is packed here.
func (s *shelf) source(path string) (region.Source, func(), error) {
	if stem, ok := strings.CutSuffix(path, ".tsv"); ok {
		if store := stem + ".store"; isStoreOf(store, path) {
			return s.sources.get(store, func(store string) (region.Source, error) { return region.OpenStore(store) })
		}
	}
	return s.sources.get(path, region.Open)
}

// lines are what a person should know about feature files that questions use, each file looked at once.
func (s *shelf) lines(ctx context.Context, paths []string, trained map[string]region.Fingerprint) (lines []string, err error) {
	for _, path := range paths {
		look, release, err := s.looks.get(path, func(path string) (region.Look, error) {
			source, release, err := s.source(path)
			if err != nil {
				return region.Look{}, err
			}
			defer release()
			return region.Examine(ctx, source)
		})
		if err != nil {
			return nil, err
		}
		release()
		lines = append(lines, look.Lines(path, trained)...)
	}
	return lines, nil
}

// isStoreOf says whether a packed store stands for a file, or is all that is there.
func isStoreOf(store, path string) bool {
	text, err := readSmall(filepath.Join(store, "manifest.json"), 64<<20)
	if err != nil {
		return false
	}
	var about struct {
		Complete  bool   `json:"complete"`
		DType     string `json:"dtype"`
		FirstRows int    `json:"firstRows"`
		Source    struct {
			Size     int64     `json:"size"`
			Modified time.Time `json:"modified"`
		} `json:"source"`
	}
	if json.Unmarshal(text, &about) != nil || !about.Complete || about.FirstRows > 0 {
		return false
	}
	file, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return true
	}
	return err == nil && about.DType == "float32" && file.Size() == about.Source.Size && file.ModTime().Equal(about.Source.Modified)
}

// regions finds a picture's regions in the first of some files that has it, and says in which.
func (s *shelf) regions(ctx context.Context, paths []string, id string) (found *region.Regions, in string, err error) {
	var missing []error
	for _, name := range idForms(id) {
		missing = missing[:0]
		for _, path := range paths {
			source, release, err := s.source(path)
			if err != nil {
				return nil, "", err
			}
			r, err := source.Find(ctx, name)
			release()
			if err == nil {
				return r, path, nil
			}
			if !errors.Is(err, region.ErrNotFound) {
				return nil, "", err
			}
			missing = append(missing, err)
		}
	}
	if len(missing) == 1 {
		return nil, "", missing[0]
	}
	return nil, "", fmt.Errorf("%w; the other %d feature files do not have it either", missing[0], len(missing)-1)
}

// images lists the pictures of some files, each once.
func (s *shelf) images(ctx context.Context, paths []string) ([]string, error) {
	all, seen := []string{}, map[string]bool{}
	for _, path := range paths {
		source, release, err := s.source(path)
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

// idForms are the ids that a name may stand for: itself, and for "val2014/17" the id of COCO's picture 17 of that set.
func idForms(name string) []string {
	forms := []string{name}
	set, number, ok := strings.Cut(name, "/")
	if !ok || number == "" || len(number) > 12 || strings.Trim(number, "0123456789") != "" {
		return forms
	}
	number = strings.Repeat("0", 12-len(number)) + number
	for _, year := range []string{"", "2014", "2015"} {
		forms = append(forms, "COCO_"+set+year+"_"+number)
	}
	return forms
}

// maxLabels bounds a file of class names, in bytes.
const maxLabels = 4 << 20

// classNames reads names of classes, one per line; of several separated by commas, the first. "" are none.
func (s *shelf) classNames(path string, builtIn []string) ([]string, error) {
	switch path {
	case "":
		return nil, nil
	case client.Toy:
		return builtIn, nil
	}
	names, release, err := s.labels.get(path, func(path string) ([]string, error) {
		text, err := readSmall(path, maxLabels)
		if err != nil {
			return nil, fmt.Errorf("session: names of classes: %w", err)
		}
		var names []string
		for line := range strings.Lines(string(text)) {
			name, _, _ := strings.Cut(strings.TrimSpace(line), ",")
			names = append(names, name)
		}
		return names, nil
	})
	if err != nil {
		return nil, err
	}
	release()
	return names, nil
}
