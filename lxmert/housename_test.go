package lxmert_test

import (
	"go/ast"
	"go/token"
	"go/types"
	"testing"
)

// TestNoNameHidesAPredeclaredOne, such as any, len or close: whoever reads a name of Go's finds Go's meaning. Fields and methods
// hide nothing.
func TestNoNameHidesAPredeclaredOne(t *testing.T) {
	eachFile(t, ".go", func(set *token.FileSet, file *ast.File) {
		for _, name := range declared(file) {
			if types.Universe.Lookup(name.Name) != nil {
				t.Errorf("%s: %s is a name of Go's: choose another", set.Position(name.Pos()), name.Name)
			}
		}
	})
}

// declared lists the names that a file declares, at its top and inside functions.
func declared(file *ast.File) (names []*ast.Ident) {
	add := func(fields *ast.FieldList) {
		if fields != nil {
			for _, f := range fields.List {
				names = append(names, f.Names...)
			}
		}
	}
	defined := func(tok token.Token, left ...ast.Expr) {
		for _, x := range left {
			if name, ok := x.(*ast.Ident); ok && tok == token.DEFINE {
				names = append(names, name)
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if add(n.Recv); n.Recv == nil {
				names = append(names, n.Name)
			}
		case *ast.FuncType:
			add(n.TypeParams)
			add(n.Params)
			add(n.Results)
		case *ast.TypeSpec:
			names = append(names, n.Name)
			add(n.TypeParams)
		case *ast.ValueSpec:
			names = append(names, n.Names...)
		case *ast.AssignStmt:
			defined(n.Tok, n.Lhs...)
		case *ast.RangeStmt:
			defined(n.Tok, n.Key, n.Value)
		case *ast.ImportSpec:
			if n.Name != nil {
				names = append(names, n.Name)
			}
		}
		return true
	})
	return names
}
