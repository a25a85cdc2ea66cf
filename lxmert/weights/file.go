package weights

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/seed-516990b0/golxmert/lxmert/internal/filekind"
	"github.com/seed-516990b0/golxmert/lxmert/internal/safetensors"
	"github.com/seed-516990b0/golxmert/lxmert/weights/internal/pickle"
)

// ErrFormat is wrapped by errors that say a file is damaged or of no kind that this package reads.
var ErrFormat = errors.New("unreadable weights")

// Formats of files, as [File.Format] names them.
const (
	FormatSafetensors = "safetensors"
	FormatZip         = "pth (zip)"
	FormatLegacy      = "pth (legacy)"
	FormatShards      = "safetensors (shards)"
)

// File is an open file of tensors. Its methods may be called from several goroutines.
type File struct {
	Path   string
	Format string
	// Metadata are the notes of a safetensors file, nil elsewhere.
	Metadata map[string]string
	// Object is what torch.save was given, nil elsewhere. Python's values are Go's: nil, bool, int64, *big.Int, float64,
	// string, *Tensor, and Dict, List, Tuple and Bytes of this package.
	Object any

	tensors []*Tensor
	byName  map[string]*Tensor
	sources []*source
}

// Values of Python that Go has no type for.
type (
	// Dict is a Python dict or OrderedDict; its Attrs may hold a state dict's "_metadata".
	Dict = pickle.Dict
	// List is a Python list or set.
	List = pickle.List
	// Tuple is a Python tuple.
	Tuple = pickle.Tuple
	// Bytes is a Python bytes object.
	Bytes = pickle.Bytes
)

// Open opens a file of tensors. What it is tells its content, not its name: .safetensors, torch.save's zip format, its
// older format, or the index of a model in several safetensors files. A damaged or unknown file is an error that wraps
// [ErrFormat]; checksums of a zip's members are compared when their values are first read.
func Open(path string) (*File, error) {
	src, err := openSource(path)
	if err != nil {
		return nil, err
	}
	return openFrom(src)
}

// openFrom takes the source over.
func openFrom(src *source) (*File, error) {
	f := &File{Path: src.path, sources: []*source{src}}
	err := f.read(src)
	f.byName = make(map[string]*Tensor, len(f.tensors))
	for _, t := range f.tensors {
		if f.byName[t.Name] != nil && err == nil {
			err = fmt.Errorf("two tensors are called %q", short(t.Name))
		}
		f.byName[t.Name] = t
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%w: %s: %w", ErrFormat, src.path, err)
	}
	return f, nil
}

func (f *File) read(src *source) error {
	kind, err := filekind.Read(src)
	if err != nil {
		return err
	}
	switch {
	case kind.IsZip():
		f.Format = FormatZip
		f.Object, err = readZip(src)
	case kind == filekind.TorchLegacy:
		f.Format = FormatLegacy
		f.Object, err = readLegacy(src)
	case kind == filekind.Safetensors:
		f.Format = FormatSafetensors
		return f.readSafetensors(src)
	case kind == filekind.JSON:
		f.Format = FormatShards
		return f.readShards(src)
	default:
		return notWeights(kind)
	}
	if err != nil {
		return err
	}
	w := walker{left: 1000 + int(min(src.size, 1<<22))}
	if err := w.walk("", f.Object, 0); err != nil {
		return err
	}
	f.tensors = w.found
	return nil
}

// notWeights says what a file is that is none of ours.
func notWeights(kind filekind.Kind) error {
	advice := "weights are .safetensors or a .pth of torch.save"
	switch kind {
	case filekind.Pickle:
		advice = "not one of torch.save either: load it in Python, and write its tensors with torch.save"
	case filekind.HDF5:
		advice = "TensorFlow and Keras write such files: load it in Python, and write its tensors with torch.save"
	}
	return errors.New(kind.Not("weights", advice))
}

func (f *File) readSafetensors(src *source) error {
	entries, metadata, dataStart, err := safetensors.ReadHeader(src, src.size)
	if err != nil {
		return err
	}
	if f.Metadata == nil {
		f.Metadata = metadata
	}
	for _, e := range entries {
		st := &storage{src: src, key: e.Name, off: dataStart + e.Begin, size: e.End - e.Begin}
		t, err := newView(st, DType(e.DType), 0, e.Shape, nil)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", short(e.Name), err)
		}
		t.Name = e.Name
		f.tensors = append(f.tensors, t)
	}
	return nil
}

