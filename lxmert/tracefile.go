package lxmert

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seed-516990b0/golxmert/internal/atomicfile"
	"github.com/seed-516990b0/golxmert/internal/safetensors"
)

// A trace file is a safetensors file. Values have their own names; "grad.NAME" are gradients, "top.NAME.values" and
// "top.NAME.index" the largest entries, "score" the score of each row, and "input.*" the batch: input_ids, segment_ids,
// input_mask, lengths, feats, boxes, visual_mask, pairs. Words, images and provenance are JSON in the metadata.

// ErrTrace is wrapped by every error that says a file is not a trace.
var ErrTrace = errors.New("not a trace file")

const traceFormat = "lxmert-trace 1"

// Save writes the trace as one safetensors file, replacing path at once or not at all. Errors are those of [Trace.Write]
// and of the file system, and name the file.
func (t *Trace) Save(path string) error {
	return atomicfile.Replace(path, func(_ *os.File, w *bufio.Writer) error { return t.Write(w) })
}

// Write writes the trace as a safetensors file, from which [ReadTrace] makes an equal one; segments and a text mask that
// are nil come back spelled out. The error says which value has a name that the format gives another meaning, which tensor's
// data does not fit its shape, or which part of the batch does not fit the others.
func (t *Trace) Write(w io.Writer) error {
	items, meta, err := t.contents()
	if err != nil {
		return fmt.Errorf("a trace that cannot be written: %w", err)
	}
	return safetensors.Write(w, items, meta)
}

// contents checks the trace and returns what a file of it holds.
func (t *Trace) contents() ([]safetensors.Item, map[string]string, error) {
	for _, name := range slices.Sorted(maps.Keys(t.Values)) {
		if err := checkKey(name); err != nil {
			return nil, nil, err
		}
	}
	items, meta := t.items(), map[string]string{"format": traceFormat}
	describe := func(key string, v any) error {
		text, err := json.Marshal(v)
		meta[key] = string(text)
		return err
	}
	if err := describe("provenance", t.Provenance); err != nil {
		return nil, nil, err
	}
	if b := t.Batch; b != nil {
		if err := b.checkForm(); err != nil {
			return nil, nil, fmt.Errorf("%w: %w", ErrBatch, err)
		}
		items = append(items, b.items()...)
		if b.Words != nil {
			for n, words := range b.Words {
				if !utf8.ValidString(words.Text) {
					return nil, nil, fmt.Errorf("the sentence of text %d is not UTF-8", n)
				}
			}
			if err := describe("words", b.Words); err != nil {
				return nil, nil, err
			}
		}
		if b.Images != nil {
			if err := describe("images", b.Images); err != nil {
				return nil, nil, err
			}
		}
	}
	safetensors.Sort(items)
	return items, meta, nil
}

// checkKey says whether a value of this name can be told from the other things in a trace file.
func checkKey(name string) error {
	for _, prefix := range []string{"input.", "grad.", "top."} {
		if strings.HasPrefix(name, prefix) {
			return fmt.Errorf("no value can be called %q: names that begin with %q have another meaning in a trace", name, prefix)
		}
	}
	if name == "score" || name == "__metadata__" || !utf8.ValidString(name) {
		return fmt.Errorf("no value can be called %q", name)
	}
	return nil
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
