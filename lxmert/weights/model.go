package weights

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// Model is a file seen as an LXMERT model: parameters have the names of [lxmert.Config.Params], whatever the file calls
// them. Its methods may be called from several goroutines.
type Model struct {
	File   *File
	Config lxmert.Config
	// HeadsFrom says how the number of attention heads is known, which shapes do not tell.
	HeadsFrom string

	config string // the path that was given

	order   []string // canonical names in the file's order
	tensors map[string]*Tensor
	decoder *Tensor // the alias of the word embeddings, if the file has it
	hash    func() (string, error)
}

// OpenModel opens the weights that name stands for (see [Resolve]) and finds the model's sizes from their shapes. What
// shapes do not tell (attention heads, activation, special ids) comes from configPath, from the file's metadata, from a
// config.json or bert_config.json beside the file or one folder up, or is BERT's: 64 units per head, "gelu", and the
// published special ids if the vocabulary has the published size. Else Special is zero: only the vocabulary knows.
//
// A size that a configuration states and the shapes deny is an error that names both.
func OpenModel(name, configPath string) (*Model, error) {
	path, err := Resolve(name)
	if err != nil {
		return nil, err
	}
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	m, err := NewModel(f, configPath)
	if err != nil {
		f.Close()
		return nil, err
	}
	return m, nil
}

// NewModel sees an open file as a model; see [OpenModel]. The file stays open if it is not one.
func NewModel(f *File, configPath string) (*Model, error) {
	m, err := newModel(f, configPath)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	return m, nil
}

func newModel(f *File, configPath string) (*Model, error) {
	if IsAdapters(f) {
		return nil, errors.New("it holds LoRA adapters, not a model; `lxmert convert BASE NEW --lora THIS` adds them to the weights that they were trained on")
	}
	m := &Model{File: f, config: configPath, tensors: make(map[string]*Tensor, len(f.tensors))}
	m.hash = sync.OnceValues(m.computeHash)
	for _, t := range f.tensors {
		name := Canonical(t.Name)
		if name == positionIDs && !t.DType.IsFloat() {
			continue
		}
		if name == lxmert.TiedDecoder && m.decoder == nil {
			m.decoder = t
			continue
		}
		twin := m.tensors[name]
		if name == lxmert.TiedDecoder {
			twin = m.decoder
		}
		if twin == nil {
			m.tensors[name] = t
			m.order = append(m.order, name)
			continue
		}
		if same, err := sameValues(twin, t); err != nil {
			return nil, err
		} else if !same {
			return nil, fmt.Errorf("both %q and %q are %s, with different values", short(twin.Name), short(t.Name), short(name))
		}
	}
	if words := m.tensors[lxmert.WordEmbeddings]; words == nil && m.decoder != nil {
		m.tensors[lxmert.WordEmbeddings] = m.decoder
		m.order = append(m.order, lxmert.WordEmbeddings)
	} else if words != nil && m.decoder != nil {
		same, err := sameValues(words, m.decoder)
		if err != nil {
			return nil, err
		}
		if !same {
			return nil, fmt.Errorf("%q %v differs from the word embeddings %v, to which LXMERT ties it; a model with two matrices cannot be loaded", short(m.decoder.Name), m.decoder.Shape, words.Shape)
		}
	}
	shapes := make(map[string][]int, len(m.tensors))
	for name, t := range m.tensors {
		shapes[name] = t.Shape
	}
	var err error
	if m.Config, err = infer(shapes); err != nil {
		return nil, err
	}
	m.HeadsFrom, err = complete(&m.Config, f, configPath)
	return m, err
}

// positionIDs are the numbers from 0 on, which some versions of Hugging Face's BERT save among the parameters.
const positionIDs = "bert.embeddings.position_ids"

// HeadsNote is a line for the user if the number of attention heads is a guess, which a wrong result would not betray; else "".
func (m *Model) HeadsNote() string {
	if m.HeadsFrom != usualHeads {
		return ""
	}
	return fmt.Sprintf("%s: nothing says how many attention heads it has; %d, of %s, are assumed (--config FILE names a JSON file with num_attention_heads)", m.File.Path, m.Config.Heads, usualHeads)
}

// usualHeads is where a number of attention heads is from that nothing states.
const usualHeads = "the usual 64 units per head"

// sameValues compares two tensors bit by bit.
func sameValues(a, b *Tensor) (bool, error) {
	if a.sameView(b) {
		return true, nil
	}
	if a.DType != b.DType || !slices.Equal(a.Shape, b.Shape) {
		return false, nil
	}
	x, err := a.Bytes()
	y, err2 := b.Bytes()
	return bytes.Equal(x, y), errors.Join(err, err2)
}

// Close closes the file.
func (m *Model) Close() error { return m.File.Close() }

// Has reports whether the file has a parameter, by its canonical name. The tied decoder counts as the word embeddings.
func (m *Model) Has(canonical string) bool { _, ok := m.Tensor(canonical); return ok }

// Tensor returns a parameter by its canonical name.
func (m *Model) Tensor(canonical string) (*Tensor, bool) {
	if canonical == lxmert.TiedDecoder {
		canonical = lxmert.WordEmbeddings
	}
	t, ok := m.tensors[canonical]
	return t, ok
}

// Shape returns a parameter's shape, or nil if the file does not have it.
func (m *Model) Shape(canonical string) []int {
	if t, ok := m.Tensor(canonical); ok {
		return t.Shape
	}
	return nil
}

// Read fills dst with a parameter's values as float32, row by row; transposed fills it with the transpose of a matrix.
func (m *Model) Read(canonical string, dst []float32, transposed bool) error {
	t, ok := m.Tensor(canonical)
	if !ok {
		return fmt.Errorf("%s has no %s", m.File.Path, canonical)
	}
	if transposed {
		return t.ReadTransposed(dst)
	}
	return t.ReadFloat32(dst)
}

// Names lists what the file has in its order, by canonical names and without the tied decoder.
func (m *Model) Names() []string { return slices.Clone(m.order) }

// Hash tells weights apart: a SHA-256, in hex, over names, types, shapes and the CRC-32 of each parameter that
// [lxmert.Config.Params] lists. It does not depend on the format, on prefixes of names, or on what else is in the file. It
// reads the whole file, once, at the speed of memory; what PyTorch wrote, and has been read, it need not read again. It is
// no proof against forgery.
func (m *Model) Hash() (string, error) { return m.hash() }

func (m *Model) computeHash() (string, error) {
	var names []string
	for _, p := range m.Config.Params() {
		if m.Has(p.Name) {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	sums := make([]uint32, len(names))
	errs := make([]error, len(names))
	var wg sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				sums[i], errs[i] = m.tensors[names[i]].checksum()
			}
		})
	}
	for i := range names {
		next <- i
	}
	close(next)
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return "", err
	}
	all := sha256.New()
	for i, name := range names {
		t := m.tensors[name]
		fmt.Fprintf(all, "%s %s %v %08x\n", name, t.DType, t.Shape, sums[i])
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}
