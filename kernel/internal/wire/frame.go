package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// A frame is a header in JSON after its length, four bytes, little-endian, and then a trace file to the end of the body.

// maxHeader bounds the JSON of a frame. Positions of a large batch are the longest part.
const maxHeader = 64 << 20

// ErrFrame is wrapped by every error that says a body is not a frame.
var ErrFrame = errors.New("not a frame")

// WriteFrame writes a header, which JSON must be able to hold, and a trace.
func WriteFrame(w io.Writer, header any, t *lxmert.Trace) error {
	text, err := json.Marshal(header)
	if err != nil {
		return err
	}
	if len(text) > maxHeader {
		return fmt.Errorf("a request whose numbers take %d MB as JSON, the most is %d MB", len(text)>>20, maxHeader>>20)
	}
	if _, err := w.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(text)))); err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	return t.Write(w)
}

// ReadFrame reads what WriteFrame wrote. It trusts nothing; memory stays within a small multiple of the body's size.
func ReadFrame(body []byte, header any) (*lxmert.Trace, error) {
	if len(body) < 4 {
		return nil, fmt.Errorf("%w: it has %d bytes", ErrFrame, len(body))
	}
	n := int64(binary.LittleEndian.Uint32(body))
	if n > maxHeader || n > int64(len(body)-4) {
		return nil, fmt.Errorf("%w: a header of %d bytes in a body of %d", ErrFrame, n, len(body))
	}
	if err := json.Unmarshal(body[4:4+n], header); err != nil {
		return nil, fmt.Errorf("%w: header: %w", ErrFrame, err)
	}
	rest := body[4+n:]
	t, err := lxmert.ReadTrace(bytes.NewReader(rest), int64(len(rest)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFrame, err)
	}
	return t, nil
}

// Request is a [lxmert.Request] without its tensors, which travel in the trace beside it.
type Request struct {
	Want      []lxmert.Read    `json:"want,omitempty"`
	Edits     []edit           `json:"edits,omitempty"`
	Grad      *grad            `json:"grad,omitempty"`
	NoRegions lxmert.NoRegions `json:"no_regions,omitempty"`
}

type edit struct {
	Name string    `json:"name"`
	Op   lxmert.Op `json:"op"`
}

type grad struct {
	Of    []term          `json:"of"`
	Names []string        `json:"names,omitempty"`
	Rule  lxmert.GradRule `json:"rule,omitempty"`
}

type term struct {
	Output   string          `json:"output"`
	Kind     lxmert.TermKind `json:"kind"`
	Position []int           `json:"position"`
	Class    []int           `json:"class"`
}

func valueName(i int) string  { return fmt.Sprintf("edit.%d.value", i) }
func maskName(i int) string   { return fmt.Sprintf("edit.%d.mask", i) }
func weightName(i int) string { return fmt.Sprintf("term.%d.weight", i) }

// Pack takes a request apart: what JSON holds, and a trace with the batch and the tensors. What only drawing needs of the
// batch stays behind.
func Pack(b *lxmert.Batch, r lxmert.Request) (Request, *lxmert.Trace) {
	bare := *b
	bare.Words, bare.Images = nil, nil
	t := &lxmert.Trace{Batch: &bare, Values: map[string]lxmert.Tensor{}}
	p := Request{Want: r.Want, NoRegions: r.NoRegions}
	for i, e := range r.Edits {
		p.Edits = append(p.Edits, edit{e.Name, e.Op})
		t.Values[valueName(i)] = e.Value
		if !e.Mask.IsZero() {
			t.Values[maskName(i)] = e.Mask
		}
	}
	if r.Grad == nil {
		return p, t
	}
	p.Grad = &grad{Names: r.Grad.Names, Rule: r.Grad.Rule}
	for i, x := range r.Grad.Of {
		p.Grad.Of = append(p.Grad.Of, term{x.Output, x.Kind, x.Position, x.Class})
		if x.Weight != nil {
			t.Values[weightName(i)] = lxmert.Tensor{Shape: []int{len(x.Weight)}, Data: x.Weight}
		}
	}
	return p, t
}

// Unpack puts a request together again.
func (p Request) Unpack(t *lxmert.Trace) (*lxmert.Batch, lxmert.Request, error) {
	r := lxmert.Request{Want: p.Want, NoRegions: p.NoRegions}
	if t.Batch == nil {
		return nil, r, fmt.Errorf("%w: there is no batch", ErrFrame)
	}
	left := maps.Clone(t.Values)
	take := func(name string) (lxmert.Tensor, bool) {
		x, ok := left[name]
		delete(left, name)
		return x, ok
	}
	for i, e := range p.Edits {
		value, ok := take(valueName(i))
		if !ok {
			return nil, r, fmt.Errorf("%w: edit %d has no value", ErrFrame, i)
		}
		mask, _ := take(maskName(i))
		r.Edits = append(r.Edits, lxmert.Edit{Name: e.Name, Op: e.Op, Value: value, Mask: mask})
	}
	if p.Grad != nil {
		r.Grad = &lxmert.Grad{Names: p.Grad.Names, Rule: p.Grad.Rule}
		for i, x := range p.Grad.Of {
			one := lxmert.Term{Output: x.Output, Kind: x.Kind, Position: x.Position, Class: x.Class}
			if w, ok := take(weightName(i)); ok {
				if len(w.Shape) != 1 {
					return nil, r, fmt.Errorf("%w: the weights of term %d have shape %v", ErrFrame, i, w.Shape)
				}
				one.Weight = w.Data
			}
			r.Grad.Of = append(r.Grad.Of, one)
		}
	}
	if len(left) > 0 {
		return nil, r, fmt.Errorf("%w: nothing is called %.60q", ErrFrame, slices.Sorted(maps.Keys(left))[0])
	}
	return t.Batch, r, nil
}
