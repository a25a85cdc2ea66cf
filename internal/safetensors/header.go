package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"unicode/utf8"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

// ErrFormat is wrapped by every error that says a file is not well-formed safetensors.
var ErrFormat = errors.New("not a valid safetensors file")

// maxHeader is the longest header, in bytes; the reference implementation has the same limit.
const maxHeader = 100_000_000

// maxNames is how many tensors, and how many notes, a file may have: a name takes far more memory than its few bytes in the
// header. Published models have hundreds.
const maxNames = 100_000

// Entry is one tensor of a file.
type Entry struct {
	Name  string
	DType string // F64 F32 F16 BF16 I64 I32 I16 I8 U64 U32 U16 U8 BOOL
	Shape []int
	// Begin and End are the bytes of the values, counted from the end of the header.
	Begin, End int64
}

// ItemSize returns the bytes of one element, or 0 for a type that this package does not know.
func ItemSize(dtype string) int {
	switch dtype {
	case "F64", "I64", "U64":
		return 8
	case "F32", "I32", "U32":
		return 4
	case "F16", "BF16", "I16", "U16":
		return 2
	case "I8", "U8", "BOOL":
		return 1
	}
	return 0
}

// Bytes returns the size of a tensor. ok is false for an unknown type, a negative axis or a size that overflows.
func Bytes(dtype string, shape []int) (n int64, ok bool) {
	n = int64(ItemSize(dtype))
	if n == 0 {
		return 0, false
	}
	if slices.Contains(shape, 0) {
		return 0, !slices.ContainsFunc(shape, func(d int) bool { return d < 0 })
	}
	for _, d := range shape {
		if d < 0 || int64(d) > math.MaxInt64/n {
			return 0, false
		}
		n *= int64(d)
	}
	return n, true
}

// ReadFile reads a file by read, which is given its size in bytes. Errors of reading name the file.
func ReadFile[T any](path string, read func(r io.ReaderAt, size int64) (T, error)) (value T, err error) {
	f, err := os.Open(path)
	if err != nil {
		return value, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return value, err
	}
	if value, err = read(f, info.Size()); err != nil {
		return value, fmt.Errorf("%s: %w", path, err)
	}
	return value, nil
}

// ReadHeader reads and checks the header of a file of the given size. Entries come in the order of their values,
// dataStart is where the values begin. Every error wraps [ErrFormat] or is r's own.
func ReadHeader(r io.ReaderAt, size int64) (entries []Entry, metadata map[string]string, dataStart int64, err error) {
	if size < 8 {
		return nil, nil, 0, fmt.Errorf("%w: %d bytes, too short for a header", ErrFormat, size)
	}
	var prefix [8]byte
	if _, err := r.ReadAt(prefix[:], 0); err != nil {
		return nil, nil, 0, fmt.Errorf("reading the header's length: %w", err)
	}
	length := binary.LittleEndian.Uint64(prefix[:])
	if length > maxHeader {
		return nil, nil, 0, fmt.Errorf("%w: offset 0: a header of %d bytes is over the limit of %d", ErrFormat, length, maxHeader)
	}
	if int64(length) > size-8 {
		return nil, nil, 0, fmt.Errorf("%w: offset 0: a header of %d bytes does not fit in a file of %d; the file was cut short", ErrFormat, length, size)
	}
	text := make([]byte, length)
	if _, err := r.ReadAt(text, 8); err != nil && !(err == io.EOF && int64(length) == size-8) {
		return nil, nil, 0, fmt.Errorf("reading the header: %w", err)
	}
	entries, metadata, err = parseHeader(text)
	if err != nil {
		return nil, nil, 0, err
	}
	dataStart = 8 + int64(length)
	if err := checkLayout(entries, size-dataStart); err != nil {
		return nil, nil, 0, err
	}
	return entries, metadata, dataStart, nil
}

func parseHeader(text []byte) ([]Entry, map[string]string, error) {
	if len(text) == 0 || text[0] != '{' {
		return nil, nil, fmt.Errorf("%w: offset 8: the header does not start with {", ErrFormat)
	}
	if !utf8.Valid(text) {
		return nil, nil, fmt.Errorf("%w: the header is not UTF-8", ErrFormat)
	}
	p := &headerParser{dec: json.NewDecoder(bytes.NewReader(text))}
	p.dec.UseNumber()
	var entries []Entry
	var metadata map[string]string
	err := p.object(func(name string) error {
		if name == "__metadata__" {
			metadata = map[string]string{}
			return p.object(func(key string) (err error) {
				metadata[key], err = p.string(key)
				return err
			})
		}
		e, err := p.entry(name)
		entries = append(entries, e)
		return err
	})
	if err == nil {
		if rest := bytes.TrimRight(text[p.dec.InputOffset():], " \t\r\n"); len(rest) > 0 {
			err = errors.New("something follows the JSON object")
		}
	}
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("the JSON ends too early")
		}
		return nil, nil, fmt.Errorf("%w: offset %d: header: %w", ErrFormat, 8+p.dec.InputOffset(), err)
	}
	return entries, metadata, nil
}

