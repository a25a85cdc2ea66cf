package install

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// DirEnv names the folder of the installation, for those who want another one.
const DirEnv = "LXMERT_KERNEL_DIR"

// KernelName is how Jupyter calls the kernel: `jupyter lab`, `nbconvert --ExecutePreprocessor.kernel_name=golxmert`.
const KernelName = "golxmert"

// DisplayName is how people see it.
const DisplayName = "Go (LXMERT)"

// Place is an installation's folder. It may not exist yet.
type Place struct{ Dir string }

// Find says where the installation is: in dir, else where LXMERT_KERNEL_DIR says, else in the user's cache.
func Find(dir string) (Place, error) {
	if dir == "" {
		dir = os.Getenv(DirEnv)
	}
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return Place{}, fmt.Errorf("where to install: %w; set HOME, or %s to a folder", err, DirEnv)
		}
		dir = filepath.Join(cache, "golxmert", "kernel")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Place{}, fmt.Errorf("where to install: %w", err)
	}
	return Place{dir}, nil
}

func (p Place) path(elem ...string) string { return filepath.Join(append([]string{p.Dir}, elem...)...) }

// Program is the path of kernel, gonb, goimports or gopls.
func (p Place) Program(name string) string { return p.path("bin", name) }

// PythonProgram is the path of a program of the Python environment: python, jupyter, pip.
func (p Place) PythonProgram(name string) string { return p.path("venv", "bin", name) }

// Prelude is the folder with the go.mod and go.sum of cells.
func (p Place) Prelude() string { return p.path("prelude") }

// Kernelspec is the folder that makes the kernel known to Jupyter.
func (p Place) Kernelspec() string { return p.path("venv", "share", "jupyter", "kernels", KernelName) }

// ErrNotInstalled is wrapped by errors that say there is no installation, or half of one.
var ErrNotInstalled = errors.New("not installed")

// Check says whether everything was installed, without looking at what it is: see [Doctor] for that. The error wraps
// [ErrNotInstalled].
func (p Place) Check() error {
	for _, s := range steps() {
		if _, err := os.Stat(p.note(s.id)); err != nil {
			return fmt.Errorf("%w: %s is missing in %s; `go run ./kernel install` brings it", ErrNotInstalled, s.name, p.Dir)
		}
	}
	return nil
}
