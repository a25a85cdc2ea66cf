package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/internal/filekind"
)

// ErrFormat is wrapped by every error about what a file says.
var ErrFormat = errors.New("unreadable data set file")

// maxDepth is how deep lists and objects may be nested. The published files need 4.
const maxDepth = 1000

// decoder reads JSON (RFC 8259, UTF-8) value by value, in the file's order and without holding more than one string: the
// question files have up to 4 million entries, and the order of a label's answers matters. It knows the line it is in.
type decoder struct {
	src  io.Reader
	file string // what errors call the input
	noun string // what errors call an element of the outermost list
	item int    // which element is being read, from 1; 0: none

	buf       []byte
	at, end   int   // what is left of buf
	lines     int   // line ends before buf
	consumed  int64 // bytes before buf
	exhausted error // of src
	text      []byte
	depth     int
}

func newDecoder(src io.Reader, file, noun string) *decoder {
	return &decoder{src: src, file: file, noun: noun, buf: make([]byte, 256<<10)}
}

// offset is how many bytes have been read.
func (d *decoder) offset() int64 { return d.consumed + int64(d.at) }

// errorf makes an error that says where the decoder is.
func (d *decoder) errorf(format string, args ...any) error {
	line := 1 + d.lines + bytes.Count(d.buf[:d.at], []byte{'\n'})
	item := ""
	if d.item > 0 {
		item = fmt.Sprintf(" %s %d:", d.noun, d.item)
	}
	return fmt.Errorf("%w: %s:%d:%s %w", ErrFormat, d.file, line, item, fmt.Errorf(format, args...))
}

// fill reads on when the buffer is used up. The error is io.EOF at the end of the input, else final.
func (d *decoder) fill() error {
	if d.exhausted != nil {
		return d.exhausted
	}
	d.lines += bytes.Count(d.buf[:d.end], []byte{'\n'})
	d.consumed += int64(d.end)
	d.at, d.end = 0, 0
	first, least := d.consumed == 0, 1
	if first {
		least = min(filekind.HeadSize, len(d.buf)) // one read may bring less than tells what the file is
	}
	n, err := io.ReadAtLeast(d.src, d.buf, least)
	d.end = n
	if err == io.ErrUnexpectedEOF {
		err = nil
	}
	if err != nil && err != io.EOF {
		err = fmt.Errorf("dataset: reading %s: %w", d.file, err)
	}
	if n == 0 || err != nil {
		d.exhausted = err // for whoever wants more than these bytes
	}
	if n == 0 {
		return err
	}
	if first {
		if err := d.checkKind(filekind.Of(d.buf[:min(n, filekind.HeadSize)])); err != nil {
			d.exhausted = err
			return err
		}
		if bytes.HasPrefix(d.buf[:n], []byte(filekind.Mark)) {
			if d.at = len(filekind.Mark); d.at == n {
				return d.fill()
			}
		}
	}
	return nil
}

// checkKind refuses what is not JSON whatever comes after it, by its name.
func (d *decoder) checkKind(kind filekind.Kind) error {
	switch kind {
	case filekind.JSON, filekind.Text, filekind.TSV, filekind.Unknown: // what is wrong in them has a line
		return nil
	case filekind.PythonText:
		return d.errorf("%s", kind.Not("JSON", "")+"; json.dump writes JSON")
	}
	return d.errorf("%s", kind.Not("JSON", ""))
}

// more is fill inside a value, where the input may not end.
func (d *decoder) more() error {
	err := d.fill()
	if err == io.EOF {
		return d.errorf("the file ends here, in the middle of a value: it was cut short")
	}
	return err
}

// next takes one byte.
func (d *decoder) next() (byte, error) {
	if d.at == d.end {
		if err := d.more(); err != nil {
			return 0, err
		}
	}
	d.at++
	return d.buf[d.at-1], nil
}

// peek is the first byte that is not white space. The error is io.EOF at the end of the input.
func (d *decoder) peek() (byte, error) {
	for {
		for ; d.at < d.end; d.at++ {
			switch c := d.buf[d.at]; c {
			case ' ', '\t', '\n', '\r':
			default:
				return c, nil
			}
		}
		if err := d.fill(); err != nil {
			return 0, err
		}
	}
}

