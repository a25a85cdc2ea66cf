package proxy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// This file adds what to do to messages that are about notebooks rather than about Go.

// noPackage is a message about an import: the package, and perhaps why it could not be had.
var noPackage = regexp.MustCompile(`^(?:no required module provides package|cannot find module providing package|missing go\.sum entry for module providing package) ([^\s;:]+)(?:: (.*))?`)

// advise does so for what can be told from the message alone, and why `go get` has failed ("": nobody tried).
func advise(message, cause string) string {
	if m := noPackage.FindStringSubmatch(message); m != nil {
		if cause == "" {
			cause = m[2]
		}
		return noModule(m[1], cause)
	}
	return message
}

// adviseAbout does so for what depends on cells: what an earlier one declares and no longer fits, and names that
// belong to main, of this cell or of another one.
func (k *kernel) adviseAbout(e *execution, c complaint, message string) string {
	if c.number > 0 {
		return message + k.declared.howToReplace(c.number, c.line)
	}
	if name, ok := strings.CutPrefix(message, "declared and not used: "); ok && !slices.Contains(e.cell.kinds, mainLine) {
		if line := e.cell.mainNames()[name]; line > 0 {
			return fmt.Sprintf("%s; for later cells it is `var %s = …`", message, name)
		}
	}
	name, ok := strings.CutPrefix(message, "undefined: ")
	if !ok || strings.Contains(name, ".") {
		return message
	}
	if line := e.cell.mainNames()[name]; line > 0 {
		return fmt.Sprintf("%s; it belongs to main, as everything from line %d on: declare it above for functions to see it", message, e.cell.layout().begin+1)
	}
	d := k.declared
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, number := range slices.Backward(slices.Sorted(maps.Keys(d.cells))) {
		if line := d.cells[number].mainNames()[name]; line > 0 && number != e.count {
			return fmt.Sprintf("%s; cell [%d] has it in main, which ends with the cell: for later ones it is `var %s = …` above the statements", message, number, name)
		}
	}
	return message
}

// howToReplace says what to do about a line of an earlier cell that does not fit what the running one declares, such as
// a method to another type of the same name.
func (d *declarations) howToReplace(number, line int) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, u := range d.units {
		if u.number != number || line < u.first || line > u.first+strings.Count(u.text, "\n") || len(u.keys) == 0 {
			continue
		}
		var keys []string
		for _, key := range u.keys {
			if strings.ContainsAny(key, " \t") {
				key = strconv.Quote(key)
			}
			keys = append(keys, key)
		}
		names := strings.Join(u.names, ", ")
		return fmt.Sprintf("; declare %s in this cell as well, or begin it with `%%rm %s` to go on without", names, strings.Join(keys, " "))
	}
	return ""
}

// mainNames are the names that the statements of a cell declare, not counting those in blocks, with their lines.
func (c cell) mainNames() map[string]int {
	set := token.NewFileSet()
	file, _ := parser.ParseFile(set, "", c.order.file(""), parser.SkipObjectResolution)
	names := map[string]int{}
	if file == nil || c.layout().begin < 0 {
		return names
	}
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || funcName(f) != "main" || f.Body == nil {
			continue
		}
		for _, s := range f.Body.List {
			for _, name := range declaredBy(s) {
				if _, again := names[name.Name]; !again {
					names[name.Name] = c.order.cellLine(set.Position(name.Pos()).Line)
				}
			}
		}
	}
	return names
}

// declaredBy lists the names that a statement declares for those after it.
func declaredBy(s ast.Stmt) []*ast.Ident {
	var names []*ast.Ident
	switch s := s.(type) {
	case *ast.AssignStmt:
		for _, e := range s.Lhs {
			if name, ok := e.(*ast.Ident); ok && s.Tok == token.DEFINE {
				names = append(names, name)
			}
		}
	case *ast.DeclStmt:
		g, ok := s.Decl.(*ast.GenDecl)
		if !ok {
			return nil
		}
		for _, spec := range g.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				names = append(names, spec.Names...)
			case *ast.TypeSpec:
				names = append(names, spec.Name)
			}
		}
	case *ast.LabeledStmt:
		return declaredBy(s.Stmt)
	}
	return names
}
