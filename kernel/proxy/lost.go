package proxy

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
)

// GoNB takes a cell's declarations apart, keeps each by its name, and puts them together again. This file knows what gets
// lost on that way without a word, and writes it so that it does not, or says so before the cell is run.

// parsedCell is a cell as a file of Go.
type parsedCell struct {
	cell
	set  *token.FileSet
	file *ast.File
}

func (c cell) parse() (parsedCell, bool) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "", c.order.file(""), parser.SkipObjectResolution|parser.ParseComments)
	return parsedCell{c, set, file}, err == nil && !c.script
}

// spot is where something is in the cell.
func (p parsedCell) spot(pos token.Pos) spot {
	place := p.set.Position(pos)
	return spot{p.order.cellLine(place.Line) - 1, place.Column - 1}
}

func (p parsedCell) complain(pos token.Pos, format string, args ...any) *complaint {
	at := p.spot(pos)
	return &complaint{place: place(0, strconv.Itoa(at.line+1)), message: fmt.Sprintf(format, args...), source: p.lines[at.line], column: at.at + 1}
}

// moduleName is the name of the module in which cells are compiled.
func (k *kernel) moduleName() string {
	text, err := os.ReadFile(filepath.Join(k.Prelude, "go.mod"))
	if err != nil {
		return "MODULE"
	}
	return modfile.ModulePath(text)
}

// lost is the first of a cell's declarations that GoNB would lose, nil if it loses none. Module is the name of that in
// which cells are compiled.
func (d *declarations) lost(c cell, module string) *complaint {
	p, ok := c.parse()
	if !ok {
		return nil
	}
	inits := 0
	for _, decl := range p.file.Decls {
		var found *complaint
		switch decl := decl.(type) {
		case *ast.GenDecl:
			found = p.lostOf(decl, module)
		case *ast.FuncDecl:
			if funcName(decl) == "init" {
				inits++
			}
			if inits > 1 {
				return p.complain(decl.Pos(), "func init a second time, and GoNB keeps one: call it init_2, which is run as init too")
			}
			found = d.lostMethod(p, decl)
		}
		if found != nil {
			return found
		}
	}
	return nil
}

// lostOf is what is lost of a declaration that is not a function.
func (p parsedCell) lostOf(decl *ast.GenDecl, module string) *complaint {
	switch decl.Tok {
	case token.IMPORT:
		for _, spec := range decl.Specs {
			if spec := spec.(*ast.ImportSpec); spec.Path.Value == `"C"` && (decl.Doc != nil || spec.Doc != nil) {
				return p.complain(spec.Pos(), "the C above `import \"C\"` does not reach the compiler, as comments are not kept: a package of its own can have it: a cell `!*mkdir -p cc`, "+
					"one that begins with `%%%%writefile $GONB_TMP_DIR/cc/cc.go` and is that package, and `import \"%s/cc\"`", module)
			}
		}
	case token.VAR:
		for _, group := range append([]*ast.CommentGroup{decl.Doc}, docsOf(decl)...) {
			if group == nil {
				continue
			}
			for _, c := range group.List {
				if strings.HasPrefix(c.Text, "//go:embed ") {
					return p.complain(c.Pos(), "//go:embed does not reach the compiler, as comments are not kept: os.ReadFile reads a file")
				}
			}
		}
	case token.CONST:
		return p.lostOfConstants(decl)
	}
	return nil
}

func docsOf(decl *ast.GenDecl) (list []*ast.CommentGroup) {
	for _, spec := range decl.Specs {
		if spec, ok := spec.(*ast.ValueSpec); ok {
			list = append(list, spec.Doc)
		}
	}
	return list
}

// lostOfConstants is that GoNB puts constants of a row below each other, where iota counts further and what is left out is
// taken from another.
func (p parsedCell) lostOfConstants(decl *ast.GenDecl) *complaint {
	rows, counts := false, false
	for _, spec := range decl.Specs {
		spec, ok := spec.(*ast.ValueSpec)
		if !ok {
			continue
		}
		rows = rows || len(spec.Names) > 1
		counts = counts || len(spec.Values) == 0
		for _, v := range spec.Values {
			ast.Inspect(v, func(n ast.Node) bool {
				name, ok := n.(*ast.Ident)
				counts = counts || ok && name.Name == "iota"
				return true
			})
		}
	}
	if rows && counts {
		return p.complain(decl.Pos(), "GoNB puts constants that stand in a row below each other, which changes what iota counts and which value is repeated: give each a line and a value of its own")
	}
	return nil
}