// kind names the type of the next value: "a string", "a number", "a list", "an object", "true", "false" or "null".
func (d *decoder) kind() (string, error) {
	c, err := d.peek()
	if err == io.EOF {
		return "", d.errorf("the file ends here, in the middle of a value: it was cut short")
	}
	if err != nil {
		return "", err
	}
	switch {
	case c == '"':
		return "a string", nil
	case c == '-' || '0' <= c && c <= '9':
		return "a number", nil
	case c == '[':
		return "a list", nil
	case c == '{':
		return "an object", nil
	case c == 't':
		return "true", nil
	case c == 'f':
		return "false", nil
	case c == 'n':
		return "null", nil
	}
	return "", d.errorf("unexpected %q where a value must begin: not JSON", rune(c))
}

// want returns an error unless the next value is of a kind. what is the value's name.
func (d *decoder) want(kind, what string) error {
	got, err := d.kind()
	if err == nil && got != kind {
		err = d.errorf("%s is %s, must be %s", what, got, kind)
	}
	return err
}

// list calls each in front of every element of a list.
func (d *decoder) list(what string, each func(i int) error) error {
	if err := d.want("a list", what); err != nil {
		return err
	}
	return d.members(']', each)
}

// object calls each in front of every value of an object. The key is good until the decoder is used.
func (d *decoder) object(what string, each func(key []byte) error) error {
	if err := d.want("an object", what); err != nil {
		return err
	}
	return d.members('}', func(int) error {
		key, err := d.string("a key")
		if err != nil {
			return err
		}
		// Going to the value may overwrite the key's bytes in the buffer.
		if d.at == d.end || d.buf[d.at] != ':' {
			d.text = append(d.text[:0], key...)
			key = d.text
			c, err := d.peek()
			if err == io.EOF {
				return d.more()
			}
			if err != nil {
				return err
			}
			if c != ':' {
				return d.errorf("%q after the key %s, must be a colon", rune(c), excerpt.Quote(string(key)))
			}
		}
		d.at++
		return each(key)
	})
}

// members goes through a list or an object, from its bracket on.
func (d *decoder) members(closing byte, each func(i int) error) error {
	if d.depth == maxDepth {
		return d.errorf("lists and objects are nested more than %d deep", maxDepth)
	}
	d.depth++
	defer func() { d.depth-- }()
	d.at++
	for i := 0; ; i++ {
		c, err := d.peek()
		switch {
		case err == io.EOF:
			return d.more()
		case err != nil:
			return err
		case c == closing && i == 0:
			d.at++
			return nil
		}
		if err := each(i); err != nil {
			return err
		}
		c, err = d.peek()
		switch {
		case err == io.EOF:
			return d.more()
		case err != nil:
			return err
		case c == closing:
			d.at++
			return nil
		case c != ',':
			return d.errorf("%q after a value, must be a comma or %q", rune(c), rune(closing))
		}
		d.at++
	}
}

// skip goes past any value.
func (d *decoder) skip() error {
	kind, err := d.kind()
	if err != nil {
		return err
	}
	switch kind {
	case "a string":
		_, err = d.string("a value")
	case "a number":
		_, err = d.number("a value")
	case "a list":
		err = d.list("a value", func(int) error { return d.skip() })
	case "an object":
		err = d.object("a value", func([]byte) error { return d.skip() })
	default:
		for i := range len(kind) {
			c, err := d.next()
			if err != nil {
				return err
			}
			if c != kind[i] {
				return d.errorf("unexpected %q in %s: not JSON", rune(c), kind)
			}
		}
	}
	return err
}

// texts reads an object and returns the strings with some of its keys; nil where there is none.
func (d *decoder) texts(what string, keys ...string) ([]*string, error) {
	found := make([]*string, len(keys))
	err := d.object(what, func(key []byte) error {
		i := slices.Index(keys, string(key))
		if i < 0 {
			return d.skip()
		}
		s, err := d.string(keys[i])
		text := string(s)
		found[i] = &text
		return err
	})
	return found, err
}

// finish returns an error if anything is left.
func (d *decoder) finish() error {
	d.item = 0
	c, err := d.peek()
	switch {
	case err == io.EOF:
		return nil
	case err != nil:
		return err
	}
	return d.errorf("%q after the end: only one value may be in the file", rune(c))
}
