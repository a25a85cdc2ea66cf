package proxy

import (
	"regexp"
	"slices"
	"strings"
)

// A cell is Go with lines of GoNB's own between: %commands, !shell lines, and %% which makes the rest the body of main.

// lineKind says what a line of a cell is.
type lineKind int

const (
	goLine     lineKind = iota
	mainLine            // %% or %main: what follows is the body of main
	execLine            // %exec F: main calls F
	lxLine              // %lx: a command of ours
	envLine             // %env
	timeLine            // %time or %%time: how long the cell takes is said
	pythonLine          // one of IPython's, useless in a cell of Go
	otherLine           // any other % or ! line
)

// cell is the text of a cell, by lines.
type cell struct {
	lines  []string
	kinds  []lineKind
	inside []bool   // whether a line begins inside a string or a comment
	order  composed // in the order in which it is compiled
	sent   composed // the same as GoNB has got it
	spans  []span   // the strings and comments that go over several lines
	moves  []spot   // comments that would move the numbers of lines
	feeds  []spot   // form feeds and vertical tabs between words
	timed  bool     // it has %time
	script bool     // %%bash, %%writefile and the like: it is not Go at all
	begin  int      // the line on which the script's command stands: the first, or the one below %%time
}

// cellMagics are the commands that make a whole cell something other than Go.
var cellMagics = []string{"%%writefile", "%%script", "%%bash", "%%sh", "%%gx"}

func parseCell(code string) cell {
	c := cell{lines: strings.Split(unixLines(code), "\n")}
	c.kinds = make([]lineKind, len(c.lines))
	c.inside = make([]bool, len(c.lines))
	if c.lines[0] == "%%time" && len(c.lines) > 1 {
		c.begin = 1
	}
	if c.script = slices.Contains(cellMagics, commandName(bare(c.lines[c.begin]))); c.script {
		c.timed = c.begin > 0
	} else {
		c.readLines()
	}
	c.order = c.compose()
	return c
}

// readLines tells what the lines are.
func (c *cell) readLines() {
	var x lexer
	continued := false
	for i, line := range c.lines {
		c.inside[i] = !continued && x.within != 0
		switch {
		case continued:
			c.kinds[i] = otherLine
		case isCommand(line) && !c.inside[i] && !(line[0] == '!' && x.wantsOperand()):
			c.kinds[i] = kindOf(line)
			c.timed = c.timed || c.kinds[i] == timeLine
			if rest := timedText(line); rest != line { // what is timed is Go
				c.kinds[i] = goLine
				x.line(i, rest)
				continue
			}
		default:
			x.line(i, line)
			continue
		}
		continued = strings.HasSuffix(line, `\`)
	}
	c.spans, c.moves, c.feeds = x.spans, x.moves, x.feeds
}

// isCommand says whether a line is a command where it is not part of a string or a comment.
func isCommand(line string) bool {
	line = bare(line)
	return line != "" && (line[0] == '%' || line[0] == '!')
}

// bare is a line without the prefix that hides commands from other Go tools.
func bare(line string) string { return strings.TrimPrefix(line, "//gonb:") }

func kindOf(line string) lineKind {
	name := commandName(tidy(strings.TrimSuffix(bare(line), `\`)))
	switch name {
	case "%%", "%main":
		return mainLine
	case "%exec":
		return execLine
	case "%lx":
		return lxLine
	case "%env":
		return envLine
	case "%time", "%%time":
		return timeLine
	}
	if _, ok := pythonMagics[name]; ok {
		return pythonLine
	}
	return otherLine
}

// timedText is a line %time STATEMENT with spaces in place of the command, and any other line as it is.
func timedText(line string) string {
	rest, ok := strings.CutPrefix(line, "%time ")
	if !ok || strings.TrimSpace(rest) == "" || strings.HasSuffix(line, `\`) {
		return line
	}
	return strings.Repeat(" ", len(line)-len(rest)) + rest
}

// tidy is a command without the spaces that may stand after its first character.
func tidy(command string) string { return command[:1] + strings.TrimLeft(command[1:], " \t") }

// commandName is a command's first word.
func commandName(command string) string {
	name, _, _ := strings.Cut(strings.ReplaceAll(command, "\t", " "), " ")
	return name
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

// packageClause is one, which a cell may have and which says nothing: all of them are of package main.
var packageClause = regexp.MustCompile(`^package[ \t]+[\pL_][\pL_\pN]*[ \t]*;?`)

// goText is a line of Go with spaces in place of a package clause and of what other languages take for one, and no directive
// in it that would say that it stands on another line: //line becomes //Line.
func (c cell) goText(i int) string {
	line := c.lines[i]
	if !c.inside[i] {
		line = timedText(line)
	}
	if clause := packageClause.FindString(line); !c.inside[i] {
		line = strings.Repeat(" ", len(clause)) + line[len(clause):]
	}
	for _, f := range c.feeds {
		if f.line == i {
			line = line[:f.at] + " " + line[f.at+1:]
		}
	}
	for _, m := range c.moves {
		if m.line == i {
			line = line[:m.at+2] + "L" + line[m.at+3:]
		}
	}
	return line
}
