package proxy

import (
	"errors"
	"fmt"
	"go/parser"
	"go/scanner"
	"go/token"
	"regexp"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

// This file turns what GoNB says about a failed cell, in terms of the file that it has put together, into places in
// cells.

// complaint is one thing that is wrong in a cell.
type complaint struct {
	place   string // "cell line 3"
	number  int    // of the cell that the place is in; 0: the running one, or none
	line    int    // of it; 0: not known
	message string
	source  string // the line, "" if it is not known
	column  int    // in it, in bytes, counted from 1; 0: not known
}

func (c complaint) String() string {
	if c.place == "" {
		return c.message
	}
	return c.place + ": " + c.message
}

// shown is the complaint with its line of source and a mark below.
func (c complaint) shown() string {
	text := "\x1b[31m" + c.String() + "\x1b[0m"
	if c.source == "" {
		return text
	}
	line := strings.ReplaceAll(c.source, "\t", "    ")
	text += "\n    " + line
	if c.column > 0 && c.column <= len(c.source)+1 {
		before := strings.ReplaceAll(c.source[:c.column-1], "\t", "    ")
		text += "\n    " + strings.Repeat(" ", len([]rune(before))) + "^"
	}
	return text
}

// failureOf makes one failure of complaints.
func failureOf(name string, list []complaint) *failure {
	f := &failure{name: name, value: list[0].String()}
	if more := len(list) - 1; more > 0 {
		f.value += fmt.Sprintf(" (and %d more)", more)
	}
	for _, c := range list {
		f.trace = append(f.trace, c.shown())
	}
	return f
}

var (
	panicLine = regexp.MustCompile(`(?m)^(?:panic|fatal error): (.*)$`)
	cellPlace = regexp.MustCompile(`cell (?:\[(\d+)\] )?line (\d+)`)
)

// explainExit says why a program has ended that was compiled: what it has said itself, a panic with its place, or a
// status.
func (k *kernel) explainExit(e *execution, value string) *failure {
	if reason := e.reason(); reason != "" {
		return &failure{"lx error", reason, []string{complaint{message: reasonMark + reason}.shown()}}
	}
	said := e.stderr.String()
	at := panicLine.FindStringSubmatchIndex(said)
	if at == nil {
		text := "the program ended with " + value
		if signal, ok := strings.CutPrefix(value, "signal: "); ok {
			text = "the program was ended by a signal: " + signal
		}
		return &failure{"exit", text, []string{complaint{message: text}.shown()}}
	}
	c := complaint{message: said[at[2]:at[3]]}
	if p := cellPlace.FindStringSubmatch(said[at[1]:]); p != nil {
		number, _ := strconv.Atoi(p[1]) // 0: the running cell
		c.place = p[0]
		c.source = k.declared.line(number, p[2], e)
	}
	return failureOf("panic", []complaint{c})
}

// inCell is the beginning of what GoNB says about a place that comes from a cell.
var inCell = regexp.MustCompile(`^Cell(?:\[(\d+)\]:)? Line (\d+)\n`)

// ofCommands is how GoNB begins what is wrong with a command.
const ofCommands = "executing special commands in cell: "

// explainErrors says why a cell was not run.
func (k *kernel) explainErrors(e *execution, value string, trace []string) *failure {
	if strings.HasPrefix(value, k.gonb.work) { // GoNB could not even parse it
		if list := syntaxErrors(e.cell); len(list) > 0 {
			return failureOf("syntax error", list)
		}
	}
	if strings.Contains(value, "updates to go.mod needed") { // which does not say for what
		if list := k.lacking(e.cell, e.getCause); len(list) > 0 {
			if strings.HasPrefix(value, ofCommands) || e.cell.script {
				list[0].message = strings.TrimPrefix(list[0].message, ofCommands)
				return failureOf("command", list)
			}
			return failureOf("compile error", list)
		}
	}
	var list []complaint
	for _, entry := range trace {
		entry = strings.TrimRight(stripColour(entry), "\n")
		if m := inCell.FindStringSubmatch(entry); m != nil {
			list = append(list, k.complaintIn(e, m[1], m[2], entry[len(m[0]):]))
			continue
		}
		message := strings.TrimSpace(entry)
		switch {
		case message == "" || strings.HasPrefix(message, "# "): // the name of the package
		case strings.HasPrefix(message, "go: finding module"), strings.HasPrefix(message, "go: downloading"): // with -mod=mod
		case strings.HasPrefix(entry, "\t") && len(list) > 0: // belongs to the line before
			list[len(list)-1].message += " " + message
		default:
			if i := strings.LastIndexByte(message, '\n'); i >= 0 {
				message = message[i+1:] // after lines of the file that GoNB has put together
			}
			list = append(list, complaint{message: message})
		}
	}
	if len(list) == 0 {
		list = []complaint{{message: excerpt.Line(value, longestLine)}}
	}
	for i := range list {
		list[i].message = k.adviseAbout(e, list[i], advise(list[i].message, e.getCause))
	}
	if strings.HasPrefix(value, ofCommands) || e.cell.script {
		list[0].message = strings.TrimPrefix(list[0].message, ofCommands)
		return failureOf("command", list)
	}
	return failureOf("compile error", list)
}

// complaintIn makes a complaint of what GoNB says about a line of a cell: some lines of its own file around it, perhaps
// with a mark below one, and the message.
func (k *kernel) complaintIn(e *execution, number, line, text string) complaint {
	lines := strings.Split(text, "\n")
	which, line, sent := k.declared.whence(number, line, e)
	c := complaint{place: place(which, line), message: lines[len(lines)-1], source: k.declared.line(which, line, e)}
	c.number = which
	c.line, _ = strconv.Atoi(line)
	if sent.text == "" {
		sent.text = c.source
	}
	for i := 1; i < len(lines)-1; i++ {
		if strings.TrimLeft(lines[i], " ") != "^" || strings.TrimSpace(lines[i-1]) != strings.TrimSpace(sent.text) || sent.ours {
			continue
		}
		// GoNB may have indented the line in another way.
		c.column = 1 + before(sent.changes, len(lines[i])-1-indent(lines[i-1])+indent(sent.text))
	}
	return c
}

func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }

