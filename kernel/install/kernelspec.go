package install

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// kernelspec is Jupyter's kernel.json.
type kernelspec struct {
	Argv          []string          `json:"argv"`
	DisplayName   string            `json:"display_name"`
	Language      string            `json:"language"`
	InterruptMode string            `json:"interrupt_mode"`
	Env           map[string]string `json:"env,omitempty"`
	Metadata      map[string]any    `json:"metadata"`
}

// spec is what makes Jupyter start the installed kernel. The Go of the installation comes first on its path, as a
// desktop starts Jupyter without what a shell's profile adds. gopls keeps its files in the installation's folder also where
// another Jupyter starts the kernel.
func (in *installation) spec() kernelspec {
	s := kernelspec{
		Argv:        []string{in.Program("kernel"), "run", "--dir", in.Dir, "{connection_file}"},
		DisplayName: DisplayName, Language: "go", InterruptMode: "signal",
		Env:      map[string]string{goplsCacheEnv: in.goplsCache()},
		Metadata: map[string]any{"debugger": false},
	}
	if path, err := exec.LookPath("go"); err == nil {
		s.Env["PATH"] = filepath.Dir(path) + string(os.PathListSeparator) + "${PATH}"
	}
	return s
}

// readKernelspec reads what is installed.
func (p Place) readKernelspec() (kernelspec, error) {
	path := filepath.Join(p.Kernelspec(), "kernel.json")
	text, err := os.ReadFile(path)
	if err != nil {
		return kernelspec{}, errors.New("it was not installed, or the installation was cut off")
	}
	var spec kernelspec
	if err := json.Unmarshal(text, &spec); err != nil {
		return kernelspec{}, fmt.Errorf("%s: %w", path, err)
	}
	if len(spec.Argv) == 0 {
		return kernelspec{}, fmt.Errorf("%s names no program", path)
	}
	if _, err := os.Stat(spec.Argv[0]); err != nil {
		return kernelspec{}, fmt.Errorf("%s names a program that is not there: %s", path, spec.Argv[0])
	}
	return spec, nil
}

func wantKernelspec(_ context.Context, in *installation) (string, error) {
	text, err := json.MarshalIndent(in.spec(), "", "  ")
	return string(text) + "\n", err
}

func installKernelspec(ctx context.Context, in *installation) error {
	text, err := wantKernelspec(ctx, in)
	if err != nil {
		return err
	}
	dir := in.Kernelspec()
	for _, size := range []int{32, 64} {
		if err := writeFile(filepath.Join(dir, fmt.Sprintf("logo-%dx%d.png", size, size)), logoPNG(size)); err != nil {
			return err
		}
	}
	if err := writeFile(filepath.Join(dir, "logo-svg.svg"), logoSVG()); err != nil {
		return err
	}
	// Jupyter sees the kernel from here on.
	return writeFile(filepath.Join(dir, "kernel.json"), []byte(text))
}
