package ipynb

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"slices"
	"strconv"
	"strings"
)

const (
	parametersTag = "parameters"
	injectedTag   = "injected-parameters"
)

// Parameter is a value of a notebook that can be given from outside.
type Parameter struct {
	Name  string
	Type  string // "string", "int", "float64" or "bool"
	Value string // as it stands in the notebook, in Go
	About string // the comment above it
}

// ErrParameter is wrapped by errors that say what is wrong with a parameter that was given.
var ErrParameter = errors.New("parameter")

// declared is where a parameter stands.
type declared struct {
	Parameter
	decl  *ast.GenDecl
	value ast.Expr
	typed string // the type, if it stands there
}

// parameters are those of a cell, with the file that their places belong to.
type parameters struct {
	cell   *Cell
	at     int // which of the notebook's cells that is
	source string
	set    *token.FileSet
	list   []declared
}

// Parameters lists a notebook's parameters in the order in which they stand in it.
func (n *Notebook) Parameters() []Parameter {
	var list []Parameter
	if p := n.parameters(); p != nil {
		for _, d := range p.list {
			list = append(list, d.Parameter)
		}
	}
	return list
}

// parameters finds the cell of parameters; nil: there is none.
func (n *Notebook) parameters() *parameters {
	isCode := func(c *Cell) bool { return c.Type == "code" && strings.TrimSpace(c.Source) != "" }
	at := slices.IndexFunc(n.Cells, func(c *Cell) bool { return isCode(c) && c.has(parametersTag) })
	if at < 0 {
		at = slices.IndexFunc(n.Cells, func(c *Cell) bool { return isCode(c) && !c.has(injectedTag) })
	}
	if at < 0 {
		return nil
	}
	p := &parameters{cell: n.Cells[at], at: at, set: token.NewFileSet()}
	p.source = goOf(p.cell.Source)
	file, _ := parser.ParseFile(p.set, "", p.source, parser.ParseComments|parser.SkipObjectResolution)
	if file == nil {
		return p
	}
	for _, decl := range file.Decls {
		if decl, ok := decl.(*ast.GenDecl); ok && (decl.Tok == token.VAR || decl.Tok == token.CONST) {
			for _, spec := range decl.Specs {
				p.add(decl, spec.(*ast.ValueSpec))
			}
		}
	}
	return p
}

// goOf is what of a cell stands outside of functions, as a file: the lines above the first command that begins main.
func goOf(source string) string {
	kept := []string{"package main;"}
	for line := range strings.Lines(source) {
		line = strings.TrimRight(line, "\r\n")
		word, _, _ := strings.Cut(strings.TrimPrefix(line, "//gonb:"), " ")
		if word == "%%" || word == "%main" {
			break
		}
		if strings.HasPrefix(word, "%") || strings.HasPrefix(word, "!") {
			line = ""
		}
		kept = append(kept, line)
	}
	return strings.Join(kept, "\n")
}

// add takes a declaration of one name whose type can be told.
func (p *parameters) add(decl *ast.GenDecl, spec *ast.ValueSpec) {
	if len(spec.Names) != 1 || len(spec.Values) != 1 || spec.Names[0].Name == "_" {
		return
	}
	d := declared{decl: decl, value: spec.Values[0]}
	d.Name, d.Value = spec.Names[0].Name, p.text(spec.Values[0])
	d.Type = typeOf(spec.Values[0])
	if spec.Type != nil {
		d.Type = ""
		if name, ok := spec.Type.(*ast.Ident); ok && slices.Contains([]string{"string", "int", "float64", "bool"}, name.Name) {
			d.Type, d.typed = name.Name, name.Name
		}
	}
	if d.Type == "" {
		return
	}
	doc := spec.Doc
	if doc == nil && !decl.Lparen.IsValid() {
		doc = decl.Doc
	}
	if doc != nil {
		d.About = strings.Join(strings.Fields(doc.Text()), " ")
	}
	p.list = append(p.list, d)
}

func (p *parameters) text(n ast.Node) string {
	return p.source[p.set.Position(n.Pos()).Offset:p.set.Position(n.End()).Offset]
}

