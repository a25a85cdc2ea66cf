package region

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

// maxNPYHeader is the longest header of an array: NumPy's own limit is 10,000 characters.
const maxNPYHeader = 1 << 16

// readNPYHeader reads the beginning of an array as np.save writes it: magic, version, length, and a Python dict of
// exactly descr, fortran_order and shape. fortran says that an array of two axes stands column by column; size is how many
// bytes were read.
func readNPYHeader(r io.Reader) (e element, shape []int, fortran bool, size int64, err error) {
	var start [12]byte
	if _, err := io.ReadFull(r, start[:10]); err != nil {
		return e, nil, false, 0, cutShort(err)
	}
	if string(start[:6]) != "\x93NUMPY" {
		return e, nil, false, 0, errors.New("not an array of NumPy (.npy)")
	}
	length := int64(binary.LittleEndian.Uint16(start[8:]))
	size = 10
	switch start[6] {
	case 1:
	case 2, 3:
		if _, err := io.ReadFull(r, start[10:]); err != nil {
			return e, nil, false, 0, cutShort(err)
		}
		length = int64(binary.LittleEndian.Uint32(start[8:]))
		size = 12
	default:
		return e, nil, false, 0, fmt.Errorf("version %d of NumPy's format is not known", start[6])
	}
	if length > maxNPYHeader {
		return e, nil, false, 0, fmt.Errorf("a header of %d bytes, at most %d are read", length, maxNPYHeader)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return e, nil, false, 0, cutShort(err)
	}
	e, shape, fortran, err = parseNPYHeader(string(text))
	return e, shape, fortran, size + length, err
}

// npyParser reads the few forms of Python that a header has.
type npyParser struct{ rest string }

func (p *npyParser) space() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

// take passes a word that must, or may, come next.
func (p *npyParser) take(word string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.rest, word)
	p.rest = rest
	return ok
}

func (p *npyParser) text() (string, bool) {
	for _, quote := range []string{"'", `"`} {
		if p.take(quote) {
			text, rest, ok := strings.Cut(p.rest, quote)
			p.rest = rest
			return text, ok && !strings.Contains(text, `\`)
		}
	}
	return "", false
}

func (p *npyParser) shape() (shape []int, ok bool) {
	if !p.take("(") {
		return nil, false
	}
	shape = []int{}
	for !p.take(")") {
		p.space()
		digits := len(p.rest) - len(strings.TrimLeft(p.rest, "0123456789"))
		n, err := strconv.Atoi(p.rest[:digits])
		if err != nil || len(shape) == 32 {
			return nil, false
		}
		shape = append(shape, n)
		p.rest = strings.TrimPrefix(p.rest[digits:], "L") // Python 2
		if !p.take(",") {
			return shape, p.take(")") && len(shape) > 1
		}
	}
	return shape, true
}

func parseNPYHeader(text string) (e element, shape []int, fortran bool, err error) {
	p := &npyParser{text}
	bad := fmt.Errorf("the header %s is not one that np.save writes", excerpt.Quote(text))
	if !p.take("{") {
		return e, nil, false, bad
	}
	descr, seen := "", map[string]bool{}
	for !p.take("}") {
		key, ok := p.text()
		if !ok || seen[key] || !p.take(":") {
			return e, nil, false, bad
		}
		seen[key] = true
		switch key {
		case "descr":
			if descr, ok = p.text(); !ok {
				return e, nil, false, errors.New("an array of records or objects is not read; save plain numbers")
			}
		case "fortran_order":
			fortran = p.take("True")
			ok = fortran || p.take("False")
		case "shape":
			shape, ok = p.shape()
		default:
			ok = false
		}
		if !ok {
			return e, nil, false, bad
		}
		if !p.take(",") {
			if !p.take("}") {
				return e, nil, false, bad
			}
			break
		}
	}
	if p.space(); p.rest != "" || !seen["descr"] || !seen["fortran_order"] || !seen["shape"] {
		return e, nil, false, bad
	}
	e, err = parseDescr(descr)
	if err != nil {
		return e, nil, false, err
	}
	if _, ok := arrayBytes(e, shape); !ok {
		return e, nil, false, fmt.Errorf("the shape %v is impossibly large", shape)
	}
	if fortran = fortran && len(shape) > 1; fortran && len(shape) > 2 {
		return e, nil, false, errors.New("an array of more than two axes is in Fortran order; in Python, save np.ascontiguousarray(x)")
	}
	return e, shape, fortran, nil
}

// parseDescr reads a type as NumPy writes it, such as "<f4", "|u1" or "<U12".
func parseDescr(descr string) (element, error) {
	bad := fmt.Errorf("type %s is not read; numbers must be float16, float32, float64 or integers", excerpt.Quote(descr))
	if len(descr) < 3 {
		return element{}, bad
	}
	size, err := strconv.Atoi(descr[2:])
	e := element{descr[1], size}
	if descr[0] == '>' {
		return element{}, fmt.Errorf("type %s is big-endian; in Python, save x.astype(%q)", excerpt.Quote(descr), "<"+descr[1:])
	}
	if err != nil || size < 1 || size > maxID || descr[0] != '<' && descr[0] != '|' || descr[2] == '+' {
		return element{}, bad
	}
	switch {
	case e.kind == 'U':
		e.size *= 4
	case e.kind == 'S', e.kind == 'b' && size == 1, e.isFloat() && e.kind == 'f', e.isInt():
	default:
		return element{}, bad
	}
	return e, nil
}
