package region

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

const (
	readSize = 256 << 10 // bytes asked for at once: they are searched for line ends while still in the cache
	maxRow   = 1 << 29   // bytes of the longest row; the published ones have 400 kB
	maxID    = 4096      // bytes of the longest id
)

// Scanner goes through the rows of a TSV, like [bufio.Scanner]. It holds one row at a time, and checks that its fields are
// there and have the right lengths; [Row.Decode] does the rest, so that rows which nobody wants cost little.
type Scanner struct {
	file   string
	r      io.Reader
	buf    []byte // what was read and not yet passed
	start  int    // of the next row in buf
	offset int64  // of buf[start]
	line   int
	dim    int // features per box of the row before, 0: there is none
	row    Row
	form   *form // nil: no row has told it yet
	// learned says that form has the types of numbers, too.
	learned bool
	err     error // io.EOF: the end
	passed  bool  // err is about one row, after which the next one begins
}

// NewScanner returns a scanner; file is what errors call its input.
func NewScanner(r io.Reader, file string) *Scanner {
	return &Scanner{r: r, file: file}
}

// goOn says that the input begins after a place of a file of some form, and how many features the row before has.
func (s *Scanner) goOn(from place, f *form, dim int) {
	s.offset, s.line, s.form, s.learned, s.dim = from.offset, from.line, f, f != nil, dim
}

// Scan goes to the next row. It returns false at the end and after an error.
func (s *Scanner) Scan() bool {
	for {
		text, last, ok := s.next()
		if !ok {
			return false
		}
		if s.row.Offset == 0 && bytes.HasPrefix(text, byteOrderMark) {
			text = text[len(byteOrderMark):]
			s.row.Offset = int64(len(byteOrderMark))
		}
		text = bytes.TrimSuffix(text, []byte{'\r'})
		if len(text) == 0 { // Python's csv reader ignores them too
			continue
		}
		s.row.text, s.row.file, s.row.last = text, s.file, last
		var header bool
		header, s.err = s.check()
		s.passed = s.err != nil
		if !header || s.passed {
			return s.err == nil
		}
	}
}

// byteOrderMark is what some editors begin UTF-8 with.
var byteOrderMark = []byte("\xef\xbb\xbf")

// skip goes on after an error that is about one row. It returns false after other errors.
func (s *Scanner) skip() bool {
	if s.passed {
		s.err, s.passed = nil, false
		return true
	}
	return false
}

// check looks at what every row must be, whether it will be decoded or not. The first row tells the form of all, see
// [form]; header says that the line is not a row.
func (s *Scanner) check() (header bool, err error) {
	row := &s.row
	row.form = s.form
	if s.form == nil {
		if row.form, header, err = detect(row); err != nil {
			return false, err
		}
		if header {
			s.form = row.form
			return true, nil
		}
	}
	if row.form.columns[0] == colID && bytes.IndexByte(row.text[:min(len(row.text), maxID+1)], '\t') < 0 && len(row.text) > maxID {
		return false, row.error(colID, fmt.Errorf("no tab within the first %d bytes: is this a TSV of region features?", maxID))
	}
	fields, err := row.fields()
	if err != nil {
		return false, err
	}
	switch row.ID = fields[colID]; {
	case len(row.ID) == 0:
		return false, row.error(colID, errors.New("the id is empty"))
	case len(row.ID) > maxID:
		return false, row.error(colID, fmt.Errorf("the id has %d bytes, must have 1 to %d", len(row.ID), maxID))
	case row.ID[0] == '"':
		return false, row.error(colID, fmt.Errorf("%s is quoted, which these files do not need", excerpt.Quote(string(row.ID))))
	}
	if !s.learned {
		row.form = row.form.learned(row, fields)
	}
	n, dim, err := row.sizes(fields)
	if err == nil && row.last && s.dim != 0 && dim != s.dim { // cut exactly after some features of every box
		err = row.error(colFeatures, fmt.Errorf("%d features per box where the row before has %d", dim, s.dim))
	}
	s.dim, row.n, row.dim = dim, n, dim
	if err == nil {
		s.form, s.learned = row.form, true
	}
	return false, err
}

// Row is the current row.
func (s *Scanner) Row() *Row { return &s.row }

// Err is the error that ended the scan, nil at the end of the input.
func (s *Scanner) Err() error {
	if s.err == io.EOF {
		return nil
	}
	return s.err
}

// next passes one line, without its LF; last says that there was none.
func (s *Scanner) next() (text []byte, last, ok bool) {
	seen := 0 // bytes of the line that have no LF
	for s.err == nil {
		if n := bytes.IndexByte(s.buf[s.start+seen:], '\n'); n >= 0 {
			n += seen
			text = s.buf[s.start : s.start+n]
			s.advance(n + 1)
			return text, false, true
		}
		seen = len(s.buf) - s.start
		if seen > maxRow {
			s.err = fmt.Errorf("%w: %s:%d: the row is longer than %d MB: is this a TSV of region features?", ErrFormat, s.file, s.line+1, maxRow>>20)
			return nil, false, false
		}
		s.err = s.fill()
	}
	if s.err != io.EOF {
		return nil, false, false
	}
	if rest := len(s.buf) - s.start; rest > 0 {
		text = s.buf[s.start:]
		s.advance(rest)
		s.err = nil // the next call meets the end again
		return text, true, true
	}
	return nil, false, false
}

// advance makes the next n bytes the current line, with its end.
func (s *Scanner) advance(n int) {
	s.line++
	s.row.Line, s.row.Offset = s.line, s.offset
	s.start += n
	s.offset += int64(n)
}

// fill reads more, first making room by dropping what was passed.
func (s *Scanner) fill() error {
	if s.start > 0 && (s.start == len(s.buf) || cap(s.buf)-len(s.buf) < readSize) {
		s.buf = s.buf[:copy(s.buf, s.buf[s.start:])]
		s.start = 0
	}
	if cap(s.buf)-len(s.buf) < readSize {
		s.buf = slices.Grow(s.buf, max(readSize, len(s.buf)))
	}
	for range 100 {
		n, err := s.r.Read(s.buf[len(s.buf) : len(s.buf)+readSize])
		s.buf = s.buf[:len(s.buf)+n]
		if n > 0 {
			return nil // an error comes again
		}
		if err != nil && err != io.EOF {
			err = fmt.Errorf("%s:%d: %w", s.file, s.line+1, err)
		}
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("%s:%d: %w", s.file, s.line+1, io.ErrNoProgress)
}
