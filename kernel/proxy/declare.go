package proxy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// declarations is what the cells that ran have declared, which every later cell can use. GoNB keeps the same, to compile
// with; these are for completion, and to say where errors are.
type declarations struct {
	mu      sync.Mutex
	units   []unit
	imports map[string]string // by the name that they have in a cell
	cells   map[int]cell      // by their numbers; those without one have number 0
	numbers map[int]int       // of cells, by the numbers that GoNB gave them
}

// unit is a piece of source that declares one or several names and is replaced as a whole.
type unit struct {
	names  []string
	text   string
	number int // of its cell; 0: none
	line   int // of its cell, counted from 1, on which the declaration begins, its comment left out
}

func newDeclarations() *declarations {
	return &declarations{imports: map[string]string{}, cells: map[int]cell{}, numbers: map[int]int{}}
}

// add takes what a cell declares; it replaces what earlier cells have declared by the same names.
func (d *declarations) add(c cell, number int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if number > 0 {
		d.cells[number] = c
	}
	for i, kind := range c.kinds {
		if kind == otherLine && strings.TrimSpace(c.command(i)) == "%reset" {
			d.units, d.imports = nil, map[string]string{}
		}
	}
	units, imports := declaredIn(c)
	maps.Copy(d.imports, imports)
	for _, u := range units {
		u.number = number
		d.units = append(without(d.units, u.names), u)
	}
}

// number remembers which of a notebook's cells GoNB means by a number.
func (d *declarations) number(gonb, notebook int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.numbers[gonb] = notebook
}

// without leaves out all units that declare one of the names.
func without(units []unit, names []string) []unit {
	return slices.DeleteFunc(slices.Clone(units), func(u unit) bool {
		return slices.ContainsFunc(u.names, func(n string) bool { return slices.Contains(names, n) })
	})
}

// declaredIn lists what a cell declares, main and init left out. Of a cell that does not parse it is what does.
func declaredIn(c cell) (units []unit, imports map[string]string) {
	imports = map[string]string{}
	source := c.source("")
	set := token.NewFileSet()
	file, _ := parser.ParseFile(set, "", source, parser.ParseComments|parser.SkipObjectResolution)
	if file == nil {
		return nil, imports
	}
	text := func(from, to token.Pos) string {
		a, b := set.Position(from).Offset, set.Position(to).Offset
		if a < 0 || b < a || b > len(source) {
			return "" // a declaration that the parser could not make sense of has no end
		}
		return source[a:b]
	}
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if name := funcName(decl); name != "main" && name != "init" {
				units = append(units, unit{names: []string{name}, text: text(start(decl, decl.Doc), decl.End()), line: set.Position(decl.Pos()).Line - 1})
			}
		case *ast.GenDecl:
			if decl.Tok == token.IMPORT {
				for _, spec := range decl.Specs {
					addImport(imports, spec.(*ast.ImportSpec))
				}
				continue
			}
			units = append(units, genUnits(decl, text)...)
		}
	}
	return units, imports
}

// start is where a declaration begins, its comment included.
func start(n ast.Node, doc *ast.CommentGroup) token.Pos {
	if doc != nil {
		return doc.Pos()
	}
	return n.Pos()
}

func funcName(decl *ast.FuncDecl) string {
	if decl.Recv == nil || len(decl.Recv.List) == 0 {
		return decl.Name.Name
	}
	return receiver(decl.Recv.List[0].Type) + "." + decl.Name.Name
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

func addImport(imports map[string]string, spec *ast.ImportSpec) {
	file, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return
	}
	if spec.Name != nil {
		imports[spec.Name.Name] = spec.Name.Name + " " + spec.Path.Value
		return
	}
	imports[path.Base(file)] = spec.Path.Value
}

// genUnits takes apart a declaration of variables, types or constants. Constants stay together, for iota's sake.
func genUnits(decl *ast.GenDecl, text func(from, to token.Pos) string) []unit {
	var units []unit
	var all []string
	for _, spec := range decl.Specs {
		var names []string
		var doc *ast.CommentGroup
		switch spec := spec.(type) {
		case *ast.ValueSpec:
			doc = spec.Doc
			for _, n := range spec.Names {
				names = append(names, n.Name)
			}
		case *ast.TypeSpec:
			doc = spec.Doc
			names = []string{spec.Name.Name}
		}
		all = append(all, names...)
		u := unit{names: names, text: decl.Tok.String() + " " + text(spec.Pos(), spec.End())}
		if doc != nil {
			u.text = text(doc.Pos(), doc.End()) + "\n" + u.text
		}
		units = append(units, u)
	}
	if decl.Tok == token.CONST || !decl.Lparen.IsValid() {
		return []unit{{names: all, text: text(start(decl, decl.Doc), decl.End())}}
	}
	return units
}

// around returns what a cell can use of other cells: a line of imports to put before it, and a file of declarations.
// What the cell declares itself is in neither.
func (d *declarations) around(c cell) (imports, file string) {
	units, own := declaredIn(c)
	d.mu.Lock()
	defer d.mu.Unlock()
	other := d.units
	for _, u := range units {
		other = without(other, u.names)
	}
	var b strings.Builder
	b.WriteString("package main\n\n")
	var line strings.Builder
	for _, name := range slices.Sorted(maps.Keys(d.imports)) {
		fmt.Fprintf(&b, "import %s\n", d.imports[name])
		if _, again := own[name]; !again {
			fmt.Fprintf(&line, " import %s;", d.imports[name])
		}
	}
	for _, u := range other {
		b.WriteString("\n" + u.text + "\n")
	}
	for _, file := range missingImports(c) {
		name := path.Base(file)
		if _, again := own[name]; again || d.imports[name] != "" {
			continue
		}
		fmt.Fprintf(&line, " import %q;", file)
	}
	return line.String(), b.String()
}

// usual are packages of the standard library that cells use without an import, which GoNB adds when it compiles. For
// those that share their last element, the one that is meant more often.
var usual = []string{
	"bufio", "bytes", "cmp", "context", "encoding/csv", "encoding/json", "errors", "flag", "fmt", "image", "image/color", "image/draw", "image/jpeg",
	"image/png", "io", "log", "maps", "math", "math/bits", "math/cmplx", "net/http", "net/url", "os", "os/exec", "os/signal", "path/filepath", "reflect",
	"regexp", "runtime", "slices", "sort", "strconv", "strings", "sync", "sync/atomic", "text/tabwriter", "text/template", "time", "unicode", "unicode/utf8",
}

// missingImports lists the usual packages whose names a cell uses. That a variable has such a name does no harm.
func missingImports(c cell) []string {
	var found []string
	source := c.source("")
	for _, file := range usual {
		name := path.Base(file) + "."
		for rest := source; ; {
			at := strings.Index(rest, name)
			if at < 0 {
				break
			}
			if before, _ := utf8.DecodeLastRuneInString(rest[:at]); !isNamePart(before) && before != '.' {
				found = append(found, file)
				break
			}
			rest = rest[at+len(name):]
		}
	}
	return found
}

// which is the number of the cell that GoNB knows by another one; 0 is the running cell.
func (d *declarations) which(gonb string, current int) int {
	n, err := strconv.Atoi(gonb)
	if err != nil {
		return 0
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if number := d.numbers[n]; number != current {
		return number
	}
	return 0
}

// place is a line of a cell in words: "cell [2] line 3", or "cell line 3" of the running one.
func place(number int, line string) string {
	if number == 0 {
		return "cell line " + line
	}
	return fmt.Sprintf("cell [%d] line %s", number, line)
}
