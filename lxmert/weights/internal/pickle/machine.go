package pickle

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"slices"
	"unicode/utf8"
)

// ErrFormat is wrapped by every error that says a pickle is damaged or holds what this package does not read.
var ErrFormat = errors.New("not a readable pickle")

// Callable is a class or function that a pickle may call.
type Callable interface {
	Call(args []any) (any, error)
}

// Builder is an object that takes the state a BUILD opcode gives it.
type Builder interface {
	Build(state any) error
}

const (
	// maxOps bounds the values that a pickle can make; published checkpoints have about ten thousand opcodes.
	maxOps = 2_000_000
	// maxInt is the longest integer, in bytes.
	maxInt = 256
	// maxName is the longest name of a module, class or function, in bytes.
	maxName = 200
)

// Machine reads one pickle after another. Both functions may be nil: then their opcodes are errors.
type Machine struct {
	// Global finds what the pickle calls module.name.
	Global func(module, name string) (any, error)
	// Persistent turns a persistent id into a value.
	Persistent func(id any) (any, error)

	r      *bufio.Reader
	at     int64 // offset of the next byte
	size   int64 // end of the input
	stack  []any
	marks  []int // stack heights
	memo   map[uint32]any
	budget int
}

// NewMachine reads the bytes from start to end of r.
func NewMachine(r io.ReaderAt, start, end int64) *Machine {
	return &Machine{
		r:  bufio.NewReaderSize(io.NewSectionReader(r, start, end-start), 16<<10),
		at: start, size: end, budget: maxOps,
	}
}

// Offset is the place after the last pickle that was read.
func (m *Machine) Offset() int64 { return m.at }

// Load reads one pickle.
func (m *Machine) Load() (v any, err error) {
	m.stack, m.marks, m.memo = m.stack[:0], m.marks[:0], map[uint32]any{}
	for first := true; ; first = false {
		start := m.at
		op, err := m.byte()
		if err == nil && first && op != opProto {
			err = fmt.Errorf("it starts with byte 0x%02x instead of a protocol number", op)
		}
		if err == nil && op == opStop {
			if len(m.stack) != 1 || len(m.marks) != 0 {
				return nil, fmt.Errorf("%w: offset %d: it stops with %d values on the stack instead of one", ErrFormat, start, len(m.stack))
			}
			return m.stack[0], nil
		}
		if m.budget--; err == nil && m.budget < 0 {
			err = fmt.Errorf("more than %d opcodes", maxOps)
		}
		if err == nil {
			err = m.step(op)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: offset %d: %w", ErrFormat, start, err)
		}
	}
}

var errShort = errors.New("it ends too early; the file was cut short")

func (m *Machine) byte() (byte, error) {
	b, err := m.r.ReadByte()
	if err != nil {
		if err == io.EOF {
			err = errShort
		}
		return 0, err
	}
	m.at++
	return b, nil
}

// bytes reads n bytes after comparing n with what is left.
func (m *Machine) bytes(n uint64) ([]byte, error) {
	if left := uint64(m.size - m.at); n > left {
		return nil, fmt.Errorf("%d bytes are announced but %d are left", n, left)
	}
	b := make([]byte, n)
	got, err := io.ReadFull(m.r, b)
	m.at += int64(got)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = errShort
	}
	return b, err
}

// uint reads a little-endian number of 1, 2, 4 or 8 bytes.
func (m *Machine) uint(size int) (uint64, error) {
	var b [8]byte
	for i := range size {
		c, err := m.byte()
		if err != nil {
			return 0, err
		}
		b[i] = c
	}
	return binary.LittleEndian.Uint64(b[:]), nil
}

// sized reads a length of the given width and as many bytes.
func (m *Machine) sized(width int) ([]byte, error) {
	n, err := m.uint(width)
	if err != nil {
		return nil, err
	}
	return m.bytes(n)
}

// text reads a length and as many bytes of UTF-8. Python's lone surrogates, by which it keeps what is not UTF-8 in the
// names of files, become U+FFFD.
func (m *Machine) text(width int) error {
	b, err := m.sized(width)
	if err != nil {
		return err
	}
	for i := 0; i+2 < len(b); i++ {
		if b[i] == 0xed && b[i+1]&0xe0 == 0xa0 && b[i+2]&0xc0 == 0x80 {
			copy(b[i:], "\uFFFD")
		}
	}
	if !utf8.Valid(b) {
		return errors.New("a string is not UTF-8")
	}
	m.push(string(b))
	return nil
}

// latin1 reads a Python 2 string.
func (m *Machine) latin1(width int) error {
	b, err := m.sized(width)
	if err != nil {
		return err
	}
	if utf8.Valid(b) {
		m.push(string(b))
	} else {
		m.push(Bytes(b))
	}
	return nil
}

var errLongName = fmt.Errorf("a name is longer than %d bytes", maxName)

func (m *Machine) line() (string, error) {
	var b []byte
	for len(b) < maxName {
		c, err := m.byte()
		if err != nil {
			return "", err
		}
		if c == '\n' {
			if !utf8.Valid(b) {
				return "", errors.New("a name is not UTF-8")
			}
			return string(b), nil
		}
		b = append(b, c)
	}
	return "", errLongName
}

// long reads a little-endian two's complement integer of n bytes.
func (m *Machine) long(n uint64) error {
	if n > maxInt {
		return fmt.Errorf("an integer of %d bytes, the limit is %d", n, maxInt)
	}
	b, err := m.bytes(n)
	if err != nil {
		return err
	}
	negative := n > 0 && b[n-1]&0x80 != 0
	slices.Reverse(b)
	v := new(big.Int).SetBytes(b)
	if negative {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*n)))
	}
	if v.IsInt64() {
		m.push(v.Int64())
	} else {
		m.push(v)
	}
	return nil
}

func (m *Machine) float() error {
	b, err := m.bytes(8)
	if err == nil {
		m.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
	}
	return err
}

func (m *Machine) push(v any) { m.stack = append(m.stack, v) }

// floor is the part of the stack that the innermost mark protects.
func (m *Machine) floor() int {
	if len(m.marks) == 0 {
		return 0
	}
	return m.marks[len(m.marks)-1]
}

func (m *Machine) top() (any, error) {
	if len(m.stack) <= m.floor() {
		return nil, errors.New("the stack is empty")
	}
	return m.stack[len(m.stack)-1], nil
}

// pop takes n values off the stack. The slice is valid until the next push.
func (m *Machine) pop(n int) ([]any, error) {
	if len(m.stack)-m.floor() < n {
		return nil, errors.New("the stack is empty")
	}
	values := m.stack[len(m.stack)-n:]
	m.stack = m.stack[:len(m.stack)-n]
	return values, nil
}

// popMark takes all values above the innermost mark, and the mark.
func (m *Machine) popMark() ([]any, error) {
	if len(m.marks) == 0 {
		return nil, errors.New("there is no mark on the stack")
	}
	from := m.floor()
	values := m.stack[from:]
	m.stack = m.stack[:from]
	m.marks = m.marks[:len(m.marks)-1]
	return values, nil
}
