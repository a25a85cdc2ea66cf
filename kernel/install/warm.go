package install

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/kernel/internal/cellbuild"
)

// forCells are the packages of this library that cells use, as patterns; those that do not exist yet match nothing.
var forCells = []string{"/lxmert", "/lxmert/token", "/lxmert/region", "/lxmert/dataset", "/analysis/...", "/kernel/client", "/notebooks/..."}

// standard are the packages of Go's own that cells most often use.
var standard = []string{
	"bufio", "bytes", "cmp", "context", "encoding/csv", "encoding/json", "errors", "flag", "fmt", "image", "image/color", "image/draw", "image/jpeg",
	"image/png", "io", "log", "maps", "math", "math/rand/v2", "net/http", "os", "os/exec", "path/filepath", "regexp", "slices", "sort", "strconv",
	"strings", "sync", "text/tabwriter", "time",
}

// warmCache brings what cells import into the module cache, and compiles what they import most, so that the first cell need
// not, and links it once with the flags of cells.
func warmCache(ctx context.Context, in *installation) error {
	dir, err := os.MkdirTemp(in.Dir, ".warm-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(in.Prelude(), name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o666)
		}
		if err != nil {
			return err
		}
	}
	var b strings.Builder
	b.WriteString("package main\n\nimport (\n")
	for _, path := range slices.Concat(standard, usualLibraries) {
		fmt.Fprintf(&b, "\t_ %q\n", path)
	}
	// Packages that this system cannot build hinder nobody.
	list := append([]string{"go", "list", "-e", "-deps", "-f", "{{.ImportPath}}"}, libraries...)
	if _, err := command(ctx, dir, []string{"GOWORK=off"}, list...); err != nil {
		return err
	}
	own, err := in.ownPackages(ctx, dir)
	if err != nil {
		return err
	}
	for _, path := range own {
		fmt.Fprintf(&b, "\t_ %q\n", path)
	}
	b.WriteString(")\n\nfunc main() {}\n")
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(b.String()), 0o666); err != nil {
		return err
	}
	_, err = command(ctx, dir, []string{"GOWORK=off"}, buildCell(dir)...)
	return err
}

// buildCell is the command that builds the program in a folder as a cell is built.
func buildCell(dir string) []string {
	return append([]string{"go", "build", "-o", filepath.Join(dir, "cell")}, cellbuild.Flags()...)
}

// ownPackages lists the packages that match forCells.
func (in *installation) ownPackages(ctx context.Context, dir string) ([]string, error) {
	argv := []string{"go", "list", "-e", "-f", `{{if and .GoFiles (ne .Name "main")}}{{.ImportPath}}{{end}}`}
	for _, p := range forCells {
		argv = append(argv, module+p)
	}
	out, err := command(ctx, dir, []string{"GOWORK=off"}, argv...)
	if err != nil {
		return nil, err
	}
	var own []string
	for _, path := range strings.Fields(out) {
		if strings.HasPrefix(path, module+"/") && !strings.Contains(path, "/internal/") {
			own = append(own, path)
		}
	}
	return own, nil
}