// readShards opens the files that an index such as model.safetensors.index.json names. They must lie beside it.
func (f *File) readShards(src *source) error {
	if src.size > 64<<20 {
		return errors.New("an index over 64 MB")
	}
	text, err := src.bytes(0, src.size)
	if err != nil {
		return err
	}
	var index struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(text, &index); err != nil || len(index.WeightMap) == 0 {
		return errors.New("a JSON file, but not the index of a model (no weight_map)")
	}
	var names []string
	for _, name := range index.WeightMap {
		if !slices.Contains(names, name) {
			if names = append(names, name); len(names) > 1000 {
				return errors.New("the index names more than 1000 files")
			}
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if name != filepath.Base(name) || !filepath.IsLocal(name) {
			return fmt.Errorf("the index names %q, which is not a file beside it", short(name))
		}
		path := filepath.Join(filepath.Dir(src.path), name)
		part, err := openSource(path)
		if err != nil {
			return fmt.Errorf("a part that the index names: %w", err)
		}
		f.sources = append(f.sources, part)
		if err := f.readSafetensors(part); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	for _, t := range f.tensors {
		if index.WeightMap[t.Name] != filepath.Base(t.Path()) {
			return fmt.Errorf("tensor %q is in %s, which the index does not say", short(t.Name), t.Path())
		}
	}
	if len(f.tensors) != len(index.WeightMap) {
		return fmt.Errorf("the index names %d tensors, its files have %d", len(index.WeightMap), len(f.tensors))
	}
	return nil
}

// Close releases the file and what [Tensor.Bytes] returned.
func (f *File) Close() error {
	var errs []error
	for _, s := range f.sources {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// Names lists the tensors in the file's order. In a nested checkpoint, names are joined with dots.
func (f *File) Names() []string {
	names := make([]string, len(f.tensors))
	for i, t := range f.tensors {
		names[i] = t.Name
	}
	return names
}

// Tensor returns a tensor by its name in the file.
func (f *File) Tensor(name string) (*Tensor, bool) {
	t, ok := f.byName[name]
	return t, ok
}

// Size is the number of bytes on disk.
func (f *File) Size() int64 {
	n := int64(0)
	for _, s := range f.sources {
		n += s.size
	}
	return n
}

// maxDepth is how deep a checkpoint's values may be nested.
const maxDepth = 64

// walker finds the tensors in a nested value. A pickle can refer to a value any number of times, to itself even: what is
// looked at, and the length of the names on the way, is limited.
type walker struct {
	found []*Tensor
	left  int
}

func (w *walker) walk(name string, v any, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("values are nested deeper than %d, or contain themselves", maxDepth)
	}
	switch v := v.(type) {
	case *Tensor:
		t := *v
		if t.Name = name; depth == 0 {
			t.Name = "tensor"
		}
		w.found = append(w.found, &t)
	case *Dict:
		for _, p := range v.Pairs {
			if err := w.child(name, p.Key, p.Value, depth); err != nil {
				return err
			}
		}
	case *List:
		return w.items(name, v.Items, depth)
	case *Tuple:
		return w.items(name, v.Items, depth)
	}
	return nil
}

func (w *walker) items(name string, values []any, depth int) error {
	for i, v := range values {
		if err := w.child(name, i, v, depth); err != nil {
			return err
		}
	}
	return nil
}

// child walks into a value that stands under a key of another.
func (w *walker) child(name string, key, v any, depth int) error {
	cost := 1
	switch v.(type) {
	case *Tensor, *Dict, *List, *Tuple:
		part := fmt.Sprint(keyText(key))
		if depth > 0 {
			part = name + "." + part
		}
		if name = part; len(name) > 4096 {
			return errors.New("a name is longer than 4096 bytes")
		}
		cost += len(name) / 64
	default:
		v = nil // no tensor in there
	}
	if w.left -= cost; w.left < 0 {
		return errors.New("values refer to each other so often that the file unfolds to more than its size")
	}
	return w.walk(name, v, depth+1)
}

// keyText is a dict's key as a part of a tensor's name. Tuples, which may nest, are not spelled out.
func keyText(key any) any {
	if _, ok := key.(*Tuple); ok {
		return "(...)"
	}
	return key
}

// exists reports whether path is a file that can be looked at.
func exists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}
