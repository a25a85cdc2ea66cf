package sweep

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"strings"
)

// This file is where states are kept that are too many for lines of text: beside a part, numbers of four bytes, the lowest
// first, as lines say.

// block is the place of a line's numbers: after those of all lines before it.
type block struct {
	Bytes int64  `json:"bytes"`
	Sum   uint32 `json:"crc32"`
}

// statesName is the file of states beside a part.
func statesName(part string) string { return strings.TrimSuffix(part, ".jsonl") + ".states" }

// stateFile is the file of states that a run appends to. Whoever has the part's lock has it.
type stateFile struct {
	file *os.File
	end  int64
}

// openStates opens or makes the file, of which lines have end bytes: what is beyond was written for a line that is not there.
func openStates(path string, end int64) (_ *stateFile, err error) {
	s := &stateFile{end: end}
	if s.file, err = os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666); err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	defer func() {
		if err != nil {
			s.file.Close()
		}
	}()
	info, err := s.file.Stat()
	if err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	if info.Size() < end {
		return nil, fmt.Errorf("sweep: %s has %d bytes, the lines beside it are about %d; the file was cut, overwrite both", path, info.Size(), end)
	}
	if err := s.file.Truncate(end); err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	return s, nil
}

// append adds numbers and waits until they are on the disk.
func (s *stateFile) append(numbers []float32) (*block, error) {
	raw := make([]byte, 4*len(numbers))
	for i, x := range numbers {
		binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(x))
	}
	_, err := s.file.WriteAt(raw, s.end)
	if err == nil {
		err = s.file.Sync()
	}
	if err != nil {
		return nil, fmt.Errorf("sweep: %w; what was found before is in the files, and the same command goes on from there", err)
	}
	s.end += int64(len(raw))
	return &block{int64(len(raw)), crc32.ChecksumIEEE(raw)}, nil
}

func (s *stateFile) Close() error { return s.file.Close() }

// stateReader reads the states of a part, line by line. Its file is opened when the first line needs it.
type stateReader struct {
	path string
	file *os.File
	left int64 // of the file
}

// read fills in the numbers of a line.
func (r *stateReader) read(l *line) error {
	if l.States == nil {
		return nil
	}
	if r.file == nil {
		f, err := os.Open(r.path)
		if err != nil {
			return fmt.Errorf("sweep: the states that belong to the results: %w", err)
		}
		r.file = f
		info, err := f.Stat()
		if err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
		r.left = info.Size()
	}
	n := l.States.Bytes
	if n < 0 || n%4 != 0 || n > r.left {
		return fmt.Errorf("sweep: %s has %d more bytes, the batch of example %d is about %d: one of the files was changed; overwrite both", r.path, r.left, l.First, n)
	}
	raw := make([]byte, n)
	if _, err := io.ReadFull(r.file, raw); err != nil {
		return fmt.Errorf("sweep: %s: %w", r.path, err)
	}
	r.left -= n
	if crc32.ChecksumIEEE(raw) != l.States.Sum {
		return fmt.Errorf("sweep: %s has other numbers for the batch of example %d than were written; overwrite both files", r.path, l.First)
	}
	l.numbers = make([]float32, n/4)
	for i := range l.numbers {
		l.numbers[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return nil
}

func (r *stateReader) Close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}
