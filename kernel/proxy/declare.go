package proxy

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// declarations is what the cells that ran have declared, which every later cell can use. GoNB keeps the same, to compile
// with; these are for completion, and to say where errors are.
type declarations struct {
	mu      sync.Mutex
	units   []unit
	imports map[string]string  // by the name that GoNB knows them by: see [importKey]
	blank   []string           // what is imported under the name _
	cells   map[int]cell       // by their numbers; those without one have number 0
	numbers map[int]int        // of cells, by the numbers that GoNB gave them
	repairs map[int][]cellLine // where the lines of repairs come from, by the numbers that GoNB gave these
	behind  behind             // how GoNB's own differ
}

func newDeclarations() *declarations {
	return &declarations{imports: map[string]string{}, cells: map[int]cell{}, numbers: map[int]int{}, repairs: map[int][]cellLine{}}
}

// add takes what a cell declares; it replaces what earlier cells have declared by the same names.
func (d *declarations) add(c cell, number int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if number > 0 {
		d.cells[number] = c
	}
	units, imports := declaredIn(c)
	maps.Copy(d.imports, imports)
	for _, path := range c.blankImports() {
		if !slices.Contains(d.blank, path) {
			d.blank = append(d.blank, path)
		}
	}
	for key := range imports {
		delete(d.behind.keys, key)
	}
	for _, u := range units {
		u.number = number
		d.behind.unknown = d.behind.unknown || u.blank()
		if len(u.keys) == 0 {
			continue // nothing can be done with it
		}
		d.units = append(without(d.units, u.names), u)
		for _, key := range u.keys {
			delete(d.behind.keys, key)
		}
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
		return slices.ContainsFunc(u.names, func(n string) bool { return n != "_" && slices.Contains(names, n) })
	})
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
	source := c.order.file("")
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

// place is a line of a cell in words: "cell [2] line 3", or "cell line 3" of the running one.
func place(number int, line string) string {
	if number == 0 {
		return "cell line " + line
	}
	return fmt.Sprintf("cell [%d] line %s", number, line)
}
