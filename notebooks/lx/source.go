package lx

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/kernel/client"
)

// sourceOf is a hash of the call of Keep with this name in a line of a program, and of all that it reaches in the program:
// declarations, and the imports that these use. Positions, comments, the order of declarations and what it does not reach
// do not count, so that the value is found by other cells, too: of a notebook's imports GoNB leaves out what a cell does
// not use.
func sourceOf(file string, line int, name string) (hash string, err error) {
	p, err := parseProgram(filepath.Dir(file))
	if err != nil {
		return "", fmt.Errorf("its source cannot be read: %w", err)
	}
	call, around := p.call(file, line, name)
	if call == nil {
		return "", errors.New("its call is not found; its name must be a constant in quotes")
	}
	if captured := p.captured(call, around); captured != "" {
		return "", fmt.Errorf("it uses %s, a variable of the function around it; declare that outside of functions", captured)
	}
	r := p.reach(call)
	if changed := p.changed(r, around == nil); changed != "" {
		return "", fmt.Errorf("it uses %s, which is changed elsewhere than where it is declared; give it its value there", changed)
	}
	sum := sha256.New()
	fmt.Fprintln(sum, p.text(call))
	for _, declared := range slices.Sorted(maps.Keys(r.names)) {
		fmt.Fprintf(sum, "%s\n%s\n", declared, p.declaration(declared))
	}
	for _, f := range r.inits {
		fmt.Fprintln(sum, p.text(f))
	}
	for _, text := range p.importsOf(r) {
		fmt.Fprintln(sum, text)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// program is the source of one package.
type program struct {
	fset    *token.FileSet
	files   []*ast.File
	decls   map[string][]ast.Node // by name; methods by their receiver's
	vars    map[string]bool       // which of the names are variables
	globals map[token.Pos]bool    // where package-level names are declared
	imports map[imported]bool
}

// imported is an import by the name that the program calls it. explicit: the import itself says the name.
type imported struct {
	name, path string
	explicit   bool
}

func parseProgram(dir string) (*program, error) {
	p := &program{
		fset: token.NewFileSet(), decls: map[string][]ast.Node{}, vars: map[string]bool{}, globals: map[token.Pos]bool{}, imports: map[imported]bool{},
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), client.AsideSuffix)
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		f, err := parser.ParseFile(p.fset, filepath.Join(dir, name), text, 0)
		if err != nil {
			return nil, err
		}
		p.files = append(p.files, f)
		for _, i := range f.Imports {
			path, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return nil, err
			}
			x := imported{assumedName(path), path, i.Name != nil}
			if i.Name != nil {
				x.name = i.Name.Name
			}
			p.imports[x] = true
		}
		for _, d := range f.Decls {
			p.declare(d)
		}
	}
	if len(p.files) == 0 {
		return nil, errors.New("there are no Go files in " + dir)
	}
	return p, nil
}

// assumedName is what a package is called whose import does not say it: by convention the last part of its path, without
// a version, a "go-" before it, and whatever cannot be in a name. goimports, which GoNB calls, writes other names out.
func assumedName(path string) string {
	parts := strings.Split(path, "/")
	base := parts[len(parts)-1]
	if n, err := strconv.Atoi(strings.TrimPrefix(base, "v")); err == nil && n > 0 && strings.HasPrefix(base, "v") && len(parts) > 1 {
		base = parts[len(parts)-2]
	}
	base = strings.TrimPrefix(base, "go-")
	if i := strings.IndexFunc(base, func(r rune) bool {
		return r != '_' && !('a' <= r && r <= 'z') && !('A' <= r && r <= 'Z') && !('0' <= r && r <= '9')
	}); i >= 0 {
		base = base[:i]
	}
	return base
}

