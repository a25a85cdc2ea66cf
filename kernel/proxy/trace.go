package proxy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
)

// A program's trace names lines of the file that GoNB has put together. GoNB marks them with the cells that they come
// from, but sees a trace in the pieces in which the program wrote it, and cannot where a place is cut in two. So the
// place is found here again, and GoNB's mark is what remains if that fails.

// marked is a place in GoNB's file, with GoNB's mark if there is one: the cell's number, its line, and the file's line.
var marked = regexp.MustCompile(`(?: ?\x1b\[7m\[\[ Cell (?:\[(\d+)\] )?Line (\d+) \]\]\x1b\[0m )?(?:\./|/\S*/gonb_[0-9a-f]+/)main(?:_test)?\.go:(\d+)`)

// locate replaces places in GoNB's file by places in cells.
func (k *kernel) locate(e *execution, text string) string {
	return marked.ReplaceAllStringFunc(text, func(found string) string {
		m := marked.FindStringSubmatch(found)
		if n, err := strconv.Atoi(m[3]); err == nil {
			if number, line := k.declared.find(e, k.gonb.work, n); line > 0 {
				return place(number, strconv.Itoa(line))
			}
		}
		if m[2] != "" {
			number, line, _ := k.declared.whence(m[1], m[2], e)
			return place(number, line)
		}
		return found
	})
}

// splitTrace cuts off a last line that has not ended and may hold half a place.
func (k *kernel) splitTrace(text string) (whole, half string) {
	at := strings.LastIndexByte(text, '\n') + 1
	last := text[at:]
	for _, begin := range []string{"\t" + k.gonb.work, "\t \x1b[7m[[ Cell "} {
		if last != "" && (strings.HasPrefix(begin, last) || strings.HasPrefix(last, begin)) {
			return text[:at], last
		}
	}
	return text, ""
}

// find finds the line of a cell that a line of GoNB's file comes from. Number 0 is the running cell; line 0: not found.
func (d *declarations) find(e *execution, work string, n int) (number, line int) {
	source, err := readFile(work)
	if err != nil {
		return 0, 0
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "", source, parser.SkipObjectResolution)
	if err != nil {
		return 0, 0
	}
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		from := set.Position(decl.Pos()).Line
		if ok && n >= from && n <= set.Position(decl.End()).Line {
			c, number, at := d.origin(e, funcName(f))
			return number, c.order.behind(at, n-from)
		}
	}
	return 0, 0
}

// origin is the cell that declares a function, its number, and the line of the composed cell on which it does.
func (d *declarations) origin(e *execution, name string) (c cell, number, line int) {
	if at := e.cell.functionAt(name); at >= 0 {
		return e.cell, 0, at
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, u := range d.units {
		if u.names[0] == name {
			return d.cells[u.number], u.number, d.cells[u.number].functionAt(name)
		}
	}
	return cell{}, 0, -1
}

// functionAt is the line of the composed cell, counted from 0, on which a function is declared; -1: it is not.
func (c cell) functionAt(name string) int {
	set := token.NewFileSet()
	file, _ := parser.ParseFile(set, "", c.order.file(""), parser.SkipObjectResolution)
	if file == nil {
		return -1
	}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && funcName(f) == name {
			return set.Position(f.Pos()).Line - 2
		}
	}
	return -1
}

// behind is the line of the cell that is some lines of Go behind a line of the composed cell; 0: there is none.
func (s composed) behind(at, lines int) int {
	for ; at >= 0 && at < len(s); at++ {
		if s[at].command && s[at].text != "" {
			continue // GoNB leaves it out
		}
		if lines == 0 {
			return s[at].from
		}
		lines--
	}
	return 0
}
