package install

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
)

// module is this library's.
const module = "github.com/seed-516990b0/golxmert"

// source is where cells take this library from: a checkout's folder, or a published version.
type source struct{ dir, version string }

// findSource finds the checkout that the running program was built from, or is run in, or the version that it was
// installed as.
func findSource(given string) (source, error) {
	if given != "" {
		dir, err := filepath.Abs(given)
		if err == nil && !isCheckout(dir) {
			err = fmt.Errorf("%s is not a checkout of %s: its go.mod does not say so", dir, module)
		}
		return source{dir: dir}, err
	}
	// Only what `go install` has fetched has a checksum.
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Path == module && info.Main.Sum != "" {
		return source{version: info.Main.Version}, nil
	}
	if _, file, _, ok := runtime.Caller(0); ok {
		if dir := filepath.Dir(filepath.Dir(filepath.Dir(file))); isCheckout(dir) {
			return source{dir: dir}, nil
		}
	}
	dir, err := os.Getwd()
	for ; err == nil; dir = filepath.Dir(dir) {
		if isCheckout(dir) {
			return source{dir: dir}, nil
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return source{}, errors.New("where the library's source is cannot be told; run it in its folder, or name that with --source")
}

func isCheckout(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return false
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(first) == "module "+module
}

// prelude is the module that cells are compiled in.
type prelude struct{ mod, sum []byte }

func wantPrelude(ctx context.Context, in *installation) (string, error) {
	if in.source.version != "" {
		return module + " " + in.source.version + " with " + in.goVersion + "\n" + cellsMod, nil
	}
	p, err := checkoutPrelude(ctx, in.source.dir)
	return string(p.mod) + string(p.sum), err
}

func installPrelude(ctx context.Context, in *installation) error {
	var p prelude
	var err error
	if in.source.version != "" {
		p, err = publishedPrelude(ctx, in.Dir, in.source.version)
	} else {
		p, err = checkoutPrelude(ctx, in.source.dir)
	}
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(in.Prelude(), "go.mod"), p.mod); err != nil {
		return err
	}
	return writeFile(filepath.Join(in.Prelude(), "go.sum"), p.sum)
}

// checkoutPrelude takes the library from a folder, and everything else in the versions that it is tested with.
func checkoutPrelude(ctx context.Context, dir string) (prelude, error) {
	out, err := command(ctx, dir, []string{"GOWORK=off", "GOFLAGS="}, "go", "mod", "edit", "-json")
	if err != nil {
		return prelude{}, err
	}
	var file struct {
		Go      string
		Require []struct{ Path, Version string }
		Replace []struct {
			Old, New struct{ Path, Version string }
		}
	}
	if err := json.Unmarshal([]byte(out), &file); err != nil {
		return prelude{}, fmt.Errorf("go.mod in %s: %w", dir, err)
	}
	sum, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil {
		return prelude{}, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "module golxmert.cell\n\ngo %s\n\nrequire (\n\t%s v0.0.0\n", file.Go, module)
	own := map[string]bool{}
	for _, r := range file.Require {
		own[r.Path] = true
		fmt.Fprintf(&b, "\t%s %s // indirect\n", r.Path, r.Version)
	}
	for _, m := range forCellsOnly() {
		if path, _, _ := strings.Cut(m, " "); !own[path] {
			fmt.Fprintf(&b, "\t%s // indirect\n", m)
		}
	}
	// In one line each, GoNB would watch everything in the folder for changes. A block of one line becomes one when `go get`
	// writes the file.
	fmt.Fprintf(&b, ")\n\nreplace (\n\t%s => %s\n\tgolxmert.cell/none => ./none\n", module, quotePath(dir))
	for _, r := range file.Replace {
		to := r.New.Path
		if strings.HasPrefix(to, "./") || strings.HasPrefix(to, "../") {
			to = filepath.Join(dir, to)
		}
		fmt.Fprintf(&b, "\t%s => %s\n", strings.TrimSpace(r.Old.Path+" "+r.Old.Version), strings.TrimSpace(quotePath(to)+" "+r.New.Version))
	}
	b.WriteString(")\n")
	return prelude{[]byte(b.String()), joinSums(sum, []byte(cellsSum))}, nil
}

// joinSums is a go.sum of two, in the order in which Go writes it.
func joinSums(a, b []byte) []byte {
	lines := slices.Collect(strings.Lines(string(a) + string(b)))
	slices.Sort(lines)
	return []byte(strings.Join(slices.Compact(lines), ""))
}

// quotePath writes a folder as go.mod wants it.
func quotePath(path string) string {
	if strings.ContainsAny(path, " \t\"'`()[]{},") {
		return strconv.Quote(path)
	}
	return path
}

// publishedPrelude asks Go for a version and all that it needs.
func publishedPrelude(ctx context.Context, parent, version string) (prelude, error) {
	stage, err := os.MkdirTemp(parent, ".prelude-*")
	if err != nil {
		return prelude{}, err
	}
	defer os.RemoveAll(stage)
	if err := os.WriteFile(filepath.Join(stage, "go.mod"), []byte("module golxmert.cell\n\ngo "+strings.TrimPrefix(oldestGo, "go")+"\n"), 0o666); err != nil {
		return prelude{}, err
	}
	env := []string{"GOWORK=off", "GOFLAGS=-mod=mod"}
	argv := []string{"go", "get", module + "/...@" + version}
	for _, m := range forCellsOnly() {
		argv = append(argv, strings.Replace(m, " ", "@", 1))
	}
	if _, err := command(ctx, stage, env, argv...); err != nil {
		return prelude{}, err
	}
	var p prelude
	if p.mod, err = os.ReadFile(filepath.Join(stage, "go.mod")); err != nil {
		return prelude{}, err
	}
	p.sum, err = os.ReadFile(filepath.Join(stage, "go.sum"))
	return p, err
}
