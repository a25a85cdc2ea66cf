package lxrt

import (
	"fmt"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// ReadBatch reads a batch from a .safetensors file. Tensors may carry the prefix "input."; known are input_ids [Nt,T],
// segment_ids, input_mask or attention_mask (1 = a word), feats or visual_feats [Ni,V,F], boxes or visual_pos [Ni,V,4],
// visual_mask (1 = a region), pairs [N,2] and lengths [Nt], to which texts are cut. Segments that are missing are zeros,
// masks ones. Features of four axes, [N,k,V,F], are k images for each text, as NLVR2 has two; boxes and visual_mask have
// one axis more then, too. Other tensors are left alone.
func ReadBatch(path string) (*lxmert.Batch, error) {
	f, err := weights.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := batchReader{file: f}
	b, err := r.read()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

type batchReader struct{ file *weights.File }

// tensor finds the first of several names, with or without the prefix.
func (r batchReader) tensor(names ...string) *weights.Tensor {
	for _, name := range names {
		for _, prefix := range []string{"input.", ""} {
			if t, ok := r.file.Tensor(prefix + name); ok {
				return t
			}
		}
	}
	return nil
}

func (r batchReader) read() (*lxmert.Batch, error) {
	b := &lxmert.Batch{}
	ids, err := r.ints("input_ids")
	if err != nil {
		return nil, err
	}
	if ids == nil {
		return nil, fmt.Errorf("there is no input_ids: a file of inputs has input_ids, feats and boxes, this one has %d other tensors", len(r.file.Names()))
	}
	b.IDs = ids
	if b.Segments, err = r.ints("segment_ids", "token_type_ids"); err != nil {
		return nil, err
	}
	if b.TextMask, err = r.floats("input_mask", "attention_mask"); err != nil {
		return nil, err
	}
	if b.RegionMask, err = r.floats("visual_mask", "visual_attention_mask"); err != nil {
		return nil, err
	}
	perText, err := r.regions(b)
	if err != nil {
		return nil, err
	}
	if err := r.cut(b); err != nil {
		return nil, err
	}
	return b, r.pairs(b, perText)
}

// regions reads features and boxes, and returns how many images each text has.
func (r batchReader) regions(b *lxmert.Batch) (perText int, err error) {
	perText = 1
	for _, x := range []struct {
		to    *lxmert.Tensor
		names []string
	}{{&b.Feats, []string{"feats", "visual_feats"}}, {&b.Boxes, []string{"boxes", "visual_pos"}}} {
		t := r.tensor(x.names...)
		if t == nil {
			return 0, fmt.Errorf("there is no %s", x.names[0])
		}
		data, err := t.Float32s()
		if err != nil {
			return 0, err
		}
		shape := t.Shape
		if len(shape) == 4 {
			perText = shape[1]
			shape = []int{shape[0] * shape[1], shape[2], shape[3]}
		}
		*x.to = lxmert.Tensor{Shape: shape, Data: data}
	}
	return perText, nil
}

// pairs reads which texts and images meet.
func (r batchReader) pairs(b *lxmert.Batch, perText int) error {
	pairs, err := r.ints("pairs")
	if err != nil {
		return err
	}
	if pairs != nil {
		b.Pairs = make([][2]int, 0, len(pairs)) // none is not the same as one to one
	}
	for i, p := range pairs {
		if len(p) != 2 {
			return fmt.Errorf("pairs must be [N,2], row %d has %d numbers", i, len(p))
		}
		b.Pairs = append(b.Pairs, [2]int{int(p[0]), int(p[1])})
	}
	if pairs == nil && perText > 1 {
		for i := range len(b.IDs) * perText {
			b.Pairs = append(b.Pairs, [2]int{i / perText, i})
		}
	}
	return nil
}

// cut shortens rows of texts to their lengths, where the file gives these.
func (r batchReader) cut(b *lxmert.Batch) error {
	t := r.tensor("lengths")
	if t == nil {
		return nil
	}
	lengths, err := t.Int64s()
	if err != nil {
		return err
	}
	if len(lengths) != len(b.IDs) {
		return fmt.Errorf("%d lengths for %d texts", len(lengths), len(b.IDs))
	}
	for i, n := range lengths {
		if n < 1 || int(n) > len(b.IDs[i]) {
			return fmt.Errorf("text %d has length %d of %d", i, n, len(b.IDs[i]))
		}
		b.IDs[i] = b.IDs[i][:n]
		if b.Segments != nil && len(b.Segments[i]) >= int(n) {
			b.Segments[i] = b.Segments[i][:n]
		}
		if b.TextMask != nil && len(b.TextMask[i]) >= int(n) {
			b.TextMask[i] = b.TextMask[i][:n]
		}
	}
	return nil
}

func (r batchReader) ints(names ...string) ([][]int32, error) {
	t := r.tensor(names...)
	if t == nil {
		return nil, nil
	}
	values, err := t.Int64s()
	if err != nil {
		return nil, err
	}
	narrow := make([]int32, len(values))
	for i, v := range values {
		narrow[i] = int32(v)
		if int64(narrow[i]) != v {
			return nil, fmt.Errorf("%s: entry %d is %d, too large for an id", t.Name, i, v)
		}
	}
	return rows(t, narrow)
}

func (r batchReader) floats(names ...string) ([][]float32, error) {
	t := r.tensor(names...)
	if t == nil {
		return nil, nil
	}
	values, err := t.Float32s()
	if err != nil {
		return nil, err
	}
	return rows(t, values)
}

// rows cuts a matrix into its rows.
func rows[E any](t *weights.Tensor, flat []E) ([][]E, error) {
	shape := t.Shape
	if len(shape) == 3 {
		shape = []int{shape[0] * shape[1], shape[2]} // several images for each text
	}
	if len(shape) != 2 {
		return nil, fmt.Errorf("%s has shape %v, must have two axes", t.Name, t.Shape)
	}
	out := make([][]E, shape[0])
	for i := range out {
		out[i] = flat[i*shape[1] : (i+1)*shape[1] : (i+1)*shape[1]]
	}
	return out, nil
}
