package dynamics

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"

	"github.com/seed-516990b0/golxmert/internal/half"
	"github.com/seed-516990b0/golxmert/internal/safetensors"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// width is the size of a number in a file, in bytes.
const width = 2

// Recorder writes a file. It keeps one epoch in memory, four bytes for each example.
type Recorder struct {
	f      *os.File
	about  About
	arrays [2]recorded // of probabilities, and of scores
	epoch  int         // whose row is in memory; -1: none is
	dirty  bool        // it has numbers that the file has not
}

// recorded is an array of the file.
type recorded struct {
	at  int64  // where it begins in the file, in bytes
	row []byte // one epoch, as the file has it
}

// Size is how many bytes a file takes beside its header.
func (a About) Size(ids []string) int64 {
	size := 2 * width * int64(a.Epochs) * int64(a.Examples())
	for _, id := range ids {
		size += int64(len(id)) + 3 // quotes and comma
	}
	return size
}

// Create makes a file in which nothing was seen yet, in place of any other at this path.
func Create(path string, about About, ids []string) (*Recorder, error) {
	items, notes, err := contents(about, ids)
	if err != nil {
		return nil, err
	}
	if err := weights.Write(path, items, notes); err != nil {
		return nil, fmt.Errorf("dynamics: %w", err)
	}
	return open(path, about)
}

// Reopen goes on with a file. One that is about something else, or about other examples, is an error; one that is not there
// gives [os.ErrNotExist].
func Reopen(path string, about About, ids []string) (*Recorder, error) {
	items, notes, err := contents(about, ids)
	if err != nil {
		return nil, err
	}
	old, err := weights.Open(path)
	if err != nil {
		return nil, err
	}
	same, err := holds(old, items, notes)
	if err = errors.Join(err, old.Close()); err != nil {
		return nil, err
	}
	if !same {
		return nil, fmt.Errorf("dynamics: %s is of another run; move it away, and the epochs from here on are recorded", path)
	}
	return open(path, about)
}

// contents are the arrays and notes of a file in which nothing was seen.
func contents(about About, ids []string) ([]weights.Item, map[string]string, error) {
	if n := about.Examples(); n != len(ids) || n == 0 || about.Epochs < 1 {
		return nil, nil, fmt.Errorf("dynamics: %d ids for %d examples and %d epochs", len(ids), n, about.Epochs)
	}
	notes, err := about.notes()
	if err != nil {
		return nil, nil, err
	}
	text, err := json.Marshal(ids)
	if err != nil {
		return nil, nil, err
	}
	shape := []int{about.Epochs, len(ids)}
	unseen := halves(slices.Repeat([]float32{float32(math.NaN())}, len(ids)))
	never := func(w io.Writer) error {
		for range about.Epochs {
			if _, err := w.Write(unseen); err != nil {
				return err
			}
		}
		return nil
	}
	return []weights.Item{
		{Name: probabilityArray, DType: weights.F16, Shape: shape, Values: never},
		{Name: scoreArray, DType: weights.F16, Shape: shape, Values: never},
		{Name: idArray, DType: weights.U8, Shape: []int{len(text)}, Values: safetensors.Raw(text)},
	}, notes, nil
}

// holds says whether a file has these arrays, whatever was recorded in them, and these notes. Where the data lie may have changed.
func holds(f *weights.File, items []weights.Item, notes map[string]string) (bool, error) {
	same := maps.Clone(f.Metadata)
	same[dataNote] = notes[dataNote]
	for name, note := range notes {
		if same[name] != note {
			return false, nil
		}
	}
	for _, it := range items {
		t, ok := f.Tensor(it.Name)
		if !ok || t.DType != it.DType || !slices.Equal(t.Shape, it.Shape) {
			return false, nil
		}
		if it.Name != idArray {
			continue
		}
		old, err := t.Bytes()
		if err != nil {
			return false, err
		}
		var text bytes.Buffer
		if err := it.Values(&text); err != nil || !bytes.Equal(old, text.Bytes()) {
			return false, err
		}
	}
	return true, nil
}

// open finds the arrays of a file that is known to have them.
func open(path string, about About) (_ *Recorder, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("dynamics: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("dynamics: %s: %w", path, err), f.Close())
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	entries, _, start, err := safetensors.ReadHeader(f, info.Size())
	if err != nil {
		return nil, err
	}
	r := &Recorder{f: f, about: about, epoch: -1}
	for i, name := range []string{probabilityArray, scoreArray} {
		at := slices.IndexFunc(entries, func(e safetensors.Entry) bool { return e.Name == name })
		if at < 0 {
			return nil, fmt.Errorf("%w: it has no array %q", ErrFormat, name)
		}
		r.arrays[i] = recorded{at: start + entries[at].Begin, row: make([]byte, width*about.Examples())}
	}
	return r, nil
}

// Begin goes to an epoch, with what is recorded of it.
func (r *Recorder) Begin(epoch int) error {
	if err := r.flush(); err != nil {
		return err
	}
	if epoch < 0 || epoch >= r.about.Epochs {
		return fmt.Errorf("dynamics: epoch %d of %d", epoch, r.about.Epochs)
	}
	for _, a := range r.arrays {
		if _, err := r.f.ReadAt(a.row, r.offset(a, epoch)); err != nil {
			return fmt.Errorf("dynamics: %s: %w", r.f.Name(), err)
		}
	}
	r.epoch = epoch
	return nil
}

func (r *Recorder) offset(a recorded, epoch int) int64 {
	return a.at + int64(epoch)*int64(len(a.row))
}

// Add records examples of the epoch, by their numbers: for each the probability of its label, and the score of what was predicted.
func (r *Recorder) Add(examples []int, probabilities, scores []float32) {
	for i, numbers := range [][]float32{probabilities, scores} {
		written := halves(numbers)
		for n, k := range examples {
			copy(r.arrays[i].row[width*k:width*(k+1)], written[width*n:])
		}
	}
	r.dirty = true
}

// halves are numbers as the file has them.
func halves(numbers []float32) []byte {
	b := make([]byte, width*len(numbers))
	half.Encode(b, numbers) // none is above 1
	return b
}

// flush writes the epoch's row.
func (r *Recorder) flush() error {
	if !r.dirty {
		return nil
	}
	for _, a := range r.arrays {
		if _, err := r.f.WriteAt(a.row, r.offset(a, r.epoch)); err != nil {
			return fmt.Errorf("dynamics: %w", err)
		}
	}
	r.dirty = false
	return nil
}

// Sync puts on disk what was recorded. A nil recorder has nothing.
func (r *Recorder) Sync() error {
	if r == nil {
		return nil
	}
	if err := r.flush(); err != nil {
		return err
	}
	if err := r.f.Sync(); err != nil {
		return fmt.Errorf("dynamics: %w", err)
	}
	return nil
}

// Close releases the file, without what was recorded since the last [Recorder.Sync]. A nil recorder has nothing.
func (r *Recorder) Close() error {
	if r == nil {
		return nil
	}
	return r.f.Close()
}
