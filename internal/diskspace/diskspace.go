// Package diskspace asks how much room a file system has, and says when it is too little.
package diskspace

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/internal/progress"
)

// Meter says how many bytes this user may still write in a folder; known is false where that cannot be told.
type Meter func(dir string) (bytes int64, known bool)

// Free is the [Meter] that asks the file system. A folder that is not there yet has the room of the nearest one above it.
func Free(dir string) (bytes int64, known bool) {
	for up := filepath.Dir(dir); up != dir; dir, up = up, filepath.Dir(up) {
		if _, err := os.Stat(dir); err == nil {
			break
		}
	}
	return free(dir)
}

// Check returns a [*ShortError] if a folder is known to have less room than is needed, in bytes.
func (m Meter) Check(dir string, need int64) error {
	if free, known := m(dir); known && free < need {
		return &ShortError{dir, need, free}
	}
	return nil
}

// ShortError says that a folder has too little room, in bytes.
type ShortError struct {
	Dir        string
	Need, Free int64
}

func (e *ShortError) Error() string {
	return fmt.Sprintf("%s are needed and %s free in %s", progress.Bytes(e.Need), progress.Bytes(e.Free), e.Dir)
}
