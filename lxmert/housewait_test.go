package lxmert_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// TestTestsDoNotSleep: they wait for what they need, through package testwait, or by the clock of package synctest, on
// which no machine is slow.
func TestTestsDoNotSleep(t *testing.T) {
	eachFile(t, "_test.go", func(set *token.FileSet, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			switch name(call.Fun) {
			case "synctest.Test":
				return false
			case "time.Sleep":
				t.Errorf("%s: a test sleeps", set.Position(call.Pos()))
			}
			return true
		})
	})
}

// eachFile visits this project's files of Go whose names end in a way.
func eachFile(t *testing.T, end string, visit func(set *token.FileSet, file *ast.File)) {
	t.Helper()
	set, files := token.NewFileSet(), 0
	err := filepath.WalkDir(goldentest.Root(t), func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "testdata" || entry.Name() == ".git"):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, end):
			return nil
		}
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files++
		visit(set, file)
		return nil
	})
	if err != nil || files < 100 {
		t.Fatalf("%d files, %v", files, err)
	}
}

// name is that of a function of a package, as in "time.Sleep"; "": it is something else.
func name(fun ast.Expr) string {
	selector, ok := fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	pkg, ok := selector.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return pkg.Name + "." + selector.Sel.Name
}
