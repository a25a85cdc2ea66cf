package proxy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
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
			return place(k.declared.whence(m[1], m[2], e.count))
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
	source, err := os.ReadFile(filepath.Join(work, "main.go"))
	if err != nil {
		return 0, 0
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "", source, parser.SkipObjectResolution)
	if err != nil {
		return 0, 0
	}
	lines := strings.Split(string(source), "\n")
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		from := set.Position(decl.Pos()).Line
		if !ok || n < from || n > set.Position(decl.End()).Line || n > len(lines) {
			continue
		}
		c, number, first := d.origin(e, funcName(f))
		return number, c.nearest(first+n-from, lines[n-1])
	}
	return 0, 0
}

// origin is the cell that declares a function, its number, and the line on which it does.
func (d *declarations) origin(e *execution, name string) (c cell, number, line int) {
	if name == "main" {
		return e.cell, 0, e.cell.mainAt()
	}
	own, _ := declaredIn(e.cell)
	for _, u := range own {
		if u.names[0] == name {
			return e.cell, 0, u.line
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, u := range d.units {
		if u.names[0] == name && u.line > 0 {
			return d.cells[u.number], u.number, u.line
		}
	}
	return cell{}, 0, 0
}

// mainAt is the line, counted from 1, on which main begins in terms of GoNB's file, where it has one line more than in
// a cell with %%.
func (c cell) mainAt() int {
	for i, kind := range c.kinds {
		if kind == mainLine {
			return i
		}
	}
	for i, line := range c.lines {
		if strings.HasPrefix(line, "func main()") {
			return i + 1
		}
	}
	return 1
}

// nearest is the line which GoNB got with that text, but for indentation, that is nearest to a line; 0: there is none.
func (c cell) nearest(line int, text string) int {
	text = strings.TrimSpace(text)
	lines := strings.Split(c.forGoNB(redirection{}), "\n")
	for away := range len(lines) {
		for _, at := range []int{line - away, line + away} {
			if at >= 1 && at <= len(lines) && strings.TrimSpace(lines[at-1]) == text {
				return at
			}
		}
	}
	return 0
}
