package embed

import (
	"bufio"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strconv"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/internal/atomicfile"
	"github.com/seed-516990b0/golxmert/internal/filelock"
	"github.com/seed-516990b0/golxmert/internal/safetensors"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Python reads a folder with NumPy alone. It is written into each, as read.py.
//
//go:embed read.py
var Python []byte

// Names of the tensors that say whose words and regions are where.
const (
	wordOffsets   = "offset.words"
	regionOffsets = "offset.regions"
)

// Example is one question or statement.
type Example struct {
	ID     string   `json:"id"`
	Text   string   `json:"text"`
	Images []string `json:"images"`
	Pieces []string `json:"pieces"` // the word pieces that are there, with [CLS] and [SEP]
}

// Writer makes the files of a folder, or of a part of it that one process of several does.
type Writer struct {
	dir   string
	cfg   lxmert.Config
	index Index
	run   string
	anew  bool // files that are there count for nothing
	lock  *filelock.Lock
}

// Create makes a folder, or goes on with one that was made with an equal index. part names what of it this process writes:
// two with the same cannot do so at once. Overwrite throws away what the folder has of another index, and makes files of an
// equal one anew.
func Create(dir string, cfg lxmert.Config, index Index, part string, overwrite bool) (_ *Writer, err error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("embed: %w; choose another folder", err)
	}
	w := &Writer{dir: dir, cfg: cfg, index: index, anew: overwrite}
	if w.run, err = index.run(); err != nil {
		return nil, err
	}
	w.lock, err = filelock.Try(filepath.Join(dir, ".lock-"+part))
	if held := new(filelock.HeldError); errors.As(err, &held) {
		return nil, fmt.Errorf("embed: %s is being written by %s", dir, held.Holder)
	}
	if err != nil {
		return nil, fmt.Errorf("embed: %w", err)
	}
	defer func() {
		if err != nil {
			w.lock.Close()
		}
	}()
	return w, w.begin(overwrite)
}

// Close lets others write.
func (w *Writer) Close() error { return w.lock.Close() }

// Index is what the folder has.
func (w *Writer) Index() *Index { return &w.index }

// begin writes the index, unless it is there.
func (w *Writer) begin(overwrite bool) error {
	there, err := ReadIndex(w.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil && !overwrite:
		return fmt.Errorf("%w; give another folder, or overwrite it", err)
	case err != nil:
	default:
		normal, err := w.index.written()
		if err != nil {
			return err
		}
		same := reflect.DeepEqual(there.Essence(), normal.Essence())
		if same {
			return nil
		}
		if !overwrite && there.anyFile(w.dir) {
			return fmt.Errorf("embed: %s was made %s; give another folder, or overwrite it", w.dir, difference(there.Essence(), normal.Essence()))
		}
		for _, name := range there.Files {
			if err := os.Remove(filepath.Join(w.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("embed: %w", err)
			}
		}
	}
	text, err := json.MarshalIndent(w.index, "", "  ")
	if err != nil {
		return err
	}
	if err := atomicfile.Write(filepath.Join(w.dir, "read.py"), 0o666, Python); err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(w.dir, indexName), 0o666, append(text, '\n'))
}

// written is the index after it was written and read.
func (x Index) written() (back Index, err error) {
	text, err := json.Marshal(x)
	if err == nil {
		err = json.Unmarshal(text, &back)
	}
	return back, err
}

