package region

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

// folder holds one file per image.
type folder struct {
	dir string

	look    sync.Once // at the first file: the others are alike
	foreign bool      // it has the names of other programs, which append to the pictures' file names
	said    []string
}

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
	if err := otherFolder(dir, entries); err != nil {
		return nil, err
	}
	return &folder{dir: dir}, nil
}

// otherFolders are the files of folders that are not read, with what to do.
var otherFolders = []struct{ ending, what, advice string }{
	{".mdb", "an LMDB database", "read it with Python's lmdb"},
	{".npy", "single NumPy arrays", "load those of each image (np.load(…, allow_pickle=True) where there is an …_info.npy)"},
	{".h5", "HDF5 files", "read them with h5py"},
	{".hdf5", "HDF5 files", "read them with h5py"},
	{".pkl", "Python pickles", "load them in Python"},
	{".pt", "files of torch.save", "load them in Python"},
	{".pth", "files of torch.save", "load them in Python"},
	{".jpg", "pictures, not their regions", "a detector makes those"},
	{".png", "pictures, not their regions", "a detector makes those"},
}

// otherFolder is the error about a folder with files of a kind that is not read, and none that is.
func otherFolder(dir string, entries []fs.DirEntry) error {
	if slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.IsDir() || slices.Contains(fileTypes[:], filepath.Ext(e.Name())) }) {
		return nil
	}
	for _, other := range otherFolders {
		for _, e := range entries {
			if strings.EqualFold(filepath.Ext(e.Name()), other.ending) {
				return fmt.Errorf("%w: %s has %s, such as %s: %s, and write one file per image with np.savez(id + \".npz\", features=…, boxes=…, width=…, height=…)",
					ErrFormat, dir, other.what, excerpt.Quote(e.Name()), other.advice)
			}
		}
	}
	return nil
}

// first looks at one of the files.
func (s *folder) first() {
	s.look.Do(func() {
		s.walk(context.Background(), func(path, _ string) bool {
			if source, err := s.open(path); err == nil {
				file := source.(*set)
				s.foreign, s.said = file.foreign, file.said
				source.Close()
			}
			return false
		})
	})
}

// notes say how the files are read.
func (s *folder) notes() []string {
	s.first()
	return s.said
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
		if path, ok := s.foreignFile(name); ok {
			return s.read(ctx, path, id)
		}
	}
	ids, err := s.IDs(ctx)
	if err != nil {
		return nil, err
	}
	return nil, notFound(s.dir, id, ids)
}

// foreignFile finds the file of an image that is called like its picture's file.
func (s *folder) foreignFile(name string) (path string, ok bool) {
	if s.first(); !s.foreign {
		return "", false
	}
	for _, picture := range pictureEndings {
		for _, ending := range fileTypes {
			path := filepath.Join(s.dir, name+picture+ending)
			if info, err := os.Stat(path); err == nil && !info.IsDir() {
				return path, true
			}
		}
	}
	return "", false
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
	s.first()
	return s.walk(ctx, func(path, id string) bool {
		if s.foreign {
			id = withoutEnding(id)
		}
		return use(path, id)
	})
}

// walk is each with the ids that the files' names say.
func (s *folder) walk(ctx context.Context, use func(path, id string) bool) error {
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
