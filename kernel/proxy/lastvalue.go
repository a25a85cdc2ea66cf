package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// The value of the expression that a cell's statements end with is shown, unless a semicolon stands after it. The
// expression becomes the argument of a function in a file of the kernel's own, which is compiled with the cell: what lx
// draws is drawn, and of anything else the text is left in a file, which the kernel publishes as the cell's result.
//
// A call without a value, or with several, is left as it is. Where it cannot be told which it is, because its types are
// not known, the cell is compiled as if it had one, and again without if the compiler finds that it has none.

const (
	// showName is the function that the expression becomes the argument of. Nothing of a cell is called so.
	showName   = "kernel_show"
	resultName = "result" // the file, in the kernel's own folder
	ownModule  = "github.com/seed-516990b0/golxmert/"
	lxPackage  = ownModule + "notebooks/lx"
)

// lastExpression is where a cell's last expression is.
type lastExpression struct {
	from, to spot
	call     bool // whether it may have no value, or several
	silent   bool // a semicolon stands after it
}

// lastExpression finds the expression that a parsed cell ends with.
func (c cell) lastExpression(set *token.FileSet, file *ast.File) (x ast.Expr, last lastExpression) {
	l := c.layout()
	if file == nil || l.begin < 0 || slices.ContainsFunc(c.kinds, func(k lineKind) bool { return k == execLine }) {
		return nil, last
	}
	for i := len(l.items) - 1; i >= l.main; i-- {
		if !l.pulled(i) {
			last.silent = l.items[i].silent
			break
		}
	}
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || funcName(f) != "main" || f.Body == nil || len(f.Body.List) == 0 {
			continue
		}
		s, ok := f.Body.List[len(f.Body.List)-1].(*ast.ExprStmt)
		if !ok {
			return nil, last
		}
		at := func(p token.Pos) spot {
			place := set.Position(p)
			return spot{c.order.cellLine(place.Line) - 1, place.Column - 1}
		}
		last.from, last.to = at(s.X.Pos()), at(s.X.End())
		_, last.call = ast.Unparen(s.X).(*ast.CallExpr)
		return s.X, last
	}
	return nil, last
}

// showing says how the value of a cell's last expression is shown.
type showing struct {
	lastExpression
	show   bool
	draw   bool // lx may draw it
	drop   bool // it is not shown, but would not be Go without being used
	unsure bool // it may turn out to have no value
}

// findShowing finds out whether and how a cell's last expression is shown.
func (k *kernel) findShowing(ctx context.Context, e *execution) showing {
	c := e.cell
	if k.Prelude == "" || c.script || c.has("%test") || c.has("%wasm") {
		return showing{}
	}
	imports, other := k.declared.around(c)
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "cell.go", c.order.file(imports), parser.SkipObjectResolution)
	if err != nil {
		return showing{}
	}
	x, last := c.lastExpression(set, file)
	if x == nil {
		go k.types.learn(ctx, k, false, importsOf([]*ast.File{file})...) // a later cell may end with a call of theirs
		return showing{}
	}
	if last.silent {
		return showing{lastExpression: last, drop: !last.call}
	}
	files := []*ast.File{file}
	if rest, _ := parser.ParseFile(set, "other.go", other, parser.SkipObjectResolution); rest != nil {
		files = append(files, rest)
	}
	t := k.types.of(e.ctx, k, set, files, x)
	return showing{lastExpression: last, show: t.values != 0, draw: t.draw, unsure: t.values == unknownValues && last.call}
}

// showFile is the file that has the function.
func showFile(result string, draw bool) (name, text string) {
	imports, drawn := "", ""
	if draw {
		imports = "\tkernel_lx " + strconv.Quote(lxPackage) + "\n"
		drawn = " || kernel_lx.Result(values[0])"
	}
	return showName + "_" + runtime.GOOS + ".go", `package main

import (
	kernel_os "os"
` + imports + `	kernel_value ` + strconv.Quote(lxPackage+"/value") + `
)

// The kernel's: it shows the value of a cell's last expression, if it is one.
func ` + showName + `(values ...any) {
	if len(values) != 1 || values[0] == nil` + drawn + ` {
		return
	}
	if err := kernel_os.WriteFile(` + strconv.Quote(result) + `, []byte(kernel_value.Text(values[0])), 0o600); err != nil {
		kernel_os.Stderr.WriteString("the result cannot be shown: " + err.Error() + "\n")
	}
}
`
}

// placeShowFile puts the function where it is compiled with the cell, or takes that of an earlier cell away.
func (k *kernel) placeShowFile(s showing) error {
	result := k.private.path(resultName)
	os.Remove(result)
	name, text := showFile(result, s.draw)
	path := filepath.Join(k.gonb.work, name)
	if !s.show {
		return removeIfThere(path)
	}
	return os.WriteFile(path, []byte(text), 0o600)
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// publishResult publishes the value that a cell's program has left, if it has.
func (k *kernel) publishResult(e *execution) {
	result := k.private.path(resultName)
	text, err := os.ReadFile(result)
	os.Remove(result)
	if err != nil || e.ask.Silent || e.request.message == nil {
		return
	}
	k.publish("execute_result", e.request.header, map[string]any{
		"execution_count": e.count, "data": map[string]string{"text/plain": string(text)}, "metadata": struct{}{},
	})
}

// failed says whether GoNB's reply is that the value cannot be shown after all.
func (s showing) failed(reply *message) bool {
	var c struct {
		Status string   `json:"status"`
		Trace  []string `json:"traceback"`
	}
	if !s.show || json.Unmarshal(reply.content, &c) != nil || c.Status == "ok" {
		return false
	}
	text := strings.Join(c.Trace, "\n")
	return s.unsure && strings.Contains(text, "(no value) used as value") || strings.Contains(text, showName+"_"+runtime.GOOS+".go")
}
