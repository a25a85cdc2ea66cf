package proxy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// This file takes a cell's declarations apart.

// unit is a piece of source that declares one or several names and is replaced as a whole, as it is in GoNB.
type unit struct {
	kind   string   // "func", "var", "type" or "const"
	names  []string // those of methods with their type's
	keys   []string // the names that GoNB knows them by; a variable called _ has none that can be told
	text   string
	number int // of its cell; 0: none
	first  int // of its cell, counted from 1, on which the text begins
	line   int // on which the declaration begins, its comment left out
}

// blank says whether it is a variable, or has one, that is called _.
func (u unit) blank() bool { return u.kind == "var" && slices.Contains(u.names, "_") }

// declaredIn lists what a cell declares, main left out. Of a cell that does not parse it is what does.
func declaredIn(c cell) (units []unit, imports map[string]string) {
	imports = map[string]string{}
	source := c.order.file("")
	set := token.NewFileSet()
	file, _ := parser.ParseFile(set, "", source, parser.ParseComments|parser.SkipObjectResolution)
	if file == nil {
		return nil, imports
	}
	t := sourceText{set, source, c.order}
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if name := funcName(decl); name != "main" {
				units = append(units, t.unit("func", name, t.funcKey(decl), decl.Doc, decl, ""))
			}
		case *ast.GenDecl:
			if decl.Tok == token.IMPORT {
				for _, spec := range decl.Specs {
					addImport(imports, spec.(*ast.ImportSpec))
				}
				continue
			}
			units = append(units, t.genUnits(decl)...)
		}
	}
	return units, imports
}

// sourceText is the text of a composed cell as a file of Go.
type sourceText struct {
	set    *token.FileSet
	source string
	order  composed
}

func (t sourceText) text(from, to token.Pos) string {
	a, b := t.set.Position(from).Offset, t.set.Position(to).Offset
	if a < 0 || b < a || b > len(t.source) {
		return "" // a declaration that the parser could not make sense of has no end
	}
	return t.source[a:b]
}

func (t sourceText) of(n ast.Node) string { return t.text(n.Pos(), n.End()) }

// line is the line of the cell on which something begins.
func (t sourceText) line(p token.Pos) int { return t.order.cellLine(t.set.Position(p).Line) }

// unit is a declaration of one name, with its comment, and with a word before it that stands elsewhere in a group.
func (t sourceText) unit(kind, name, key string, doc *ast.CommentGroup, n ast.Node, word string) unit {
	u := unit{kind: kind, names: []string{name}, text: word + t.of(n), first: t.line(n.Pos()), line: t.line(n.Pos())}
	if key != "_" {
		u.keys = []string{key}
	}
	if doc != nil {
		u.text = t.of(doc) + "\n" + u.text
		u.first = t.line(n.Pos()) - strings.Count(t.of(doc), "\n") - 1
	}
	return u
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

// funcKey is the name that GoNB knows a function or a method by.
func (t sourceText) funcKey(decl *ast.FuncDecl) string {
	if decl.Recv == nil || len(decl.Recv.List) == 0 {
		return decl.Name.Name
	}
	of := "unknown"
	switch e := decl.Recv.List[0].Type.(type) {
	case *ast.Ident:
		of = e.Name
	case *ast.StarExpr:
		of = t.of(e.X)
	}
	return of + "~" + decl.Name.Name
}

func addImport(imports map[string]string, spec *ast.ImportSpec) {
	file, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return
	}
	name, text := "", spec.Path.Value
	if spec.Name != nil {
		name, text = spec.Name.Name, spec.Name.Name+" "+text
	}
	imports[importKey(name, file)] = text
}

var lastWord = regexp.MustCompile(`\w+\s*$`)

// importKey is the name that GoNB knows an import by. It may have none of its own.
func importKey(name, file string) string {
	switch name {
	case "":
		if word := lastWord.FindString(file); word != "" {
			return strings.TrimSpace(word)
		}
		return file
	case ".":
		return ".~" + file
	}
	return name
}

// genUnits takes apart a declaration of variables, types or constants. Constants stay together, for iota's sake, and
// variables that one call gives their values.
func (t sourceText) genUnits(decl *ast.GenDecl) []unit {
	kind := decl.Tok.String()
	if decl.Tok == token.CONST {
		whole := t.unit(kind, "", "_", decl.Doc, decl, "")
		whole.names = nil
		for _, spec := range decl.Specs {
			if spec, ok := spec.(*ast.ValueSpec); ok {
				whole.name(spec.Names)
			}
		}
		for i, name := range constantsOf(decl) {
			if name.Name == "_" {
				whole.keys = append(whole.keys, blankName(t.of(decl), i))
			}
		}
		return []unit{whole}
	}
	var units []unit
	for _, spec := range decl.Specs {
		doc := decl.Doc // of a declaration that is not a group
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if decl.Lparen.IsValid() {
				doc = spec.Doc
			}
			units = append(units, t.unit(kind, spec.Name.Name, spec.Name.Name, doc, spec, kind+" "))
		case *ast.ValueSpec:
			if decl.Lparen.IsValid() {
				doc = spec.Doc
			}
			if len(spec.Names) == 1 || len(spec.Values) == 1 {
				u := t.unit(kind, "", "_", doc, spec, kind+" ")
				u.names = nil
				u.name(spec.Names)
				units = append(units, u)
				continue
			}
			for i, name := range spec.Names {
				units = append(units, t.oneOf(spec, i, name))
			}
		}
	}
	return units
}

// name adds names to what a unit declares.
func (u *unit) name(names []*ast.Ident) {
	for _, n := range names {
		u.names = append(u.names, n.Name)
		if n.Name != "_" {
			u.keys = append(u.keys, n.Name)
		}
	}
}

// oneOf is one of several variables that stand in a row and have a value each, or none.
func (t sourceText) oneOf(spec *ast.ValueSpec, i int, name *ast.Ident) unit {
	u := t.unit("var", name.Name, name.Name, nil, name, "var ")
	if spec.Type != nil {
		u.text += " " + t.of(spec.Type)
	}
	if i < len(spec.Values) {
		u.text += " = " + t.of(spec.Values[i])
	}
	return u
}
