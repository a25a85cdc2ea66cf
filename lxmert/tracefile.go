package lxmert

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert/internal/atomicfile"
	"github.com/seed-516990b0/golxmert/lxmert/internal/safetensors"
)

// A trace file is a safetensors file. Values have their own names; "grad.NAME" are gradients, "top.NAME.values" and
// "top.NAME.index" the largest entries, "score" the score of each row, and "input.*" the batch: input_ids, segment_ids,
// input_mask, lengths, feats, boxes, visual_mask, pairs. Words, images and provenance are JSON in the metadata.

// ErrTrace is wrapped by every error that says a file is not a trace.
var ErrTrace = errors.New("not a trace file")

const traceFormat = "lxmert-trace 1"

// Save writes the trace as one safetensors file, replacing path at once or not at all.
func (t *Trace) Save(path string) error {
	return atomicfile.Replace(path, func(_ *os.File, w *bufio.Writer) error { return t.Write(w) })
}

// Write writes the trace as a safetensors file.
func (t *Trace) Write(w io.Writer) error {
	meta := map[string]string{"format": traceFormat}
	describe := func(key string, v any) error {
		text, err := json.Marshal(v)
		meta[key] = string(text)
		return err
	}
	items := t.items()
	err := describe("provenance", t.Provenance)
	if b := t.Batch; b != nil {
		items = append(items, b.items()...)
		if b.Words != nil {
			err = errors.Join(err, describe("words", b.Words))
		}
		if b.Images != nil {
			err = errors.Join(err, describe("images", b.Images))
		}
	}
	if err != nil {
		return err
	}
	safetensors.Sort(items)
	return safetensors.Write(w, items, meta)
}

func (t *Trace) items() []safetensors.Item {
	var items []safetensors.Item
	for name, x := range t.Values {
		items = append(items, floatItem(name, x))
	}
	for name, x := range t.Grads {
		items = append(items, floatItem("grad."+name, x))
	}
	for name, x := range t.Top {
		items = append(items, floatItem("top."+name+".values", x.Values), intItem("top."+name+".index", x.Values.Shape, x.Index))
	}
	if t.Score != nil {
		items = append(items, floatItem("score", Tensor{Shape: []int{len(t.Score)}, Data: t.Score}))
	}
	return items
}

func (b *Batch) items() []safetensors.Item {
	n, width := len(b.IDs), b.T()
	ids, segments, lengths := make([]int32, n*width), make([]int32, n*width), make([]int32, n)
	mask := NewTensor(n, width)
	for i, row := range b.IDs {
		lengths[i] = int32(len(row))
		copy(ids[i*width:], row)
		for k := range row {
			mask.Data[i*width+k] = 1
		}
		if b.Segments != nil {
			copy(segments[i*width:], b.Segments[i])
		}
		if b.TextMask != nil {
			copy(mask.Data[i*width:], b.TextMask[i])
		}
	}
	items := []safetensors.Item{
		intItem("input.input_ids", []int{n, width}, ids),
		intItem("input.segment_ids", []int{n, width}, segments),
		intItem("input.lengths", []int{n}, lengths),
		floatItem("input.input_mask", mask),
		floatItem("input.feats", b.Feats),
		floatItem("input.boxes", b.Boxes),
	}
	if b.RegionMask != nil {
		x := Tensor{Shape: []int{len(b.RegionMask), b.V()}, Data: slices.Concat(b.RegionMask...)}
		items = append(items, floatItem("input.visual_mask", x))
	}
	if b.Pairs != nil {
		flat := make([]int32, 0, 2*len(b.Pairs))
		for _, p := range b.Pairs {
			flat = append(flat, int32(p[0]), int32(p[1]))
		}
		items = append(items, intItem("input.pairs", []int{len(b.Pairs), 2}, flat))
	}
	return items
}

func floatItem(name string, x Tensor) safetensors.Item {
	return safetensors.Item{Name: name, DType: "F32", Shape: x.Shape, Values: func(w io.Writer) error {
		return writeWords(w, len(x.Data), func(i int) uint32 { return math.Float32bits(x.Data[i]) })
	}}
}

func intItem(name string, shape []int, x []int32) safetensors.Item {
	return safetensors.Item{Name: name, DType: "I32", Shape: shape, Values: func(w io.Writer) error {
		return writeWords(w, len(x), func(i int) uint32 { return uint32(x[i]) })
	}}
}

func writeWords(w io.Writer, n int, word func(i int) uint32) error {
	buf := make([]byte, 0, 1<<16)
	for i := range n {
		buf = binary.LittleEndian.AppendUint32(buf, word(i))
		if len(buf) == cap(buf) || i == n-1 {
			if _, err := w.Write(buf); err != nil {
				return err
			}
			buf = buf[:0]
		}
	}
	return nil
}

