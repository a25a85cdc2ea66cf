package region

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/seed-516990b0/golxmert/internal/half"
)

// element is the type of an array's numbers, little-endian: NumPy's kind letter (f, i, u, b, U, S; B for bfloat16) and size.
type element struct {
	kind byte
	size int // bytes; of U and S, of one string
}

func (e element) String() string {
	if e.kind == 'B' {
		return "bfloat16"
	}
	return fmt.Sprintf("%c%d", e.kind, e.size)
}

func (e element) isFloat() bool {
	return e.kind == 'f' && (e.size == 2 || e.size == 4 || e.size == 8) || e.kind == 'B'
}

func (e element) isInt() bool {
	switch e.size {
	case 1, 2, 4, 8:
		return e.kind == 'i' || e.kind == 'u'
	}
	return false
}

// array is one array of a file.
type array struct {
	name  string
	elem  element
	shape []int
	// columnwise says that of the last two axes the last one is the slower in the file.
	columnwise bool
	limit      int64 // bytes that may be read at once, in view of what the file has
	// open reads the values from byte off on.
	open func(off int64) (io.ReadCloser, error)
}

// maxBytes bounds arrays, so that sizes never overflow.
const maxBytes = 1 << 50

// arrayBytes is the size of an array; ok is false for impossible ones.
func arrayBytes(e element, shape []int) (n int64, ok bool) {
	n = int64(e.size)
	for _, d := range shape {
		if d < 0 || d > 0 && n > maxBytes/int64(d) {
			return 0, false
		}
		n *= int64(d)
	}
	return n, true
}

// at cuts off the first axis: how many rows there are, and the bytes of one.
func (a *array) rows() (count int, size int64) {
	size, _ = arrayBytes(a.elem, a.shape[1:])
	return a.shape[0], size
}

// column reads an array row by row, forwards without starting again.
type column struct {
	*array
	body io.ReadCloser
	next int
	raw  []byte
}

// row returns the bytes of row i along the first axis, good until the next call.
func (c *column) row(i int) ([]byte, error) {
	_, size := c.rows()
	if size > c.limit {
		return nil, fmt.Errorf("%s: %d bytes are announced for one image, far more than the file has", c.name, size)
	}
	if c.body != nil && c.next != i {
		c.close()
	}
	if c.body == nil {
		body, err := c.open(int64(i) * size)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		c.body, c.next = body, i
	}
	c.raw = resize(c.raw, int(size))
	if _, err := io.ReadFull(c.body, c.raw); err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, cutShort(err))
	}
	c.next++
	if count, _ := c.rows(); c.next == count { // reading on to the end checks a zip's checksum
		if n, err := io.Copy(io.Discard, io.LimitReader(c.body, 1)); err != nil || n > 0 {
			return nil, fmt.Errorf("%s: %w", c.name, errors.Join(err, tooLong(n)))
		}
	}
	return c.raw, nil
}

func tooLong(n int64) error {
	if n > 0 {
		return errors.New("there are more values than the shape says")
	}
	return nil
}

func (c *column) close() {
	if c.body != nil {
		c.body.Close()
		c.body = nil
	}
}

// whole returns all bytes of an array.
func (a *array) whole() ([]byte, error) {
	flat := *a
	size, _ := arrayBytes(a.elem, a.shape)
	flat.elem.size, flat.shape = 1, []int{1, int(size)}
	c := column{array: &flat}
	defer c.close()
	return c.row(0)
}

func cutShort(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errors.New("the values end too early; the file was cut short")
	}
	return err
}

// floats converts raw numbers.
func (e element) floats(dst []float32, raw []byte) {
	le := binary.LittleEndian
	switch {
	case e.kind == 'B':
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(le.Uint16(raw[2*i:])) << 16)
		}
	case e.isInt():
		for i := range dst {
			dst[i] = float32(e.int(raw, i))
		}
	case e.size == 2:
		for i := range dst {
			dst[i] = half.Widen(le.Uint16(raw[2*i:]))
		}
	case e.size == 4:
		for i := range dst {
			dst[i] = math.Float32frombits(le.Uint32(raw[4*i:]))
		}
	case e.size == 8:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(le.Uint64(raw[8*i:])))
		}
	}
}

// int is the i-th of raw whole numbers; unsigned ones beyond int64 become negative.
func (e element) int(raw []byte, i int) int64 {
	le := binary.LittleEndian
	switch raw = raw[i*e.size:]; {
	case e.size == 1 && e.kind == 'i':
		return int64(int8(raw[0]))
	case e.size == 1:
		return int64(raw[0])
	case e.size == 2 && e.kind == 'i':
		return int64(int16(le.Uint16(raw)))
	case e.size == 2:
		return int64(le.Uint16(raw))
	case e.size == 4 && e.kind == 'i':
		return int64(int32(le.Uint32(raw)))
	case e.size == 4:
		return int64(le.Uint32(raw))
	}
	return int64(le.Uint64(raw))
}

// integers reads an array of n whole numbers from 1 to limit, or one for all n.
func (a *array) integers(n, limit int) ([]int, error) {
	count, _ := arrayBytes(element{'i', 1}, a.shape)
	if len(a.shape) > 1 || count != 1 && count != int64(n) {
		return nil, fmt.Errorf("%s has shape %v, must be one number for each of %d images", a.name, a.shape, n)
	}
	if !a.elem.isInt() && !a.elem.isFloat() {
		return nil, fmt.Errorf("%s has type %s, must be numbers", a.name, a.elem)
	}
	raw, err := a.whole()
	if err != nil {
		return nil, err
	}
	out, value := make([]int, n), make([]float32, 1)
	for i := range out {
		k := min(i, int(count)-1)
		var v int64
		if a.elem.isInt() {
			v = a.elem.int(raw, k)
		} else if a.elem.floats(value, raw[k*a.elem.size:]); value[0] == float32(int32(value[0])) {
			v = int64(value[0])
		}
		if v < 1 || v > int64(limit) {
			return nil, fmt.Errorf("%s of image %d is not a whole number from 1 to %d", a.name, i, limit)
		}
		out[i] = int(v)
	}
	return out, nil
}

// strings reads an array of n strings: NumPy's U (UTF-32) or S (bytes), padded with zeros.
func (a *array) strings(n int) ([]string, error) {
	if count, _ := arrayBytes(element{'i', 1}, a.shape); len(a.shape) > 1 || count != int64(n) {
		return nil, fmt.Errorf("%s has shape %v, must be one string for each of %d images", a.name, a.shape, n)
	}
	if a.elem.kind != 'U' && a.elem.kind != 'S' {
		return nil, fmt.Errorf("%s has type %s, must be strings; in Python, np.array(ids, dtype=str)", a.name, a.elem)
	}
	raw, err := a.whole()
	if err != nil {
		return nil, err
	}
	out := make([]string, n)
	for i := range out {
		item := raw[i*a.elem.size : (i+1)*a.elem.size]
		if a.elem.kind == 'S' {
			out[i] = strings.TrimRight(string(item), "\x00")
		} else {
			var text []byte
			for ; len(item) >= 4; item = item[4:] {
				text = utf8.AppendRune(text, rune(binary.LittleEndian.Uint32(item)))
			}
			out[i] = strings.TrimRight(string(text), "\x00")
		}
	}
	return out, nil
}
