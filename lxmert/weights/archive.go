package weights

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/seed-516990b0/golxmert/internal/diskspace"
	"github.com/seed-516990b0/golxmert/internal/filekind"
)

// Limits of what an archive may unfold to. Weights hardly shrink in one.
const (
	maxUnfolded = 50       // bytes for each of the archive's
	unfoldedAt  = 16 << 20 // bytes from which it counts
)

// Unpack writes the weights in a .tar.gz, such as the published bert-base-uncased.tar.gz, to a temporary file, which remove
// deletes. A file that is not compressed is itself what comes back. The error wraps [ErrFormat] if there are no weights in it, or
// more than it can have.
func Unpack(name string) (file string, remove func() error, err error) {
	nothing := func() error { return nil }
	f, err := os.Open(name)
	if err != nil {
		return "", nothing, err
	}
	defer f.Close()
	kind, err := filekind.Read(f)
	if err != nil || kind != filekind.Gzip {
		return name, nothing, err
	}
	info, err := f.Stat()
	if err != nil {
		return "", nothing, err
	}
	damaged := func(err error) error { return fmt.Errorf("%w: %s: %w", ErrFormat, name, err) }
	z, err := gzip.NewReader(io.NewSectionReader(f, 0, info.Size()))
	if err != nil {
		return "", nothing, damaged(err)
	}
	all := &io.LimitedReader{R: z, N: maxUnfolded*info.Size() + unfoldedAt}
	for members := tar.NewReader(all); ; {
		h, err := members.Next()
		switch {
		case err == io.EOF:
			return "", nothing, damaged(fmt.Errorf("the archive has neither model.safetensors nor pytorch_model.bin in it"))
		case err != nil && all.N == 0, err == nil && h.Size > all.N:
			return "", nothing, damaged(errors.New("what is in the archive is too large for its size"))
		case err != nil:
			return "", nothing, damaged(err)
		case h.Typeflag == tar.TypeReg && slices.Contains(folderFiles, path.Base(h.Name)) && path.Ext(h.Name) != ".json":
			file, err := unpackOne(members, h)
			if err != nil {
				return "", nothing, damaged(fmt.Errorf("its %s: %w", path.Base(h.Name), err))
			}
			return file, func() error { return os.RemoveAll(filepath.Dir(file)) }, nil
		}
	}
}

// unpackOne writes a member into a folder of its own, under its own name.
func unpackOne(r io.Reader, h *tar.Header) (file string, err error) {
	dir, err := os.MkdirTemp("", "lxmert-weights-")
	if err != nil {
		return "", fmt.Errorf("%w; TMPDIR names another folder", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	if err := diskspace.Meter(diskspace.Free).Check(dir, h.Size); err != nil {
		return "", fmt.Errorf("%w; TMPDIR names another folder", err)
	}
	file = filepath.Join(dir, path.Base(h.Name))
	out, err := os.Create(file)
	if err != nil {
		return "", err
	}
	_, err = io.CopyN(out, r, h.Size)
	if err = errors.Join(err, out.Close()); err != nil {
		return "", err
	}
	return file, nil
}
