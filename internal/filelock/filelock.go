package filelock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// Lock is a file that this process has locked.
type Lock struct {
	file  *flock.Flock
	named bool // the file says who has the lock
}

// HeldError says that another process, or another Lock of this one, has a lock.
type HeldError struct {
	Path   string
	Holder string // "another process (lxmert, pid 12 on node7)", or less where that is not known
}

func (e *HeldError) Error() string { return e.Holder + " holds " + e.Path }

// Try locks the file at path and writes into it who has it. The file, and its folder, are made if need be. The error is a
// [*HeldError] if somebody else has the lock.
func Try(path string) (*Lock, error) {
	for tries := 1; ; tries++ {
		err := os.MkdirAll(filepath.Dir(path), 0o777)
		var l *Lock
		if err == nil {
			l, err = try(path, os.O_RDWR|os.O_CREATE)
		}
		removed := errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) // by another process, just now
		if removed && tries < maxRemovals {
			continue
		}
		if err == nil {
			l.sign()
		}
		return l, err
	}
}

// maxRemovals bounds how often the folder may be removed while the lock is being taken: a link to nowhere looks the same.
const maxRemovals = 100

// TryFile locks a file that is there for what is in it, and is left as it is.
func TryFile(path string) (*Lock, error) { return try(path, os.O_RDONLY) }

// Wait is [Try] that waits for whoever has the lock, until ctx ends. Whenever it has to wait, it asks waiting, if that is
// not nil, which may give up with an error; again is false the first time.
func Wait(ctx context.Context, path string, waiting func(held *HeldError, again bool) error) (*Lock, error) {
	again := false
	for pause := shortestPause; ; pause = min(2*pause, longestPause) {
		l, err := Try(path)
		var held *HeldError
		if !errors.As(err, &held) {
			return l, err
		}
		if waiting != nil {
			if err := waiting(held, again); err != nil {
				return nil, err
			}
		}
		again = true
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting, as %w: %w", held, context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}

// The pauses between two tries grow from the shortest to the longest.
const (
	shortestPause = 10 * time.Millisecond
	longestPause  = 300 * time.Millisecond
)

// Close lets go of the lock. Closing nil does nothing.
func (l *Lock) Close() error {
	if l == nil {
		return nil
	}
	if l.named && isAt(l.file, l.file.Path()) {
		os.Truncate(l.file.Path(), 0)
	}
	return l.file.Close()
}

// try locks the file that is at path, opened with flag.
func try(path string, flag int) (*Lock, error) {
	for {
		file := flock.New(path, flock.SetFlag(flag), flock.SetPermissions(0o666))
		ok, err := file.TryLock()
		switch opening := new(fs.PathError); {
		case errors.As(err, &opening):
			return nil, err
		case err != nil: // there are no locks here
			return &Lock{file: file}, nil
		case !ok:
			return nil, &HeldError{path, holder(path)}
		case isAt(file, path):
			return &Lock{file: file}, nil
		}
		// It was removed, or replaced, before it was locked: whoever comes next would lock another.
		if err := file.Close(); err != nil {
			return nil, err
		}
	}
}

// isAt says whether an open file is the one at a path.
func isAt(file *flock.Flock, path string) bool {
	open, err := file.Stat()
	if err != nil {
		return false
	}
	at, err := os.Stat(path)
	return err == nil && os.SameFile(open, at)
}