// typeOf is the type of a variable with such a value and none of its own; "": it is not a literal.
func typeOf(value ast.Expr) string {
	switch v := value.(type) {
	case *ast.BasicLit:
		return map[token.Token]string{token.STRING: "string", token.INT: "int", token.FLOAT: "float64"}[v.Kind]
	case *ast.UnaryExpr:
		if t := typeOf(v.X); (v.Op == token.SUB || v.Op == token.ADD) && (t == "int" || t == "float64") {
			return t
		}
	case *ast.Ident:
		if v.Name == "true" || v.Name == "false" {
			return "bool"
		}
	}
	return ""
}

// Given is a parameter's name with a value for it, as a command line has them.
type Given struct{ Name, Value string }

// Inject puts a cell after the one with the parameters that gives some of them other values, in place of one that an
// earlier execution has put there. Errors wrap [ErrParameter].
func (n *Notebook) Inject(given []Given) error {
	n.Cells = slices.DeleteFunc(n.Cells, func(c *Cell) bool { return c.has(injectedTag) })
	if len(given) == 0 {
		return nil
	}
	p := n.parameters()
	if p == nil || len(p.list) == 0 {
		return fmt.Errorf("%w %s: the notebook has no parameters: a cell with the tag %q, or else the first one, declares them, as `const name = \"value\"`", ErrParameter, given[0].Name, parametersTag)
	}
	values := map[string]string{}
	for _, g := range given {
		at := slices.IndexFunc(p.list, func(d declared) bool { return d.Name == g.Name })
		if at < 0 {
			return fmt.Errorf("%w %s: the notebook has none of that name; it has %s", ErrParameter, g.Name, p.names())
		}
		if _, again := values[g.Name]; again {
			return fmt.Errorf("%w %s: it is given twice", ErrParameter, g.Name)
		}
		value, err := literal(p.list[at].Type, g.Value)
		if err != nil {
			return fmt.Errorf("%w %s: %w", ErrParameter, g.Name, err)
		}
		values[g.Name] = value
	}
	n.Cells = slices.Insert(n.Cells, p.at+1, n.codeCell("// Parameters\n"+p.redeclare(values), injectedTag))
	return nil
}

// names lists the parameters in words: "task (string), epochs (int)".
func (p *parameters) names() string {
	var list []string
	for _, d := range p.list {
		list = append(list, fmt.Sprintf("%s (%s)", d.Name, d.Type))
	}
	return strings.Join(list, ", ")
}

// literal is a value of a type in Go.
func literal(kind, value string) (string, error) {
	switch kind {
	case "string":
		return strconv.Quote(value), nil
	case "int":
		if n, err := strconv.Atoi(value); err == nil {
			return strconv.Itoa(n), nil
		}
	case "float64":
		if x, err := strconv.ParseFloat(value, 64); err == nil && !math.IsInf(x, 0) && !math.IsNaN(x) {
			text := strconv.FormatFloat(x, 'g', -1, 64)
			if !strings.ContainsAny(text, ".e") {
				text += ".0" // it would be an int
			}
			return text, nil
		}
	case "bool":
		if value == "true" || value == "false" {
			return value, nil
		}
		return "", fmt.Errorf("it is true or false, not %q", value)
	}
	return "", fmt.Errorf("%q is not of type %s", value, kind)
}

// redeclare declares parameters with other values. Constants that stand in parentheses are declared together, as they
// were: one alone could not be replaced.
func (p *parameters) redeclare(values map[string]string) string {
	var out []string
	done := map[*ast.GenDecl]bool{}
	for _, d := range p.list {
		value, changed := values[d.Name]
		switch {
		case !changed || done[d.decl]:
		case d.decl.Tok == token.CONST && d.decl.Lparen.IsValid():
			done[d.decl] = true
			out = append(out, p.replaced(d.decl, values))
		default:
			out = append(out, strings.Join(strings.Fields(d.decl.Tok.String()+" "+d.Name+" "+d.typed), " ")+" = "+value)
		}
	}
	return strings.Join(out, "\n")
}

// replaced is the text of a declaration with other values.
func (p *parameters) replaced(decl *ast.GenDecl, values map[string]string) string {
	text, from := "", decl.Pos()
	for _, d := range p.list {
		if value, changed := values[d.Name]; changed && d.decl == decl {
			text += p.source[p.set.Position(from).Offset:p.set.Position(d.value.Pos()).Offset] + value
			from = d.value.End()
		}
	}
	return text + p.source[p.set.Position(from).Offset:p.set.Position(decl.End()).Offset]
}