// lostMethod is that GoNB knows all types with parameters by one name, where a method's receiver is not a pointer.
func (d *declarations) lostMethod(p parsedCell, decl *ast.FuncDecl) *complaint {
	if decl.Recv == nil || len(decl.Recv.List) == 0 {
		return nil
	}
	switch decl.Recv.List[0].Type.(type) {
	case *ast.IndexExpr, *ast.IndexListExpr:
	default:
		return nil
	}
	name := funcName(decl)
	other := ""
	for _, o := range p.file.Decls {
		if o, ok := o.(*ast.FuncDecl); ok && o != decl && sameKey(o, decl) && funcName(o) != name {
			other = funcName(o)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, u := range d.units {
		if slices.Contains(u.keys, "unknown~"+decl.Name.Name) && u.names[0] != name {
			other = u.names[0]
		}
	}
	if other == "" {
		return nil
	}
	return p.complain(decl.Pos(), "GoNB keeps one of %s and %s, as their types have parameters and their receivers are not pointers: make a receiver a pointer", other, name)
}

// sameKey says whether both are methods with a receiver that GoNB has no name for.
func sameKey(a, b *ast.FuncDecl) bool {
	if a.Recv == nil || len(a.Recv.List) == 0 || a.Name.Name != b.Name.Name {
		return false
	}
	switch a.Recv.List[0].Type.(type) {
	case *ast.IndexExpr, *ast.IndexListExpr:
		return true
	}
	return false
}

// nameBlanks gives constants that are called _ names of their own, as GoNB keeps one of each name, and with it the whole
// group that it begins.
func (p parsedCell) nameBlanks(e edits) {
	for _, decl := range p.file.Decls {
		decl, ok := decl.(*ast.GenDecl)
		if !ok || decl.Tok != token.CONST {
			continue
		}
		text := sourceText{p.set, p.order.file(""), p.order}.of(decl)
		for i, name := range constantsOf(decl) {
			if name.Name == "_" {
				at := p.spot(name.Pos())
				e.replace(at.line, at.at, at.at+1, blankName(text, i))
			}
		}
	}
}

func constantsOf(decl *ast.GenDecl) (names []*ast.Ident) {
	for _, spec := range decl.Specs {
		if spec, ok := spec.(*ast.ValueSpec); ok {
			names = append(names, spec.Names...)
		}
	}
	return names
}

// blankName is the name of constant i of a group, which depends on the group's text alone.
func blankName(group string, i int) string {
	h := fnv.New32a()
	h.Write([]byte(group))
	return fmt.Sprintf("kernel_%08x_%d", h.Sum32(), i)
}

// blankImports lists what a cell imports under the name _, of which GoNB keeps one.
func (c cell) blankImports() (paths []string) {
	p, ok := c.parse()
	if !ok {
		return nil
	}
	for _, spec := range p.file.Imports {
		if spec.Name != nil && spec.Name.Name == "_" {
			paths = append(paths, constant.StringVal(constant.MakeFromLiteral(spec.Path.Value, token.STRING, 0)))
		}
	}
	return paths
}

// importsName is a file beside GoNB's with the imports that it would lose.
const importsName = "kernel_imports.go"

// placeImports puts what cells import under the name _ where it is compiled with the running one.
func (k *kernel) placeImports(c cell) error {
	d := k.declared
	d.mu.Lock()
	paths := slices.Clone(d.blank)
	d.mu.Unlock()
	for _, path := range c.blankImports() {
		if !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	file := filepath.Join(k.gonb.work, importsName)
	if len(paths) < 2 {
		return removeIfThere(file)
	}
	var b strings.Builder
	b.WriteString("package main\n\n")
	for _, path := range paths {
		fmt.Fprintf(&b, "import _ %q\n", path)
	}
	return os.WriteFile(file, []byte(b.String()), 0o600)
}