// syntaxErrors parses a cell and says what is wrong with it.
func syntaxErrors(c cell) []complaint {
	_, err := parser.ParseFile(token.NewFileSet(), "", c.order.file(""), parser.SkipObjectResolution)
	var found scanner.ErrorList
	if !errors.As(err, &found) {
		return nil
	}
	var list []complaint
	l := c.layout()
	for _, f := range found {
		one := complaint{message: f.Msg}
		n, column := c.order.cellLine(f.Pos.Line), f.Pos.Column
		if last := lastGo(c); last > 0 && (n == 0 || n > last) { // after everything
			n, column = last, len(c.lines[last-1])+1
		}
		if n > 0 {
			one.place, one.source, one.column = place(0, strconv.Itoa(n)), c.lines[n-1], column
		}
		if l.begin == n-1 && c.kinds[n-1] == goLine {
			one.message += " (what is not a declaration is read as if a line %% stood above it)"
		}
		list = append(list, one)
	}
	return list
}

// line is a line of an earlier cell, or of the running one if number is 0.
func (d *declarations) line(number int, line string, e *execution) string {
	c := e.cell
	if number > 0 {
		d.mu.Lock()
		c = d.cells[number]
		d.mu.Unlock()
	}
	n, err := strconv.Atoi(line)
	if err != nil || n < 1 || n > len(c.lines) {
		return ""
	}
	return c.lines[n-1]
}

var colour = regexp.MustCompile("\x1b\\[[0-9;]*m")

func stripColour(s string) string { return colour.ReplaceAllString(s, "") }

// longestLine bounds a complaint that is told in one line, in characters.
const longestLine = 300