func (p *program) declare(d ast.Decl) {
	add := func(name string, n ast.Node) { p.decls[name] = append(p.decls[name], n) }
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil || len(d.Recv.List) == 0 {
			if d.Name.Name != "init" { // nothing refers to it
				add(d.Name.Name, d)
				p.globals[d.Name.Pos()] = true
			}
			return
		}
		add(receiver(d), d)
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				add(s.Name.Name, s)
				p.globals[s.Name.Pos()] = true
			case *ast.ValueSpec:
				for _, id := range s.Names {
					p.globals[id.Pos()] = true
					p.vars[id.Name] = p.vars[id.Name] || d.Tok == token.VAR
					add(id.Name, s)
					if d.Tok == token.CONST && len(s.Values) == 0 {
						add(id.Name, d) // its value comes from those before it
					}
				}
			}
		}
	}
}

// receiver is the name of the type that a method belongs to; "" of a function.
func receiver(f *ast.FuncDecl) (name string) {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return ""
	}
	ast.Inspect(f.Recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && name == "" {
			name = id.Name
		}
		return name == ""
	})
	return name
}

// call finds the call of Keep, and the outermost function that it stands in; nil: it stands outside of functions.
func (p *program) call(file string, line int, name string) (found *ast.CallExpr, around ast.Node) {
	for _, f := range p.files {
		var path []ast.Node
		ast.Inspect(f, func(n ast.Node) bool {
			if n == nil {
				path = path[:len(path)-1]
				return true
			}
			path = append(path, n)
			c, ok := n.(*ast.CallExpr)
			if !ok || len(c.Args) != 2 || !isKeep(c.Fun) {
				return true
			}
			first, last := p.fset.Position(c.Pos()), p.fset.Position(c.End())
			lit, isLit := c.Args[0].(*ast.BasicLit)
			if !isLit || first.Line > line || last.Line < line || filepath.Base(first.Filename) != filepath.Base(file) {
				return true
			}
			if text, err := strconv.Unquote(lit.Value); err != nil || text != name {
				return true
			}
			found, around = c, nil
			for _, n := range path {
				switch n.(type) {
				case *ast.FuncDecl, *ast.FuncLit:
					if around == nil {
						around = n
					}
				}
			}
			return true
		})
	}
	return found, around
}

// isKeep recognises Keep, lx.Keep and both with a type.
func isKeep(fun ast.Expr) bool {
	switch f := fun.(type) {
	case *ast.Ident:
		return f.Name == "Keep"
	case *ast.SelectorExpr:
		return f.Sel.Name == "Keep"
	case *ast.IndexExpr:
		return isKeep(f.X)
	}
	return false
}

// isLocal says that an identifier is something of a function's own.
func (p *program) isLocal(id *ast.Ident) bool { return id.Obj != nil && !p.globals[id.Obj.Pos()] }

// captured names a variable of the function around the call that the call uses.
func (p *program) captured(call *ast.CallExpr, around ast.Node) (name string) {
	if around == nil {
		return ""
	}
	ast.Inspect(call, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok || name != "" || !p.isLocal(id) {
			return true
		}
		if at := id.Obj.Pos(); at < call.Pos() || call.End() <= at {
			name = id.Name
		}
		return true
	})
	return name
}

// declaration is the text of all that is declared by a name, methods included.
func (p *program) declaration(name string) string {
	var texts []string
	for _, d := range p.decls[name] {
		kind := ""
		switch d.(type) {
		case *ast.TypeSpec:
			kind = "type "
		case *ast.ValueSpec:
			if kind = "const "; p.vars[name] {
				kind = "var "
			}
		}
		texts = append(texts, kind+p.text(d))
	}
	slices.Sort(texts)
	return strings.Join(texts, "\n")
}

// text is a node as gofmt writes it, without comments.
func (p *program) text(n ast.Node) string {
	var b bytes.Buffer
	if err := printer.Fprint(&b, token.NewFileSet(), n); err != nil {
		return fmt.Sprint(err) // of a node that is not Go code; there are none
	}
	return b.String()
}
