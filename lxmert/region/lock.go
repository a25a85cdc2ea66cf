package region

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-516990b0/golxmert/internal/filelock"
)

// lockName is the file in a store that whoever packs it locks.
const lockName = ".lock"

// lockPoll is how often a lock that another process has is tried again.
const lockPoll = 100 * time.Millisecond

// lockStore makes a store's folder and locks it against others that pack into it, waiting for them.
func lockStore(ctx context.Context, dir string, log io.Writer) (unlock func() error, err error) {
	said := false
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return nil, fmt.Errorf("region: %w", err)
		}
		path := filepath.Join(dir, lockName)
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
		if errors.Is(err, fs.ErrNotExist) { // the other one removed the folder
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("region: %w", err)
		}
		ok := filelock.Try(f)
		if ok && !isFile(f, path) { // removed while it was waited for
			f.Close()
			continue
		}
		if ok {
			return f.Close, nil
		}
		f.Close()
		if !said {
			fmt.Fprintf(log, "%s is being packed by another process: waiting for it\n", dir)
			said = true
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(lockPoll):
		}
	}
}

// isFile says whether an open file is the one at a path.
func isFile(f *os.File, path string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Stat(path)
	return err == nil && os.SameFile(a, b)
}
