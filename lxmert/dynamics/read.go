package dynamics

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// File is what was recorded of a run. All numbers are as long as IDs in each epoch; those of epochs that have not been, or of an
// example that was not seen in one, are NaN.
type File struct {
	About
	IDs           []string
	Probabilities [][]float32 // of the labels, by epoch
	Scores        [][]float32 // of the predictions, by epoch
}

// Read reads a file, also while the run that writes it is under way. It keeps eight bytes for each example and epoch. An error
// about what it has wraps [ErrFormat]; where there is none, [os.ErrNotExist].
func Read(path string) (_ *File, err error) {
	f, err := weights.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	x := &File{}
	if err := x.read(f); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrFormat, path, err)
	}
	return x, nil
}

func (x *File) read(f *weights.File) (err error) {
	if x.About, err = readNotes(f.Metadata); err != nil {
		return err
	}
	t, ok := f.Tensor(idArray)
	if !ok || t.DType != weights.U8 {
		return fmt.Errorf("it has no bytes %q", idArray)
	}
	text, err := t.Bytes()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &x.IDs); err != nil {
		return fmt.Errorf("%s: %w", idArray, err)
	}
	if n := x.Examples(); n != len(x.IDs) || n == 0 {
		return fmt.Errorf("it has %d ids for %d examples", len(x.IDs), n)
	}
	for i, to := range []*[][]float32{&x.Probabilities, &x.Scores} {
		name := []string{probabilityArray, scoreArray}[i]
		t, ok := f.Tensor(name)
		if !ok || t.DType != weights.F16 || len(t.Shape) != 2 || t.Shape[1] != len(x.IDs) || i > 0 && t.Shape[0] != x.Epochs {
			return fmt.Errorf("it has no array %q of epochs by %d examples", name, len(x.IDs))
		}
		x.Epochs = t.Shape[0]
		all, err := t.Float32s()
		if err != nil {
			return err
		}
		*to = slices.Collect(slices.Chunk(all, len(x.IDs)))
	}
	return nil
}
