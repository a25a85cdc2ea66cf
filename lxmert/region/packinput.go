package region

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

// input is what can be packed: a TSV, a TSV inside a zip, or any other source.
type input struct {
	origin origin
	total  int64    // bytes of text; 0: unknown
	images int      // rows; 0: unknown
	form   *form    // of text
	notes  []string // how it is not as published
	// open starts after a place; dim is the number of features of the row before, 0 at the beginning.
	open func(ctx context.Context, from place, dim int) (feed, error)
}

// kind is what it is, for a person.
func (in *input) kind() string {
	switch {
	case in.origin.Member != "":
		return "zip"
	case in.total > 0:
		return "TSV"
	}
	return "arrays"
}

// feed hands out the images of an input one by one.
type feed interface {
	// next fills a job with an image. The error is io.EOF at the end.
	next(*packJob) error
	// place is after the image: where to open the input to go on.
	place() place
	close() error
}

// openInput looks at what stands at path. member names a file inside a zip, "" the only TSV.
func openInput(path, member string) (*input, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("region: %w%s", err, beside(path))
	}
	in := &input{origin: origin{File: filepath.Base(path), Size: info.Size(), Modified: info.ModTime().UTC()}}
	if info.IsDir() {
		if in.origin.Size, in.origin.Modified, err = newest(path); err != nil {
			return nil, fmt.Errorf("region: %w", err)
		}
		return in, in.useSource(path)
	}
	if zipped, err := in.useZip(path, member); zipped || err != nil {
		return in, err
	}
	if member != "" {
		return nil, fmt.Errorf("region: %s is not a zip, there is no %s in it", path, excerpt.Quote(member))
	}
	source, err := Open(path)
	if err != nil {
		return nil, err
	}
	text, isTSV := source.(*tsv)
	if err := source.Close(); err != nil {
		return nil, fmt.Errorf("region: %w", err)
	}
	if !isTSV {
		return in, in.useSource(path)
	}
	in.total, in.form, in.notes = in.origin.Size, text.form, text.notes()
	in.open = func(_ context.Context, from place, dim int) (feed, error) {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("region: %w", err)
		}
		return newTextFeed(io.NewSectionReader(f, from.offset, math.MaxInt64-from.offset), f.Close, path, from, dim, in.form), nil
	}
	return in, nil
}

// newest is the size of a folder's files and the latest modification time.
func newest(dir string) (size int64, at time.Time, err error) {
	err = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		size += info.Size()
		if t := info.ModTime().UTC(); t.After(at) {
			at = t
		}
		return nil
	})
	return size, at, err
}

// textFeed hands out the rows of a TSV.
type textFeed struct {
	scan    *Scanner
	closing func() error
}

func newTextFeed(r io.Reader, closing func() error, file string, from place, dim int, f *form) *textFeed {
	s := NewScanner(r, file)
	if from.offset > 0 {
		s.goOn(from, f, dim)
	}
	return &textFeed{s, closing}
}

func (f *textFeed) next(job *packJob) error {
	if !f.scan.Scan() {
		if err := f.scan.Err(); err != nil {
			return err
		}
		return io.EOF
	}
	row := f.scan.Row()
	job.text = append(job.text[:0], row.text...)
	job.row = *row
	job.id, job.n, job.dim = string(row.ID), row.n, row.dim
	job.row.text, job.row.ID = job.text, []byte(job.id)
	job.read = f.scan.offset - row.Offset
	return nil
}

func (f *textFeed) place() place { return place{f.scan.offset, f.scan.line} }

func (f *textFeed) close() error { return f.closing() }

// useSource makes any source the input. Its places count images.
func (in *input) useSource(path string) error {
	s, err := Open(path)
	if err != nil {
		return err
	}
	defer s.Close()
	in.notes = notesOf(s)
	switch s := s.(type) {
	case *Store:
		in.images = s.Rows()
	case *set:
		in.images = len(s.ids)
	}
	in.open = func(ctx context.Context, from place, _ int) (feed, error) {
		s, err := Open(path)
		if err != nil {
			return nil, err
		}
		next, stop := iter.Pull2(s.All(ctx))
		f := &sourceFeed{source: s, pull: next, stop: stop}
		for f.count < from.offset {
			if _, err, ok := next(); err != nil || !ok {
				return nil, errors.Join(err, f.close())
			}
			f.count++
		}
		return f, nil
	}
	return nil
}

// sourceFeed hands out the images of any source.
type sourceFeed struct {
	source Source
	pull   func() (*Regions, error, bool)
	stop   func()
	count  int64
}

func (f *sourceFeed) next(job *packJob) error {
	r, err, ok := f.pull()
	switch {
	case err != nil:
		return err
	case !ok:
		return io.EOF
	}
	f.count++
	job.regions, job.row.text = *r, nil
	job.id, job.n, job.dim = r.ID, r.N, r.Dim
	return nil
}

func (f *sourceFeed) place() place { return place{offset: f.count} }

func (f *sourceFeed) close() error {
	f.stop()
	return f.source.Close()
}
