package weights

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/seed-516990b0/golxmert/internal/filekind"
	"github.com/seed-516990b0/golxmert/internal/safetensors"
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
	FormatZipShards   = "pth (shards)"
)

// File is an open file of tensors. Its methods may be called from several goroutines.
type File struct {
	Path   string
	Format string
	// Metadata are the notes of a safetensors file, nil elsewhere.
	Metadata map[string]string
	// Object is what torch.save was given, nil elsewhere and for several files. Python's values are Go's: nil, bool, int64, *big.Int, float64,
	// string, *Tensor, TorchDType, and Dict, List, Tuple, Bytes, Class and Object of this package.
	Object any

	tensors    []*Tensor
	byName     map[string]*Tensor
	extras     []Extra
	moreExtras int
	sources    []*source
}

// Values of Python that Go has no type for.
type (
	// Dict is a Python dict or OrderedDict; its Attrs may hold a state dict's "_metadata".
	Dict = pickle.Dict
	// List is a Python list or set.
	List = pickle.List
	// Tuple is a Python tuple.
	Tuple = pickle.Tuple
	// Bytes is a Python bytes or bytearray object.
	Bytes = pickle.Bytes
)

// Open opens a file of tensors. What it is tells its content, not its name: .safetensors, torch.save's zip format, its
// older format, or the index of a model in several such files (model.safetensors.index.json, pytorch_model.bin.index.json). A damaged or unknown file is an error that wraps
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
	if kind == filekind.JSON {
		return f.readShards(src)
	}
	return f.readOne(src, kind)
}

// readOne adds the tensors of one file that is not an index.
func (f *File) readOne(src *source, kind filekind.Kind) error {
	var err error
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
	default:
		return notWeights(kind)
	}
	if err != nil {
		return err
	}
	w := walker{left: 1000 + int(min(src.size, 1<<22)), inside: map[*Object]bool{}}
	if err := w.walk("", f.Object, 0); err != nil {
		return err
	}
	f.tensors = append(f.tensors, w.found...)
	f.extras, f.moreExtras = w.extras, w.more
	return nil
}

// notWeights says what a file is if it holds no weights that we read.
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

// readShards opens the files that an index names. They must lie beside it.
func (f *File) readShards(src *source) error {
	if src.size > 64<<20 {
		return errors.New("an index over 64 MB")
	}
	text, err := src.bytes(0, src.size)
	if err != nil {
		return err
	}
	if text, err = filekind.JSONText(text); err != nil {
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
		kind, err := filekind.Read(part)
		if err == nil {
			err = f.readOne(part, kind)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	if f.Format = FormatShards; f.Object != nil { // of the last part
		f.Format, f.Object, f.extras, f.moreExtras = FormatZipShards, nil, nil, 0
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

// Extras lists what a .pth file holds beside its tensors, in the file's order: what stands at its top, and objects of
// classes and containers without tensors anywhere. More counts those beyond the first hundred.
func (f *File) Extras() (extras []Extra, more int) {
	return slices.Clone(f.extras), f.moreExtras
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

// exists reports whether path is a file that can be looked at.
func exists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}
