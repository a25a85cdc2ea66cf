package proxy

import (
	"strings"
)

// A cell is Go with lines of GoNB's own between: %commands, !shell lines, and %% which makes the rest the body of main.

// lineKind says what a line of a cell is.
type lineKind int

const (
	goLine    lineKind = iota
	mainLine           // %% or %main: what follows is the body of main
	execLine           // %exec F: main calls F
	lxLine             // %lx: a command of ours
	envLine            // %env
	otherLine          // any other % or ! line
)

// cell is the text of a cell, by lines.
type cell struct {
	lines  []string
	kinds  []lineKind
	script bool // %%bash, %%writefile and the like: it is not Go at all
}

// cellMagics are the commands that make a whole cell something else than Go.
var cellMagics = []string{"%%writefile", "%%script", "%%bash", "%%sh", "%%gx"}

func parseCell(code string) cell {
	c := cell{lines: strings.Split(code, "\n")}
	c.kinds = make([]lineKind, len(c.lines))
	first, _, _ := strings.Cut(bare(c.lines[0]), " ")
	for _, m := range cellMagics {
		c.script = c.script || first == m
	}
	if c.script {
		return c
	}
	continued := false
	for i, line := range c.lines {
		line = bare(line)
		switch {
		case continued:
			c.kinds[i] = otherLine
		case len(line) > 1 && (line[0] == '%' || line[0] == '!'):
			c.kinds[i] = kindOf(line)
		default:
			continue
		}
		continued = strings.HasSuffix(line, `\`) && c.kinds[i] != mainLine
	}
	return c
}

// bare is a line without the prefix that hides commands from other Go tools.
func bare(line string) string { return strings.TrimPrefix(line, "//gonb:") }

func kindOf(line string) lineKind {
	word, _, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
	switch word {
	case "%%", "%main":
		return mainLine
	case "%exec":
		return execLine
	case "%lx":
		return lxLine
	case "%env":
		return envLine
	}
	return otherLine
}

// hasGo says whether there is anything for a compiler.
func (c cell) hasGo() bool {
	if c.script {
		return false
	}
	for i, line := range c.lines {
		if c.kinds[i] == goLine && strings.TrimSpace(line) != "" || c.kinds[i] == mainLine || c.kinds[i] == execLine {
			return true
		}
	}
	return false
}

// source is the cell as a Go file whose line n+1 is the cell's line n, both counted from 1: what is not Go leaves empty
// lines. The first line is the package clause and first, for instance imports.
func (c cell) source(first string) string {
	var b strings.Builder
	b.WriteString("package main;" + first + "\n")
	open := false
	for i, line := range c.lines {
		switch {
		case c.script:
		case c.kinds[i] == mainLine && !open:
			b.WriteString("func main() {")
			open = true
		case c.kinds[i] == execLine:
			if words := strings.Fields(bare(line)); len(words) > 1 {
				b.WriteString("func main() { " + words[1] + "() }")
			}
		case c.kinds[i] == goLine && !strings.HasPrefix(line, "package"):
			b.WriteString(line)
		}
		b.WriteByte('\n')
	}
	if open {
		b.WriteString("}\n")
	}
	return b.String()
}

// oneLetter is a variable's name of one letter, which GoNB does not understand before an equals sign.
func oneLetter(line string) (name, value string, ok bool) {
	words := strings.Fields(bare(line))
	if len(words) != 2 {
		return "", "", false
	}
	name, value, ok = strings.Cut(words[1], "=")
	return name, value, ok && len(name) == 1 && !strings.Contains(value, `"`)
}

// forGoNB is the cell as GoNB is to get it, with the same number of lines: our own commands are taken out.
func (c cell) forGoNB() string {
	if c.script {
		return strings.Join(c.lines, "\n")
	}
	lines := make([]string, len(c.lines))
	for i, line := range c.lines {
		switch c.kinds[i] {
		case lxLine:
			continue
		case envLine:
			if name, value, ok := oneLetter(line); ok {
				if value == "" {
					value = `""`
				}
				line = "%env " + name + " " + value
			}
		}
		lines[i] = line
	}
	return strings.Join(lines, "\n")
}
