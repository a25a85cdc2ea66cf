package lxmert

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/safetensors"
)

// LoadTrace reads a file that [Trace.Save] wrote. Errors name the file.
func LoadTrace(path string) (*Trace, error) { return safetensors.ReadFile(path, ReadTrace) }

// ReadTrace reads a trace of the given size in bytes. It trusts nothing: errors wrap [ErrTrace] or are r's own, memory
// stays within a small multiple of the size, and what comes back is consistent. Every tensor has as many values as its
// shape says, and the batch's parts fit each other, so that a trace can be drawn without further checks.
func ReadTrace(r io.ReaderAt, size int64) (*Trace, error) {
	entries, meta, start, err := safetensors.ReadHeader(r, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTrace, err)
	}
	if meta["format"] != traceFormat {
		return nil, fmt.Errorf("%w: its format is %.60q, expected %q", ErrTrace, meta["format"], traceFormat)
	}
	f := traceFile{meta: meta, floats: map[string]Tensor{}, ints: map[string]intTensor{}}
	for _, e := range entries {
		if err := f.read(r, start, size, e); err != nil {
			return nil, err
		}
	}
	t, err := f.trace()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTrace, err)
	}
	return t, nil
}

// traceFile is what a file holds, by the file's names.
type traceFile struct {
	meta   map[string]string
	floats map[string]Tensor
	ints   map[string]intTensor
}

type intTensor struct {
	shape []int
	data  []int32
}

// isIntName reports whether a trace file holds integers under a name.
func isIntName(name string) bool {
	switch name {
	case "input.input_ids", "input.segment_ids", "input.lengths", "input.pairs":
		return true
	}
	return strings.HasPrefix(name, "top.") && strings.HasSuffix(name, ".index")
}

