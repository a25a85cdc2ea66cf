package dataset

import (
	"bytes"
	"io"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

// string reads a string. It is good until the decoder is used.
func (d *decoder) string(what string) ([]byte, error) {
	if err := d.want("a string", what); err != nil {
		return nil, err
	}
	d.at++
	d.text = d.text[:0]
	for {
		i := d.at
		for i < d.end && d.buf[i] >= ' ' && d.buf[i] != '"' && d.buf[i] != '\\' {
			i++
		}
		part := d.buf[d.at:i]
		d.at = i
		whole := i < d.end && d.buf[i] == '"' && len(d.text) == 0
		if !whole {
			d.text = append(d.text, part...)
			part = d.text
		}
		switch c, err := d.next(); {
		case err != nil:
			return nil, err
		case c == '"':
			if !utf8.Valid(part) {
				return nil, d.errorf("%s is not UTF-8: %s", what, excerpt.Quote(string(part)))
			}
			return part, nil
		case c == '\\':
			if err := d.escape(); err != nil {
				return nil, err
			}
		case c < ' ':
			return nil, d.errorf("%s has the control character %U, which must be written as an escape", what, c)
		default: // the buffer was used up
			d.at--
		}
	}
}

// escape appends the character that an escape stands for, from after its backslash. Half a surrogate pair is U+FFFD.
func (d *decoder) escape() error {
	c, err := d.next()
	if err != nil {
		return err
	}
	if c != 'u' {
		return d.shortEscape(c)
	}
	r, err := d.hex()
	for err == nil && utf16.IsSurrogate(r) {
		if d.at == d.end {
			if err := d.more(); err != nil {
				return err
			}
		}
		if d.buf[d.at] != '\\' {
			break
		}
		d.at++
		if c, err = d.next(); err != nil {
			return err
		}
		if c != 'u' {
			d.text = utf8.AppendRune(d.text, utf8.RuneError)
			return d.shortEscape(c)
		}
		var second rune
		if second, err = d.hex(); err != nil {
			return err
		}
		if both := utf16.DecodeRune(r, second); both != utf8.RuneError {
			r = both
			break
		}
		d.text = utf8.AppendRune(d.text, utf8.RuneError)
		r = second
	}
	if err == nil {
		d.text = utf8.AppendRune(d.text, r)
	}
	return err
}

func (d *decoder) shortEscape(c byte) error {
	const from, to = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	i := bytes.IndexByte([]byte(from), c)
	if i < 0 {
		return d.errorf("there is no escape of %q", rune(c))
	}
	d.text = append(d.text, to[i])
	return nil
}

// hex reads the four digits of an escape.
func (d *decoder) hex() (rune, error) {
	var digits [4]byte
	for i := range digits {
		c, err := d.next()
		if err != nil {
			return 0, err
		}
		digits[i] = c
	}
	v, err := strconv.ParseUint(string(digits[:]), 16, 16)
	if err != nil {
		return 0, d.errorf(`\u is followed by %q, must be four hexadecimal digits`, digits[:])
	}
	return rune(v), nil
}

// number reads a number as it is written. It is good until the decoder is used.
func (d *decoder) number(what string) ([]byte, error) {
	if err := d.want("a number", what); err != nil {
		return nil, err
	}
	d.text = d.text[:0]
	for {
		i := d.at
		for i < d.end && inNumber(d.buf[i]) {
			i++
		}
		d.text = append(d.text, d.buf[d.at:i]...)
		d.at = i
		if i < d.end {
			break
		}
		if err := d.fill(); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
	}
	if !isNumber(d.text) {
		return nil, d.errorf("%s is %s, not a number", what, excerpt.Quote(string(d.text)))
	}
	return d.text, nil
}

func inNumber(c byte) bool {
	return '0' <= c && c <= '9' || c == '+' || c == '-' || c == '.' || c == 'e' || c == 'E'
}

// isNumber says whether JSON writes numbers like that.
func isNumber(s []byte) bool {
	digits := func() bool {
		n := 0
		for n < len(s) && '0' <= s[n] && s[n] <= '9' {
			n++
		}
		s = s[n:]
		return n > 0
	}
	s = bytes.TrimPrefix(s, []byte{'-'})
	if len(s) > 1 && s[0] == '0' && '0' <= s[1] && s[1] <= '9' || !digits() {
		return false
	}
	if len(s) > 0 && s[0] == '.' {
		s = s[1:]
		if !digits() {
			return false
		}
	}
	if len(s) > 0 && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		if len(s) > 0 && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		if !digits() {
			return false
		}
	}
	return len(s) == 0
}

// float reads a number.
func (d *decoder) float(what string) (float64, error) {
	s, err := d.number(what)
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseFloat(string(s), 64)
	if err != nil {
		return 0, d.errorf("%s is %s, which is too large", what, excerpt.Quote(string(s)))
	}
	return v, nil
}