// headerParser reads the header token by token: unlike unmarshalling into a map it sees names that occur twice, and it
// never goes deeper than a header can.
type headerParser struct{ dec *json.Decoder }

func (p *headerParser) delim(want json.Delim) error {
	t, err := p.dec.Token()
	if err != nil {
		return err
	}
	if t != want {
		return fmt.Errorf("found %s instead of %s", excerpt.Quote(fmt.Sprint(t)), want)
	}
	return nil
}

func (p *headerParser) string(what string) (string, error) {
	t, err := p.dec.Token()
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", fmt.Errorf("%q is %s, must be a string", what, excerpt.Quote(fmt.Sprint(t)))
	}
	return s, nil
}

// object calls field for each name of a JSON object; field reads the value.
func (p *headerParser) object(field func(name string) error) error {
	if err := p.delim('{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for p.dec.More() {
		name, err := p.string("a name")
		if err != nil {
			return err
		}
		if seen[name] {
			return fmt.Errorf("the name %s occurs twice", excerpt.Quote(name))
		}
		if len(seen) == maxNames {
			return fmt.Errorf("more than %d names", maxNames)
		}
		seen[name] = true
		if err := field(name); err != nil {
			return err
		}
	}
	return p.delim('}')
}

func (p *headerParser) integers(what string, limit int) ([]int64, error) {
	if err := p.delim('['); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	ns := []int64{}
	for p.dec.More() {
		t, err := p.dec.Token()
		if err != nil {
			return nil, err
		}
		number, ok := t.(json.Number)
		if !ok {
			return nil, fmt.Errorf("%s holds %s, must be whole numbers", what, excerpt.Quote(fmt.Sprint(t)))
		}
		n, err := number.Int64()
		if err != nil || n < 0 || int64(int(n)) != n {
			return nil, fmt.Errorf("%s holds %s, must be whole numbers from 0 on that fit in 63 bits", what, excerpt.Quote(fmt.Sprint(number)))
		}
		if ns = append(ns, n); len(ns) > limit {
			return nil, fmt.Errorf("%s has more than %d numbers", what, limit)
		}
	}
	return ns, p.delim(']')
}

func (p *headerParser) entry(name string) (Entry, error) {
	e := Entry{Name: name, Begin: -1}
	err := p.object(func(key string) error {
		switch key {
		case "dtype":
			dtype, err := p.string("dtype")
			e.DType = dtype
			return err
		case "shape":
			ns, err := p.integers("shape", 64)
			e.Shape = make([]int, len(ns))
			for i, n := range ns {
				e.Shape[i] = int(n)
			}
			return err
		case "data_offsets":
			ns, err := p.integers("data_offsets", 2)
			if err == nil && len(ns) != 2 {
				return errors.New("data_offsets must be two numbers")
			}
			if err == nil {
				e.Begin, e.End = ns[0], ns[1]
			}
			return err
		}
		return fmt.Errorf("unknown field %s", excerpt.Quote(key))
	})
	switch {
	case err != nil:
	case e.DType == "" || e.Shape == nil || e.Begin < 0:
		err = errors.New("dtype, shape or data_offsets is missing")
	case ItemSize(e.DType) == 0:
		err = fmt.Errorf("type %s is not supported", excerpt.Quote(e.DType))
	}
	if err != nil {
		return e, fmt.Errorf("tensor %s: %w", excerpt.Quote(name), err)
	}
	return e, nil
}

// checkLayout sorts entries by place and says whether they fill the data without holes or overlaps.
func checkLayout(entries []Entry, data int64) error {
	slices.SortStableFunc(entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Begin, b.Begin), cmp.Compare(a.End, b.End))
	})
	at := int64(0)
	for _, e := range entries {
		want, ok := Bytes(e.DType, e.Shape)
		switch {
		case !ok:
			return fmt.Errorf("%w: tensor %s: the shape %v is impossibly large", ErrFormat, excerpt.Quote(e.Name), e.Shape)
		case e.End < e.Begin || e.End-e.Begin != want:
			return fmt.Errorf("%w: tensor %s: data_offsets [%d, %d] do not give the %d bytes of %s %v", ErrFormat, excerpt.Quote(e.Name), e.Begin, e.End, want, e.DType, e.Shape)
		case e.Begin < at:
			return fmt.Errorf("%w: tensor %s: data_offsets [%d, %d] overlap the tensor before, which ends at %d", ErrFormat, excerpt.Quote(e.Name), e.Begin, e.End, at)
		case e.Begin > at:
			return fmt.Errorf("%w: tensor %s: a hole in the data from %d to %d", ErrFormat, excerpt.Quote(e.Name), at, e.Begin)
		case e.End > data:
			return fmt.Errorf("%w: tensor %s: its values end at %d of %d bytes of data; the file was cut short", ErrFormat, excerpt.Quote(e.Name), e.End, data)
		}
		at = e.End
	}
	if at != data {
		return fmt.Errorf("%w: %d bytes follow the last tensor", ErrFormat, data-at)
	}
	return nil
}
