package weights

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// openBytes opens a file that exists in memory only. With mapped unset it is read with ReadAt, as on systems without
// memory mapping.
func openBytes(data []byte, mapped bool) (*File, error) {
	src := &source{path: "test", size: int64(len(data)), file: bytes.NewReader(data), close: func() error { return nil }}
	if mapped {
		src.mapped = data
	}
	return openFrom(src)
}

// readAll does all that can be done with a file. Only errors that name the file are right.
func readAll(data []byte, mapped bool) error {
	f, err := openBytes(data, mapped)
	if err == nil {
		defer f.Close()
		for _, name := range f.Names() {
			x, _ := f.Tensor(name)
			_, err2 := x.Float64s()
			if len(x.Shape) == 2 {
				err2 = errors.Join(err2, x.ReadTransposed(make([]float32, x.Len())))
			}
			err = errors.Join(err, err2)
		}
		if m, err2 := NewModel(f, ""); err2 != nil {
			err = errors.Join(err, err2)
		} else {
			_, err2 := m.Hash()
			err = errors.Join(err, err2)
		}
	}
	if err != nil && !strings.Contains(err.Error(), "test: ") {
		return fmt.Errorf("the error does not name the file: %w", err)
	}
	return nil
}

// readFile is os.ReadFile for tests.
func readFile(t testing.TB, path ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