// LoadTrace reads a file that [Trace.Save] wrote.
func LoadTrace(path string) (*Trace, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	t, err := ReadTrace(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// ReadTrace reads a trace of the given size in bytes. It trusts nothing: errors wrap [ErrTrace] or are r's own, and
// memory stays within a small multiple of the size.
func ReadTrace(r io.ReaderAt, size int64) (*Trace, error) {
	entries, meta, start, err := safetensors.ReadHeader(r, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTrace, err)
	}
	if meta["format"] != traceFormat {
		return nil, fmt.Errorf("%w: its format is %q, expected %q", ErrTrace, meta["format"], traceFormat)
	}
	t := &Trace{Values: map[string]Tensor{}, Top: map[string]TopK{}, Grads: map[string]Tensor{}}
	input := map[string]Tensor{}
	ints := map[string][]int32{}
	for _, e := range entries {
		x, whole, err := readEntry(r, start, e)
		if err != nil {
			return nil, err
		}
		switch {
		case strings.HasPrefix(e.Name, "input."):
			input[e.Name[len("input."):]] = x
			ints[e.Name] = whole
		case strings.HasPrefix(e.Name, "grad."):
			t.Grads[e.Name[len("grad."):]] = x
		case strings.HasPrefix(e.Name, "top."):
			name, isIndex := strings.CutSuffix(e.Name[len("top."):], ".index")
			name = strings.TrimSuffix(name, ".values")
			top := t.Top[name]
			if isIndex {
				top.Index = whole
			} else {
				top.Values = x
			}
			t.Top[name] = top
		case e.Name == "score":
			t.Score = x.Data
		default:
			t.Values[e.Name] = x
		}
	}
	for name, top := range t.Top {
		if len(top.Index) != len(top.Values.Data) {
			return nil, fmt.Errorf("%w: top.%s has %d values and %d indices", ErrTrace, name, len(top.Values.Data), len(top.Index))
		}
	}
	if err := readJSON(meta, "provenance", &t.Provenance); err != nil {
		return nil, err
	}
	if len(input) > 0 {
		if t.Batch, err = batchOf(input, ints, meta); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// readEntry reads one tensor: numbers as they are, integers also as such.
func readEntry(r io.ReaderAt, start int64, e safetensors.Entry) (Tensor, []int32, error) {
	if e.DType != "F32" && e.DType != "I32" {
		return Tensor{}, nil, fmt.Errorf("%w: %s has type %s, traces have F32 and I32", ErrTrace, e.Name, e.DType)
	}
	raw := make([]byte, e.End-e.Begin)
	if _, err := r.ReadAt(raw, start+e.Begin); err != nil && !(err == io.EOF && len(raw) == 0) {
		return Tensor{}, nil, fmt.Errorf("reading %s: %w", e.Name, err)
	}
	if e.DType == "I32" {
		whole := make([]int32, len(raw)/4)
		for i := range whole {
			whole[i] = int32(binary.LittleEndian.Uint32(raw[4*i:]))
		}
		return Tensor{Shape: e.Shape}, whole, nil
	}
	x := Tensor{Shape: e.Shape, Data: make([]float32, len(raw)/4)}
	for i := range x.Data {
		x.Data[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return x, nil, nil
}

func readJSON(meta map[string]string, key string, v any) error {
	text, ok := meta[key]
	if !ok {
		return nil
	}
	if err := json.Unmarshal([]byte(text), v); err != nil {
		return fmt.Errorf("%w: metadata %q: %w", ErrTrace, key, err)
	}
	return nil
}

func batchOf(input map[string]Tensor, ints map[string][]int32, meta map[string]string) (*Batch, error) {
	b := &Batch{Feats: input["feats"], Boxes: input["boxes"]}
	shape := input["input_ids"].Shape
	ids, segments, lengths := ints["input.input_ids"], ints["input.segment_ids"], ints["input.lengths"]
	mask := input["input_mask"].Data
	if len(shape) != 2 || len(segments) != len(ids) || len(mask) != len(ids) || len(lengths) != shape[0] {
		return nil, fmt.Errorf("%w: the inputs' shapes do not fit each other", ErrTrace)
	}
	n, width := shape[0], shape[1]
	for i := range n {
		k := int(lengths[i])
		if k < 0 || k > width {
			return nil, fmt.Errorf("%w: text %d has length %d of %d", ErrTrace, i, k, width)
		}
		b.IDs = append(b.IDs, ids[i*width:i*width+k])
		b.Segments = append(b.Segments, segments[i*width:i*width+k])
		b.TextMask = append(b.TextMask, mask[i*width:i*width+k])
	}
	if m, ok := input["visual_mask"]; ok {
		if len(m.Shape) != 2 || len(m.Data) != Size(m.Shape) {
			return nil, fmt.Errorf("%w: visual_mask has shape %v", ErrTrace, m.Shape)
		}
		for i := range m.Shape[0] {
			b.RegionMask = append(b.RegionMask, m.Row(i).Data)
		}
	}
	pairs := ints["input.pairs"]
	for i := 0; i+1 < len(pairs); i += 2 {
		b.Pairs = append(b.Pairs, [2]int{int(pairs[i]), int(pairs[i+1])})
	}
	if err := readJSON(meta, "words", &b.Words); err != nil {
		return nil, err
	}
	return b, readJSON(meta, "images", &b.Images)
}