func (x *Index) anyFile(dir string) bool {
	for _, name := range x.Files {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// difference says how two indices differ that are not equal.
func difference(a, b Index) string {
	names := func(x Index) (list []string) {
		for _, a := range x.Activations {
			list = append(list, a.Name)
		}
		return list
	}
	for _, x := range []struct {
		what string
		a, b any
	}{
		{"data", a.Data, b.Data}, {"examples", a.Examples, b.Examples}, {"dtype", a.DType, b.DType}, {"activations", names(a), names(b)},
		{"weights", a.Model.Weights + a.Model.Hash, b.Model.Weights + b.Model.Hash}, {"the model's dtype", a.Model.DType, b.Model.DType},
		{"features", a.Features, b.Features}, {"batch", a.Batch, b.Batch}, {"examples_per_file", a.PerFile, b.PerFile},
	} {
		if !reflect.DeepEqual(x.a, x.b) {
			return fmt.Sprintf("with %s %v, now it is %v", x.what, x.a, x.b)
		}
	}
	return "with other settings"
}

// Done says whether a file is there. A file of another run, or one that was changed, is an error.
func (w *Writer) Done(file int) (bool, error) {
	path := filepath.Join(w.dir, w.index.Files[file])
	if err := atomicfile.Sweep(path); err != nil {
		return false, err
	}
	if w.anew {
		return false, nil
	}
	f, err := openFile(&w.index, w.run, path, file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%w; remove it, and the same command makes it anew", err)
	}
	return true, f.Close()
}

// File is a file that is being made. It is in memory until it is written.
type File struct {
	w        *Writer
	number   int
	model    lxmert.Provenance
	columns  []*column
	examples []Example
	offsets  [2][]int64 // of words, of regions
}

// File begins a file.
func (w *Writer) File(number int) *File {
	f := &File{w: w, number: number, offsets: [2][]int64{{0}, {0}}}
	for _, a := range w.index.Activations {
		f.columns = append(f.columns, &column{Activation: a, dtype: w.index.DType})
	}
	return f
}

// Add appends examples: a batch with the rows of each, the activations of the index of these, and what is said of each but
// its word pieces. The batch's Words, if there are any, name these.
func (f *File) Add(b *lxmert.Batch, t *lxmert.Trace, examples []Example) error {
	pictures := f.w.index.Pictures
	if b.Rows() != pictures*len(examples) {
		return fmt.Errorf("embed: a batch of %d rows for %d examples of %d pictures", b.Rows(), len(examples), pictures)
	}
	f.model = t.Provenance
	for i, e := range examples {
		for p := range pictures {
			row := i*pictures + p
			words, regions := analysis.Present(analysis.ValidWords(b, row)), analysis.PresentRegions(b, row)
			if p == 0 {
				e.Pieces = pieces(b, row, words)
			}
			f.offsets[0] = append(f.offsets[0], f.offsets[0][len(f.offsets[0])-1]+int64(len(words)))
			f.offsets[1] = append(f.offsets[1], f.offsets[1][len(f.offsets[1])-1]+int64(len(regions)))
			for _, c := range f.columns {
				x, at := t.Values[c.Name], b.RowOf(f.w.cfg.Rows(c.Name), row)
				if c.Rows == Examples {
					if p > 0 {
						continue
					}
					at = i
				}
				if err := c.add(x.Row(at), map[string][]int{Words: words, Regions: regions}[c.Rows], map[string][]int{Words: words, Regions: regions}[c.Keys]); err != nil {
					return fmt.Errorf("embed: %s of example %q: %w", c.Name, e.ID, err)
				}
			}
		}
		f.examples = append(f.examples, e)
	}
	return nil
}

// pieces are the word pieces at some positions, by their numbers in the vocabulary where nobody has named them.
func pieces(b *lxmert.Batch, row int, at []int) []string {
	text, _ := b.Pair(row)
	list := []string{}
	for _, t := range at {
		if b.Words != nil {
			list = append(list, b.Words[text].Pieces[t])
		} else {
			list = append(list, strconv.Itoa(int(b.IDs[text][t])))
		}
	}
	return list
}

// NotFinite counts the numbers of each activation that are NaN or infinite.
func (f *File) NotFinite() map[string]int {
	bad := map[string]int{}
	for _, c := range f.columns {
		if c.bad > 0 {
			bad[c.Name] = c.bad
		}
	}
	return bad
}

// Write writes the file, at once or not at all.
func (f *File) Write() error {
	first, last := f.w.index.Share(f.number)
	if len(f.examples) != last-first {
		return fmt.Errorf("embed: %s has %d of its %d examples", f.w.index.Files[f.number], len(f.examples), last-first)
	}
	items := []safetensors.Item{offsetItem(wordOffsets, f.offsets[0]), offsetItem(regionOffsets, f.offsets[1])}
	for _, c := range f.columns {
		it, err := c.item()
		if err != nil {
			return err
		}
		items = append(items, it)
	}
	safetensors.Sort(items)
	meta := map[string]string{"format": format, "run": f.w.run, "first": strconv.Itoa(first)}
	for name, v := range map[string]any{"examples": f.examples, "model": f.model} {
		text, err := json.Marshal(v)
		if err != nil {
			return err
		}
		meta[name] = string(text)
	}
	return atomicfile.Replace(filepath.Join(f.w.dir, f.w.index.Files[f.number]), func(_ *os.File, out *bufio.Writer) error {
		return safetensors.Write(out, items, meta)
	})
}

func offsetItem(name string, offsets []int64) safetensors.Item {
	raw := make([]byte, 0, 8*len(offsets))
	for _, n := range offsets {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(n))
	}
	return safetensors.Item{Name: name, DType: "I64", Shape: []int{len(offsets)}, Values: safetensors.Raw(raw)}
}
