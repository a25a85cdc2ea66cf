package install

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/internal/atomicfile"
)

// wantKernel is the checksum of the running program: it is what gets installed.
func wantKernel(context.Context, *installation) (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return fmt.Sprintf("sha256 %x\n", h.Sum(nil)), nil
}

// installKernel copies the running program, which `go run` would remove. Kernels and a session that run go on with the
// old one.
func installKernel(_ context.Context, in *installation) error {
	own, err := os.Executable()
	if err != nil {
		return err
	}
	from, err := os.Open(own)
	if err != nil {
		return err
	}
	defer from.Close()
	if same(from, in.Program("kernel")) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(in.Program("kernel")), 0o777); err != nil {
		return err
	}
	return atomicfile.ReplaceAs(in.Program("kernel"), 0o777, func(_ *os.File, w *bufio.Writer) error {
		_, err := io.Copy(w, from)
		return err
	})
}

// same says whether an open file is the one at a path.
func same(f *os.File, path string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Stat(path)
	return err == nil && os.SameFile(a, b)
}
