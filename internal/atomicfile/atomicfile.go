// Package atomicfile replaces files so that a reader, or a machine that starts again after a crash, finds the old one or
// the new one, never half of it.
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Replace writes a file beside path, syncs it and renames it, so that path is the old file or the new one at any
// moment. write may use the buffered writer and, after flushing it, the file. Errors name path.
func Replace(path string, write func(f *os.File, w *bufio.Writer) error) error {
	return ReplaceAs(path, 0o666, write)
}

// ReplaceAs is [Replace] for a file of the given permissions, less the umask.
func ReplaceAs(path string, perm os.FileMode, write func(f *os.File, w *bufio.Writer) error) error {
	if err := replace(path, perm, write); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// Write is [ReplaceAs] with a file's whole content.
func Write(path string, perm os.FileMode, content []byte) error {
	return ReplaceAs(path, perm, func(_ *os.File, w *bufio.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

func replace(path string, perm os.FileMode, write func(f *os.File, w *bufio.Writer) error) error {
	dir, base := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	f, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf(".%s.%08x.tmp", base, rand.Uint32())), os.O_RDWR|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	renamed := false
	defer func() {
		if !renamed { // also after a panic of write
			f.Close()
			os.Remove(f.Name())
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := write(f, w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	renamed = true
	return syncDir(dir)
}

// Sweep removes what processes that were killed while they wrote path have left beside it. Nobody may be writing it.
func Sweep(path string) error {
	dir, base := filepath.Split(path)
	left, err := filepath.Glob(filepath.Join(escape(dir), "."+escape(base)+".[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f].tmp"))
	for _, name := range left {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}

// escape makes a name stand for itself in a pattern.
func escape(name string) string {
	return strings.NewReplacer(`[`, `\[`, `*`, `\*`, `?`, `\?`, `\`, `\\`).Replace(name)
}

// syncDir makes a rename durable, where folders can be synced.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