// read reads one tensor, whose name tells what type it must have.
func (f *traceFile) read(r io.ReaderAt, start, size int64, e safetensors.Entry) error {
	want := "F32"
	if isIntName(e.Name) {
		want = "I32"
	}
	if e.DType != want {
		return fmt.Errorf("%w: %.60q has type %s, must be %s", ErrTrace, e.Name, e.DType, want)
	}
	for _, d := range e.Shape {
		if d == 0 {
			break
		}
		if int64(d) > size {
			return fmt.Errorf("%w: %.60q has the impossible shape %v", ErrTrace, e.Name, e.Shape)
		}
	}
	raw := make([]byte, e.End-e.Begin)
	if n, err := r.ReadAt(raw, start+e.Begin); n < len(raw) {
		return fmt.Errorf("reading %.60q: %w", e.Name, err)
	}
	if want == "I32" {
		x := intTensor{e.Shape, make([]int32, len(raw)/4)}
		for i := range x.data {
			x.data[i] = int32(binary.LittleEndian.Uint32(raw[4*i:]))
		}
		f.ints[e.Name] = x
		return nil
	}
	x := Tensor{Shape: e.Shape, Data: make([]float32, len(raw)/4)}
	for i := range x.Data {
		x.Data[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	f.floats[e.Name] = x
	return nil
}

func (f *traceFile) trace() (*Trace, error) {
	t := &Trace{Values: map[string]Tensor{}, Top: map[string]TopK{}, Grads: map[string]Tensor{}}
	hasBatch := false
	for name, x := range f.floats {
		if key, ok := strings.CutPrefix(name, "grad."); ok {
			t.Grads[key] = x
		} else if key, ok := strings.CutPrefix(name, "top."); ok {
			key, ok := strings.CutSuffix(key, ".values")
			index, paired := f.ints["top."+key+".index"]
			if !ok || !paired || !slices.Equal(index.shape, x.Shape) {
				return nil, fmt.Errorf("%.60q has no indices of the same shape", name)
			}
			t.Top[key] = TopK{Values: x, Index: index.data}
		} else if name == "score" {
			if len(x.Shape) != 1 {
				return nil, fmt.Errorf("score has shape %v, must have one axis", x.Shape)
			}
			t.Score = x.Data
		} else if strings.HasPrefix(name, "input.") {
			hasBatch = true
		} else {
			t.Values[name] = x
		}
	}
	for name := range f.ints {
		if key, ok := strings.CutPrefix(name, "top."); !ok {
			hasBatch = true
		} else if _, ok := t.Top[strings.TrimSuffix(key, ".index")]; !ok {
			return nil, fmt.Errorf("%.60q has no values", name)
		}
	}
	if text, ok := f.meta["provenance"]; ok {
		if err := json.Unmarshal([]byte(text), &t.Provenance); err != nil {
			return nil, fmt.Errorf("provenance: %w", err)
		}
	}
	if !hasBatch {
		return t, nil
	}
	var err error
	if t.Batch, err = f.batch(); err != nil {
		return nil, fmt.Errorf("inputs: %w", err)
	}
	return t, nil
}

func (f *traceFile) batch() (*Batch, error) {
	for name := range f.floats {
		switch name {
		case "input.input_mask", "input.feats", "input.boxes", "input.visual_mask":
		default:
			if strings.HasPrefix(name, "input.") {
				return nil, fmt.Errorf("there is no input %.60q", name)
			}
		}
	}
	b := &Batch{Feats: f.floats["input.feats"], Boxes: f.floats["input.boxes"]}
	if err := f.texts(b); err != nil {
		return nil, err
	}
	if pairs, ok := f.ints["input.pairs"]; ok {
		if len(pairs.shape) != 2 || pairs.shape[1] != 2 {
			return nil, fmt.Errorf("pairs have shape %v, must be [rows, 2]", pairs.shape)
		}
		b.Pairs = make([][2]int, pairs.shape[0])
		for i := range b.Pairs {
			b.Pairs[i] = [2]int{int(pairs.data[2*i]), int(pairs.data[2*i+1])}
		}
	}
	// Images of no values take no room in a file: without this their number would be anything the file says.
	if s := b.Feats.Shape; len(b.Feats.Data) == 0 && len(s) > 0 && s[0] > len(b.IDs)+len(b.Pairs) {
		return nil, fmt.Errorf("%d images without features for %d texts", s[0], len(b.IDs))
	}
	if err := f.regionMask(b); err != nil {
		return nil, err
	}
	var err error
	if b.Words, err = readRows[Words](f.meta, "words", len(b.IDs)); err != nil {
		return nil, err
	}
	images := 0
	if len(b.Feats.Shape) > 0 {
		images = b.Feats.Shape[0]
	}
	if b.Images, err = readRows[ImageInfo](f.meta, "images", images); err != nil {
		return nil, err
	}
	return b, b.checkForm()
}

// texts cuts ids, segments and mask into rows of their lengths.
func (f *traceFile) texts(b *Batch) error {
	ids, segments, lengths := f.ints["input.input_ids"], f.ints["input.segment_ids"], f.ints["input.lengths"].data
	mask := f.floats["input.input_mask"].Data
	if len(ids.shape) != 2 {
		return fmt.Errorf("input_ids have shape %v, must be [texts, word pieces]", ids.shape)
	}
	n, width := ids.shape[0], ids.shape[1]
	if len(segments.data) != len(ids.data) || len(mask) != len(ids.data) || len(lengths) != n {
		return fmt.Errorf("input_ids of shape %v with %d segment_ids, %d values of input_mask and %d lengths", ids.shape, len(segments.data), len(mask), len(lengths))
	}
	for i := range n {
		k := int(lengths[i])
		if k < 1 || k > width {
			return fmt.Errorf("text %d has length %d of %d", i, k, width)
		}
		from, to := i*width, i*width+k
		b.IDs = append(b.IDs, ids.data[from:to:to])
		b.Segments = append(b.Segments, segments.data[from:to:to])
		b.TextMask = append(b.TextMask, mask[from:to:to])
	}
	return nil
}

func (f *traceFile) regionMask(b *Batch) error {
	m, ok := f.floats["input.visual_mask"]
	if !ok {
		return nil
	}
	if s := b.Feats.Shape; len(m.Shape) != 2 || len(s) != 3 || m.Shape[0] != s[0] || m.Shape[1] != s[1] {
		return fmt.Errorf("visual_mask has shape %v, the features have %v", m.Shape, s)
	}
	b.RegionMask = make([][]float32, m.Shape[0])
	for i := range b.RegionMask {
		b.RegionMask[i] = m.Row(i).Data
	}
	return nil
}

// readRows reads a JSON array of the metadata, one element at a time and no more than there can be: an element in memory
// is many times as large as the text of an empty one.
func readRows[E any](meta map[string]string, key string, limit int) ([]E, error) {
	text, ok := meta[key]
	if !ok {
		return nil, nil
	}
	if !json.Valid([]byte(text)) {
		return nil, fmt.Errorf("metadata %q is not JSON", key)
	}
	d := json.NewDecoder(strings.NewReader(text))
	if open, err := d.Token(); err != nil || open != json.Delim('[') {
		return nil, errors.Join(fmt.Errorf("metadata %q is not a list", key), err)
	}
	rows := []E{}
	for d.More() {
		if len(rows) == limit {
			return nil, fmt.Errorf("metadata %q has more than %d entries", key, limit)
		}
		var row E
		if err := d.Decode(&row); err != nil {
			return nil, fmt.Errorf("metadata %q, entry %d: %w", key, len(rows), err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}
