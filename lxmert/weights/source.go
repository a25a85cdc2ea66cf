package weights

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// source is one open file, mapped into memory where the system can.
type source struct {
	path   string
	size   int64
	mu     sync.RWMutex
	file   io.ReaderAt // nil: closed
	mapped []byte      // nil: not mapped, read with ReadAt
	close  func() error
}

func openSource(path string) (*source, error) {
	info, err := os.Stat(path) // before opening, which waits if path is a pipe
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if info, err = f.Stat(); err != nil {
		f.Close()
		return nil, err
	}
	s := &source{path: path, size: info.Size(), file: f}
	if s.size > 0 {
		s.mapped, _ = mapFile(f, s.size) // without a mapping, reads copy
	}
	mapped := s.mapped
	s.close = func() error { return errors.Join(unmapFile(mapped), f.Close()) }
	return s, nil
}

// Close releases the file. Slices that bytes returned must no longer be used.
func (s *source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	s.file, s.mapped = nil, nil
	return s.close()
}

// ReadAt implements [io.ReaderAt].
func (s *source) ReadAt(p []byte, off int64) (int, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch {
	case s.file == nil:
		return 0, fmt.Errorf("%s: %w", s.path, os.ErrClosed)
	case s.mapped == nil:
		return s.file.ReadAt(p, off)
	case off < 0 || off > s.size:
		return 0, io.EOF
	}
	n := copy(p, s.mapped[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// bytes returns n bytes from off on: the mapping itself where there is one, else a copy.
func (s *source) bytes(off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || off > s.size-n {
		return nil, fmt.Errorf("%s: offset %d: %d bytes are beyond the end of the file (%d bytes)", s.path, off, n, s.size)
	}
	s.mu.RLock()
	file, mapped := s.file, s.mapped
	s.mu.RUnlock()
	if file == nil {
		return nil, fmt.Errorf("%s: %w", s.path, os.ErrClosed)
	}
	if mapped != nil {
		return mapped[off : off+n : off+n], nil
	}
	b := make([]byte, n)
	if _, err := file.ReadAt(b, off); err != nil && !(err == io.EOF && n == 0) {
		return nil, fmt.Errorf("%s: offset %d: %w", s.path, off, err)
	}
	return b, nil
}
