package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

const (
	partSuffix = ".part"      // of a file that is being downloaded or made
	noteSuffix = ".part.json" // of the note about a download
	bufferSize = 256 << 10    // bytes
)

// stage makes a file: beside its place, synced, checked, then renamed. Its name is always the same, so that what a killed
// process leaves (these files may have 30 GB) is overwritten by the next and not forgotten.
func (r *run) stage(path string, write func(w io.Writer) error, check func(path string) error) (size int64, sum string, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return 0, "", err
	}
	part := path + partSuffix
	if err := os.Remove(path + noteSuffix); err != nil && !os.IsNotExist(err) {
		return 0, "", err
	}
	f, err := os.Create(part)
	if err != nil {
		return 0, "", err
	}
	done := false
	defer func() {
		if !done {
			f.Close()
			os.Remove(part)
		}
	}()
	out := &counted{w: r.disk(f), sum: sha256.New()}
	if err := write(out); err != nil {
		return 0, "", err
	}
	if err := f.Sync(); err != nil {
		return 0, "", err
	}
	if err := f.Close(); err != nil {
		return 0, "", err
	}
	if err := check(part); err != nil {
		return 0, "", err
	}
	if err := place(part, path); err != nil {
		return 0, "", err
	}
	done = true
	return out.n, out.hex(), nil
}

// disk is where bytes for f go: a test may stand in for the disk.
func (r *run) disk(f *os.File) io.Writer {
	if r.onDisk != nil {
		return r.onDisk(f)
	}
	return f
}

// place renames a synced file and makes that durable.
func place(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// counted counts and sums what is written.
type counted struct {
	w   io.Writer
	sum hash.Hash
	n   int64
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.sum.Write(b[:n])
	c.n += int64(n)
	return n, err
}

func (c *counted) hex() string { return hex.EncodeToString(c.sum.Sum(nil)) }

// progressReader reports what was read and ends with its context.
type progressReader struct {
	ctx    context.Context
	r      io.Reader
	n      int64
	report func(done int64)
}

func (p *progressReader) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := p.r.Read(b)
	p.n += int64(n)
	p.report(p.n)
	return n, err
}

// sumFile reads a file and returns its SHA-256.
func (r *run) sumFile(ctx context.Context, path, name string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	in := &progressReader{ctx, f, 0, func(done int64) { r.progress("checking "+name, done, info.Size()) }}
	if _, err := io.CopyBuffer(h, struct{ io.Reader }{in}, make([]byte, bufferSize)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
