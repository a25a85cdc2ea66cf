package region

import (
	"context"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"sync"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

// tsv is a TSV file. Its ids are collected the first time that one is looked for.
type tsv struct {
	path string
	file *os.File
	form *form // nil: the first row is damaged

	mu     sync.Mutex
	ids    []string
	places map[string]place // nil: not yet collected
}

// place is where a row begins.
type place struct {
	offset int64
	line   int
}

// openTSV looks at the first row.
func openTSV(f *os.File, path string) *tsv {
	s := &tsv{path: path, file: f}
	scan := s.whole()
	scan.Scan()
	s.form = scan.form
	return s
}

func (s *tsv) Close() error { return s.file.Close() }

// notes say how the file is not as published.
func (s *tsv) notes() []string {
	if s.form == nil {
		return nil
	}
	return s.form.said
}

// whole scans the file from its beginning, however many scans go on.
func (s *tsv) whole() *Scanner {
	return NewScanner(io.NewSectionReader(s.file, 0, math.MaxInt64), s.path)
}

// index goes through the whole file once, decoding nothing.
func (s *tsv) index(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.places != nil {
		return nil
	}
	places := map[string]place{}
	var ids []string
	scan := s.whole()
	for scan.Scan() {
		row := scan.Row()
		if _, again := places[string(row.ID)]; !again {
			ids = append(ids, string(row.ID))
		}
		places[string(row.ID)] = place{row.Offset, row.Line}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	if err := scan.Err(); err != nil {
		return err
	}
	s.ids, s.places = ids, places
	return nil
}

func (s *tsv) IDs(ctx context.Context) ([]string, error) {
	if err := s.index(ctx); err != nil {
		return nil, err
	}
	return append([]string(nil), s.ids...), nil
}

func (s *tsv) Find(ctx context.Context, id string) (*Regions, error) {
	if err := s.index(ctx); err != nil {
		return nil, err
	}
	at, ok := s.places[id]
	if !ok {
		return nil, notFound(s.path, id, s.ids)
	}
	scan := NewScanner(io.NewSectionReader(s.file, at.offset, math.MaxInt64-at.offset), s.path)
	scan.goOn(place{at.offset, at.line - 1}, s.form, 0)
	if !scan.Scan() || string(scan.Row().ID) != id {
		if err := scan.Err(); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %s:%d: the row of image %s is no longer there: the file was changed while it was read", ErrFormat, s.path, at.line, excerpt.Quote(id))
	}
	r := new(Regions)
	return r, scan.Row().Decode(r)
}

func (s *tsv) All(ctx context.Context) iter.Seq2[*Regions, error] {
	return func(yield func(*Regions, error) bool) {
		scan := s.whole()
		for scan.Scan() {
			r := new(Regions)
			err := ctx.Err()
			if err == nil {
				err = scan.Row().Decode(r)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(r, nil) {
				return
			}
		}
		if err := scan.Err(); err != nil {
			yield(nil, err)
		}
	}
}
