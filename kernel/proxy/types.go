package proxy

import (
	"context"
	"errors"
	"go/ast"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/seed-516990b0/golxmert/kernel/internal/cellbuild"
)

// This file knows the types of expressions in cells, from what the compiler has left in its cache about the packages that
// they import.

// unknownValues is the number of an expression's values if it is not known.
const unknownValues = -1

// exprType is what is known of an expression.
type exprType struct {
	values int  // 1 or unknownValues; 0: none or several
	draw   bool // it may be something that lx draws
}

// typeCache keeps what is known of packages.
type typeCache struct {
	asking sync.Mutex // held while the go command is asked, which takes a tenth of a second

	mu       sync.Mutex
	module   string            // the go.mod for which it holds
	exports  map[string]string // files with what packages export; "": there is none
	importer types.Importer
}

// reset forgets everything if the module has become another one. The lock is held.
func (t *typeCache) reset(dir string) {
	module, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if t.exports != nil && err == nil && t.module == string(module) {
		return
	}
	t.module, t.exports = string(module), map[string]string{}
	t.importer = importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		if file := t.exports[path]; file != "" {
			return os.Open(file)
		}
		return nil, errors.New("not known")
	})
}

// of is what is known of an expression in the first of some files, which are a package. What packages export is asked for
// if nothing can be told without.
func (t *typeCache) of(ctx context.Context, k *kernel, set *token.FileSet, files []*ast.File, x ast.Expr) exprType {
	imports := importsOf(files)
	_, call := ast.Unparen(x).(*ast.CallExpr)
	if !call && !slices.ContainsFunc(imports, func(path string) bool { return bringsPictures(path) || strings.Contains(path, ".") }) {
		return exprType{values: 1}
	}
	found := t.check(k, set, files, x)
	if found == nil && t.learn(ctx, k, false, imports...) {
		found = t.check(k, set, files, x)
	}
	if found != nil {
		return *found
	}
	unknown := exprType{values: unknownValues, draw: slices.Contains(imports, lxPackage)}
	if !call {
		unknown.values = 1
	}
	return unknown
}

func importsOf(files []*ast.File) []string {
	var list []string
	for _, f := range files {
		for _, spec := range f.Imports {
			if path, err := strconv.Unquote(spec.Path.Value); err == nil && path != "C" && path != "unsafe" && !slices.Contains(list, path) {
				list = append(list, path)
			}
		}
	}
	return list
}

// bringsPictures says whether a package has types that lx draws.
func bringsPictures(path string) bool {
	return strings.HasPrefix(path, ownModule) || path == "image" || strings.HasPrefix(path, "image/")
}

// check finds the type of an expression; nil: it is not known.
func (t *typeCache) check(k *kernel, set *token.FileSet, files []*ast.File, x ast.Expr) *exprType {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reset(k.gonb.work)
	config := types.Config{Importer: t.importer, Error: func(error) {}, FakeImportC: true, Sizes: types.SizesFor("gc", runtime.GOARCH)}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	config.Check("main", set, files, info)
	found, ok := info.Types[x]
	switch {
	case !ok:
		return nil
	case found.IsVoid():
		return &exprType{}
	case found.Type == nil || found.Type == types.Typ[types.Invalid]:
		return nil
	case !found.IsValue():
		return &exprType{} // the compiler says what is wrong with it
	}
	if tuple, ok := found.Type.(*types.Tuple); ok && tuple.Len() != 1 {
		return &exprType{}
	}
	return &exprType{values: 1, draw: drawable(found.Type, slices.ContainsFunc(importsOf(files), bringsPictures))}
}

// drawable says whether lx might draw values of a type; anything says whether it might draw one of which no more is known.
func drawable(t types.Type, anything bool) bool {
	switch t := types.Unalias(t).(type) {
	case *types.Pointer:
		return drawable(t.Elem(), anything) || isPicture(t)
	case *types.Slice:
		return drawable(t.Elem(), anything)
	case *types.Interface:
		return t.NumMethods() == 0 && anything || isPicture(t)
	case *types.Named:
		at := t.Obj().Pkg()
		return at != nil && strings.HasPrefix(at.Path(), ownModule) || isPicture(t)
	}
	return false
}

// isPicture says whether a type has the methods of image.Image, and is not a rectangle.
func isPicture(t types.Type) bool {
	if t.String() == "image.Rectangle" {
		return false
	}
	for _, name := range []string{"ColorModel", "Bounds", "At"} {
		if method, _, _ := types.LookupFieldOrMethod(t, false, nil, name); method == nil {
			return false
		}
	}
	return true
}

// learn asks the go command for the files with what packages export, and perhaps what they depend on, of which that is not
// known. It compiles them if it has to: so does the cell that imports them. It says whether there was something to ask.
func (t *typeCache) learn(ctx context.Context, k *kernel, deps bool, paths ...string) bool {
	t.asking.Lock()
	defer t.asking.Unlock()
	t.mu.Lock()
	t.reset(k.gonb.work)
	module := t.module
	paths = slices.DeleteFunc(slices.Clone(paths), func(path string) bool { _, known := t.exports[path]; return known })
	t.mu.Unlock()
	if len(paths) == 0 {
		return false
	}
	args := slices.Concat([]string{"list", "-e", "-export", "-deps=" + strconv.FormatBool(deps), "-f", "{{.ImportPath}}\t{{.Export}}"}, cellbuild.Flags(), []string{"--"}, paths)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = k.gonb.work
	cmd.Env = environment(os.Environ(), map[string]string{"TMPDIR": k.private.dir})
	out, _ := cmd.Output() // what it has not said is not known
	if ctx.Err() != nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if module != t.module {
		return false
	}
	for _, path := range paths {
		t.exports[path] = ""
	}
	for line := range strings.Lines(string(out)) {
		if path, file, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t"); ok {
			t.exports[path] = file
		}
	}
	return true
}
