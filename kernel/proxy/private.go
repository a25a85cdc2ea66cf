package proxy

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-516990b0/golxmert/internal/filelock"
)

// private is a kernel's own folder: sockets, GoNB's files, whatever cells put into the folder for temporary files. It
// goes when the kernel goes.
type private struct {
	dir  string
	lock *filelock.Lock // held as long as the kernel lives, which tells its folder from one that was left behind
}

const (
	privatePattern = "lxk-*"
	lockName       = "lock"
	// longestBase leaves room, in the 103 bytes that the path of a socket may have, for the folder's own name and what
	// GoNB and gopls put below it.
	longestBase = 60
)

func newPrivate() (*private, error) {
	base := os.TempDir()
	if len(base) > longestBase {
		base = "/tmp"
	}
	sweep(base)
	dir, err := os.MkdirTemp(base, privatePattern)
	if err != nil {
		return nil, fmt.Errorf("the kernel's own folder: %w; TMPDIR names another place", err)
	}
	lock, err := filelock.Try(filepath.Join(dir, lockName))
	if err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("the kernel's own folder: %w; TMPDIR names another place", err)
	}
	return &private{dir, lock}, nil
}

func (p *private) path(elem ...string) string {
	return filepath.Join(append([]string{p.dir}, elem...)...)
}

func (p *private) remove() {
	p.lock.Close()
	removeTree(p.dir)
}

// removeTree removes a folder, what is read-only in it as well, as Go's module cache would be.
func removeTree(dir string) error {
	err := os.RemoveAll(dir)
	if err == nil {
		return nil
	}
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			os.Chmod(path, 0o700) // RemoveAll says if it did not help
		}
		return nil
	})
	return os.RemoveAll(dir)
}

// sweep removes folders of kernels that are gone, which happens when a kernel and its watchdog are killed at once.
func sweep(base string) {
	found, err := filepath.Glob(filepath.Join(base, privatePattern))
	if err != nil {
		return
	}
	for _, dir := range found {
		info, err := os.Lstat(dir)
		// A kernel that starts at this moment has not locked its folder yet.
		if err != nil || !info.IsDir() || time.Since(info.ModTime()) < time.Minute {
			continue
		}
		lock, err := filelock.TryFile(filepath.Join(dir, lockName)) // fails for folders of kernels that live, and of other users
		if err != nil {
			continue
		}
		removeTree(dir)
		lock.Close()
	}
}
