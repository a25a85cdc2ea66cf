package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

// Item is a tensor to write.
type Item struct {
	Name  string
	DType string
	Shape []int
	// Values writes the values, little-endian and row-major, exactly as many bytes as type and shape say.
	Values func(w io.Writer) error
}

// Raw is the Values of an [Item] whose bytes are at hand.
func Raw(data []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}
}

// Sort orders items as the reference implementation does: wider types first, so that all values are aligned, then by name.
func Sort(items []Item) {
	slices.SortStableFunc(items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(ItemSize(b.DType), ItemSize(a.DType)), cmp.Compare(a.Name, b.Name))
	})
}

// Write writes a file with the items in the given order. Values are asked for one after the other and never kept, so
// memory does not grow with the file. The same items and metadata give the same bytes.
func Write(w io.Writer, items []Item, metadata map[string]string) error {
	header, err := encodeHeader(items, metadata)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for _, it := range items {
		want, _ := Bytes(it.DType, it.Shape)
		c := &counter{w: w}
		if err := it.Values(c); err != nil {
			return fmt.Errorf("tensor %s: %w", excerpt.Quote(it.Name), err)
		}
		if c.n != want {
			return fmt.Errorf("tensor %s: %d bytes of values for %s %v, which has %d", excerpt.Quote(it.Name), c.n, it.DType, it.Shape, want)
		}
	}
	return nil
}

// encodeHeader returns length and header, padded with spaces to a multiple of eight bytes.
func encodeHeader(items []Item, metadata map[string]string) ([]byte, error) {
	if n := max(len(items)+1, len(metadata)); n > maxNames {
		return nil, fmt.Errorf("%d tensors and %d notes cannot be written: a file may have fewer than %d", len(items), len(metadata), maxNames)
	}
	var b bytes.Buffer
	b.Write(make([]byte, 8))
	sep := byte('{')
	field := func(name string, value any) error {
		b.WriteByte(sep)
		sep = ','
		for i, v := range []any{name, value} {
			if i == 1 {
				b.WriteByte(':')
			}
			text, err := json.Marshal(v)
			if err != nil {
				return err
			}
			b.Write(text)
		}
		return nil
	}
	if len(metadata) > 0 {
		if err := field("__metadata__", metadata); err != nil {
			return nil, err
		}
	}
	type entry struct {
		DType   string   `json:"dtype"`
		Shape   []int    `json:"shape"`
		Offsets [2]int64 `json:"data_offsets"`
	}
	seen := map[string]bool{"__metadata__": true}
	at := int64(0)
	for _, it := range items {
		if seen[it.Name] {
			return nil, fmt.Errorf("two tensors called %s", excerpt.Quote(it.Name))
		}
		seen[it.Name] = true
		n, ok := Bytes(it.DType, it.Shape)
		if !ok || at+n < at {
			return nil, fmt.Errorf("tensor %s: %s %v cannot be written", excerpt.Quote(it.Name), it.DType, it.Shape)
		}
		if err := field(it.Name, entry{it.DType, append([]int{}, it.Shape...), [2]int64{at, at + n}}); err != nil {
			return nil, err
		}
		at += n
	}
	if sep == '{' {
		b.WriteByte('{')
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	if b.Len()-8 > maxHeader {
		return nil, fmt.Errorf("a header of %d bytes is over the limit of %d", b.Len()-8, maxHeader)
	}
	binary.LittleEndian.PutUint64(b.Bytes(), uint64(b.Len()-8))
	return b.Bytes(), nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
