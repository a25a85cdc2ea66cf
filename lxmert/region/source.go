package region

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/internal/filekind"
)

// Source holds the regions of some images. Its methods may be called from several goroutines.
type Source interface {
	// Find returns the regions of an image; of several with that id, the last. The error wraps [ErrNotFound] if there is
	// none, and says which ids there are. The first Find in a TSV goes through the whole file, to the last row: at the
	// speed of the disk, as nothing else is decoded. A [Store] reads one record.
	Find(ctx context.Context, id string) (*Regions, error)
	// IDs lists the images in the source's order, each once.
	IDs(ctx context.Context) ([]string, error)
	// All goes through the images in the source's order, with those that later ones replace. It stops after an error.
	All(ctx context.Context) iter.Seq2[*Regions, error]
	Close() error
}

// Open opens a TSV, a .npz or .safetensors file, a folder of these two, or a packed store. What a file is tells its
// content, not its name.
func Open(path string) (Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("region: %w%s", err, beside(path))
	}
	if info.IsDir() {
		return openFolder(path)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("region: %s is neither a file nor a folder", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("region: %w", err)
	}
	s, err := openFile(f, path, info.Size())
	if err != nil {
		f.Close()
		return nil, err
	}
	return s, nil
}

// openFile takes the file over unless it returns an error.
func openFile(f *os.File, path string, size int64) (Source, error) {
	kind, err := filekind.Read(f)
	if err != nil {
		return nil, fmt.Errorf("region: %w", err)
	}
	advice := ""
	switch kind {
	case filekind.Safetensors:
		return openSafetensors(f, path, size)
	case filekind.TSV, filekind.Text:
		return openTSV(f, path), nil
	case filekind.NPY:
		advice = "np.savez writes the .npz that is needed, with features, boxes, width and height"
	case filekind.HDF5:
		advice = "it is not read: " + rewrite("h5py")
	case filekind.LMDB:
		advice = "it is not read: " + rewrite("Python's lmdb")
	case filekind.Pickle, filekind.TorchZip, filekind.TorchLegacy, filekind.JSON, filekind.PythonText,
		filekind.MATLAB, filekind.Parquet, filekind.Arrow, filekind.Feather, filekind.SQLite:
		advice = "it is not read: " + rewrite("Python")
	case filekind.PNG, filekind.JPEG, filekind.GIF, filekind.WebP, filekind.TIFF:
		advice = "a detector finds regions in pictures"
	case filekind.Unknown:
		advice = "neither a TSV nor .npz nor .safetensors"
	}
	if kind.IsZip() && kind != filekind.TorchZip {
		return openNPZ(f, path, size)
	}
	return nil, fmt.Errorf("%w: %s: %s", ErrFormat, path, kind.Not("region features", advice))
}

// rewrite says how to turn a file that is not read into one that is.
func rewrite(with string) string {
	return "read it with " + with + " and write np.savez(\"ID.npz\", features=…, boxes=…, width=…, height=…), one file per image"
}

// Find opens a source, returns the regions of one image, and closes it.
func Find(ctx context.Context, path, id string) (*Regions, error) {
	s, err := Open(path)
	if err != nil {
		return nil, err
	}
	r, err := s.Find(ctx, id)
	return r, errors.Join(err, s.Close())
}

// notFound says what ids look like, the most similar ones first.
func notFound(path, id string, ids []string) error {
	if len(ids) == 0 {
		return fmt.Errorf("region: %w: %s in %s, which is empty", ErrNotFound, excerpt.Quote(id), path)
	}
	near := func(other string) int {
		a, b := strings.ToLower(id), strings.ToLower(other)
		n := 0
		for n < len(a) && n < len(b) && a[n] == b[n] {
			n++
		}
		m := 0
		for m < len(a) && m < len(b) && a[len(a)-1-m] == b[len(b)-1-m] {
			m++
		}
		return n + m
	}
	type candidate struct {
		id   string
		near int
	}
	var best []candidate
	for _, other := range ids {
		c := candidate{other, near(other)}
		at, _ := slices.BinarySearchFunc(best, c, func(a, b candidate) int {
			return cmp.Or(cmp.Compare(b.near, a.near), -1) // equals stay in their order
		})
		if at < 3 {
			best = slices.Insert(best, at, c)
			best = best[:min(len(best), 3)]
		}
	}
	var names []string
	for _, c := range best {
		names = append(names, excerpt.Quote(c.id))
	}
	if !slices.Contains(names, excerpt.Quote(ids[0])) {
		names = append(names, excerpt.Quote(ids[0]))
	}
	images := "images"
	if len(ids) == 1 {
		images = "image"
	}
	return fmt.Errorf("region: %w: %s is not in %s; its %d %s are called like %s", ErrNotFound, excerpt.Quote(id), path, len(ids), images, strings.Join(names, ", "))
}

// beside names what region features there are in the folder of a path that does not exist.
func beside(path string) string {
	dir := filepath.Dir(path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	var names []string
	for _, e := range entries {
		switch filepath.Ext(e.Name()) {
		case ".tsv", ".npz":
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		return ""
	}
	if len(names) > 5 {
		names = append(names[:5], "…")
	}
	return fmt.Sprintf("; %s has %s", dir, strings.Join(names, ", "))
}
