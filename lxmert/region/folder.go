package region

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
)

// folder holds one file per image.
type folder struct{ dir string }

// fileTypes are the endings of a folder's files, in order of preference.
var fileTypes = [...]string{".npz", ".safetensors"}

func openFolder(dir string) (Source, error) {
	if isStore(dir) {
		store, err := OpenStore(dir)
		if err != nil {
			return nil, err
		}
		return store, nil
	}
	s := &folder{dir}
	var tsvs []string
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("region: %w", err)
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) == ".tsv" {
			tsvs = append(tsvs, e.Name())
		}
	}
	if len(tsvs) > 0 {
		return nil, fmt.Errorf("region: %s is a folder of TSVs: name one of them: %s", dir, strings.Join(tsvs, ", "))
	}
	return s, nil
}

func (s *folder) Close() error { return nil }

// open opens the file of one image.
func (s *folder) open(path string) (Source, error) {
	source, err := Open(path)
	if err != nil {
		return nil, err
	}
	if file, ok := source.(*set); !ok || !file.single {
		source.Close()
		return nil, fmt.Errorf("%w: %s: a folder's files must be .npz or .safetensors with one image each; open this one by its own name", ErrFormat, path)
	}
	return source, nil
}

func (s *folder) Find(ctx context.Context, id string) (*Regions, error) {
	if name := filepath.FromSlash(id); filepath.IsLocal(name) {
		for _, ending := range fileTypes {
			path := filepath.Join(s.dir, name+ending)
			if info, err := os.Stat(path); err != nil || info.IsDir() {
				continue
			}
			return s.read(ctx, path, id)
		}
	}
	ids, err := s.IDs(ctx)
	if err != nil {
		return nil, err
	}
	return nil, notFound(s.dir, id, ids)
}

// read reads the file of one image, which goes by its place in the folder.
func (s *folder) read(ctx context.Context, path, id string) (*Regions, error) {
	source, err := s.open(path)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	for r, err := range source.All(ctx) {
		if err != nil {
			return nil, err
		}
		r.ID = id
		return r, nil
	}
	return nil, fmt.Errorf("%w: %s: no image in it", ErrFormat, path)
}

// each goes through the images' files in alphabetical order, those with two files once.
func (s *folder) each(ctx context.Context, use func(path, id string) bool) error {
	seen := map[string]bool{}
	err := filepath.WalkDir(s.dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || e.IsDir() {
			return err
		}
		for _, ending := range fileTypes {
			name, ok := strings.CutSuffix(path, ending)
			if !ok {
				continue
			}
			rel, err := filepath.Rel(s.dir, name)
			if err != nil {
				return err
			}
			if id := filepath.ToSlash(rel); !seen[id] {
				seen[id] = true
				if !use(path, id) {
					return filepath.SkipAll
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("region: %w", err)
	}
	return nil
}

func (s *folder) IDs(ctx context.Context) ([]string, error) {
	var ids []string
	err := s.each(ctx, func(_, id string) bool {
		ids = append(ids, id)
		return true
	})
	return ids, err
}

func (s *folder) All(ctx context.Context) iter.Seq2[*Regions, error] {
	return func(yield func(*Regions, error) bool) {
		stopped := false
		err := s.each(ctx, func(path, id string) bool {
			r, err := s.read(ctx, path, id)
			stopped = !yield(r, err) || err != nil
			return !stopped
		})
		if err != nil && !stopped {
			yield(nil, err)
		}
	}
}
