package embed

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"github.com/seed-516990b0/golxmert/internal/safetensors"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// Row is what a folder has of one example.
type Row struct {
	Example
	Number int // of the example in the data set
	// Pairs are the values of each pair of the sentence with a picture, by activation: [words,...], [regions,...], or without
	// such an axis; keys are the pair's own. What an example has once, such as out.task of NLVR2, is in the first.
	Pairs []map[string]lxmert.Tensor
}

// Read goes through the examples of a folder in their order. Names are those of activations, patterns as in [lxmert.Match]
// allowed; none are all. One example is in memory at a time. A file that is missing, because its run is not done, or that was
// changed, is an error that names it.
func Read(dir string, names ...string) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		x, err := ReadIndex(dir)
		if err != nil {
			yield(nil, err)
			return
		}
		wanted, err := x.find(names)
		if err != nil {
			yield(nil, fmt.Errorf("%s: %w", dir, err))
			return
		}
		run, err := x.run()
		if err != nil {
			yield(nil, err)
			return
		}
		for k := range x.Files {
			if !x.readFile(dir, run, k, wanted, yield) {
				return
			}
		}
	}
}

// find are the activations with some names.
func (x *Index) find(patterns []string) ([]Activation, error) {
	if len(patterns) == 0 {
		return x.Activations, nil
	}
	var found []Activation
	var has []string
	for _, a := range x.Activations {
		has = append(has, a.Name)
		if slices.ContainsFunc(patterns, func(p string) bool { return lxmert.Match(p, a.Name) }) {
			found = append(found, a)
		}
	}
	for _, p := range patterns {
		if !slices.ContainsFunc(has, func(name string) bool { return lxmert.Match(p, name) }) {
			return nil, fmt.Errorf("there is no activation %q, there are %v", p, has)
		}
	}
	return found, nil
}

// readFile goes through one file. It is false if there is to be no further one.
func (x *Index) readFile(dir, run string, number int, wanted []Activation, yield func(*Row, error) bool) bool {
	path := filepath.Join(dir, x.Files[number])
	f, err := openFile(x, run, path, number)
	if os.IsNotExist(err) {
		err = fmt.Errorf("%w: file %d of %d is not done; the command that makes the folder goes on with it", err, number, len(x.Files))
	}
	if err != nil {
		yield(nil, err)
		return false
	}
	defer f.Close()
	first, _ := x.Share(number)
	for i, e := range f.examples {
		row := &Row{Example: e, Number: first + i}
		for p := range x.Pictures {
			values := map[string]lxmert.Tensor{}
			for _, a := range wanted {
				if a.Rows == Examples && p > 0 {
					continue
				}
				if values[a.Name], err = f.read(&a, i, i*x.Pictures+p); err != nil {
					yield(nil, fmt.Errorf("%s: %w", path, err))
					return false
				}
			}
			row.Pairs = append(row.Pairs, values)
		}
		if !yield(row, nil) {
			return false
		}
	}
	return true
}

// file is a file that is open.
type file struct {
	*os.File
	start    int64
	entries  map[string]safetensors.Entry
	examples []Example
	offsets  map[string][]int64 // Words, Regions
}

// openFile opens a file and checks all of it but the numbers.
func openFile(x *Index, run, path string, number int) (_ *file, err error) {
	f := &file{entries: map[string]safetensors.Entry{}, offsets: map[string][]int64{}}
	if f.File, err = os.Open(path); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
			err = fmt.Errorf("%s: %w", path, err)
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	entries, meta, start, err := safetensors.ReadHeader(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if meta["format"] != format {
		return nil, fmt.Errorf("%w: its format is %.60q, expected %q", ErrFormat, meta["format"], format)
	}
	if meta["run"] != run {
		return nil, fmt.Errorf("%w: it was made by another run than index.json, with other settings or weights", ErrFormat)
	}
	f.start = start
	for _, e := range entries {
		f.entries[e.Name] = e
	}
	first, last := x.Share(number)
	if err := json.Unmarshal([]byte(meta["examples"]), &f.examples); err != nil || len(f.examples) != last-first || meta["first"] != fmt.Sprint(first) {
		return nil, fmt.Errorf("%w: it has %d examples from %.20q on, must have %d from %d on", ErrFormat, len(f.examples), meta["first"], last-first, first)
	}
	return f, f.check(x)
}

// check says whether the tensors are those of the index.
func (f *file) check(x *Index) error {
	pairs := len(f.examples) * x.Pictures
	for kind, name := range map[string]string{Words: wordOffsets, Regions: regionOffsets} {
		e, ok := f.entries[name]
		if !ok || e.DType != "I64" || !slices.Equal(e.Shape, []int{pairs + 1}) {
			return fmt.Errorf("%w: %s must be I64 [%d]", ErrFormat, name, pairs+1)
		}
		raw, err := f.bytes(e, 0, e.End-e.Begin)
		if err != nil {
			return err
		}
		at := int64(0)
		for i := range pairs + 1 {
			n := int64(binary.LittleEndian.Uint64(raw[8*i:]))
			if n < at || i == 0 && n != 0 {
				return fmt.Errorf("%w: %s does not ascend from 0", ErrFormat, name)
			}
			at = n
			f.offsets[kind] = append(f.offsets[kind], n)
		}
	}
	for _, a := range x.Activations {
		e, ok := f.entries[a.Name]
		if !ok {
			return fmt.Errorf("%w: %s is missing", ErrFormat, a.Name)
		}
		want := append([]int{f.rows(&a)}, a.Shape...)
		if a.Keys != "" && len(e.Shape) == len(want) {
			want[len(want)-1] = e.Shape[len(want)-1]
		}
		if e.DType != x.DType || !slices.Equal(e.Shape, want) {
			return fmt.Errorf("%w: %s is %s %v, must be %s %v", ErrFormat, a.Name, e.DType, e.Shape, x.DType, want)
		}
		if a.Keys == "" {
			continue
		}
		for p := range pairs {
			if n := f.offsets[a.Keys][p+1] - f.offsets[a.Keys][p]; n > int64(e.Shape[len(want)-1]) {
				return fmt.Errorf("%w: %s has %d keys, pair %d has %d", ErrFormat, a.Name, e.Shape[len(want)-1], p, n)
			}
		}
	}
	return nil
}

// rows is how many an activation must have.
func (f *file) rows(a *Activation) int {
	switch a.Rows {
	case Examples:
		return len(f.examples)
	case Pairs:
		return len(f.offsets[Words]) - 1
	}
	return int(f.offsets[a.Rows][len(f.offsets[a.Rows])-1])
}

// read reads the rows of a pair, or of an example.
func (f *file) read(a *Activation, example, pair int) (lxmert.Tensor, error) {
	e := f.entries[a.Name]
	each := int64(safetensors.ItemSize(e.DType)) * int64(lxmert.Size(e.Shape[1:]))
	first, last := int64(pair), int64(pair+1)
	shape := slices.Clone(e.Shape[1:])
	switch a.Rows {
	case Examples:
		first, last = int64(example), int64(example+1)
	case Words, Regions:
		first, last = f.offsets[a.Rows][pair], f.offsets[a.Rows][pair+1]
		shape = append([]int{int(last - first)}, shape...)
	}
	raw, err := f.bytes(e, first*each, last*each)
	if err != nil {
		return lxmert.Tensor{}, err
	}
	x := lxmert.Tensor{Shape: shape, Data: decode(raw, e.DType)}
	if a.Keys != "" {
		x = firstKeys(x, int(f.offsets[a.Keys][pair+1]-f.offsets[a.Keys][pair]))
	}
	return x, nil
}

// bytes are those of a tensor from one place up to another.
func (f *file) bytes(e safetensors.Entry, from, to int64) ([]byte, error) {
	raw := make([]byte, to-from)
	if n, err := f.ReadAt(raw, f.start+e.Begin+from); n < len(raw) {
		return nil, fmt.Errorf("reading %s: %w", e.Name, err)
	}
	return raw, nil
}

// firstKeys cuts the last axis.
func firstKeys(x lxmert.Tensor, n int) lxmert.Tensor {
	last := len(x.Shape) - 1
	most := x.Shape[last]
	cut := lxmert.NewTensor(append(slices.Clone(x.Shape[:last]), n)...)
	for i := range len(cut.Data) / max(1, n) {
		copy(cut.Data[i*n:(i+1)*n], x.Data[i*most:i*most+n])
	}
	return cut
}
