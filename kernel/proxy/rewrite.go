package proxy

import (
	"strconv"
	"strings"
)

// GoNB looks at lines alone: it takes a line %% for the beginning of main wherever it stands, also in a string, and ends
// when there are two of them. This file writes what it would take in another way than it is meant so that it cannot, and
// means the same.

// misread says whether GoNB takes a line for a command, or leaves it out as a package clause.
func misread(line string) bool { return isCommand(line) || strings.HasPrefix(line, "package") }

// command is the command that begins on a line, with the lines that continue it; "" on one of these, and of Go.
func (c cell) command(i int) string {
	if c.kinds[i] == goLine || i > 0 && c.continues(i-1) {
		return ""
	}
	text := bare(c.lines[i])
	for ; c.continues(i) && i+1 < len(c.lines); i++ {
		text = strings.TrimSuffix(text, `\`) + " " + bare(c.lines[i+1])
	}
	if ended, open := strings.CutSuffix(text, `\`); open {
		text = ended + " " // GoNB is not to look for more
	}
	return tidy(text)
}

// continues says whether the next line belongs to the command that this one is of.
func (c cell) continues(i int) bool {
	return c.kinds[i] != goLine && strings.HasSuffix(c.lines[i], `\`)
}

// hideText rewrites a string or a comment so that none of its lines looks like a command.
func (c cell) hideText(e edits, s span) {
	last := s.to.line
	if s.open {
		last = len(c.lines) - 1
	}
	var hide []int
	for i := s.from.line + 1; i <= last; i++ {
		if misread(c.lines[i]) {
			hide = append(hide, i)
		}
	}
	switch {
	case len(hide) == 0:
	case s.kind == '*' || s.open:
		for _, i := range hide {
			e.insert(i, 0, " ")
		}
	case s.tag:
		c.hideTag(e, s)
	default:
		e.insert(s.from.line, s.from.at, "(")
		for _, i := range hide {
			e.insert(i-1, len(c.lines[i-1]), "`+\"\\n\"+")
			e.insert(i, 0, "`")
		}
		e.insert(s.to.line, s.to.at, ")")
	}
}

// hideTag writes a tag on its first line; after it only the field's end can follow.
func (c cell) hideTag(e edits, s span) {
	text := c.lines[s.from.line][s.from.at+1:]
	for i := s.from.line + 1; i < s.to.line; i++ {
		text += "\n" + c.lines[i]
		e.replace(i, 0, len(c.lines[i]), "")
	}
	text += "\n" + c.lines[s.to.line][:s.to.at-1]
	e.replace(s.from.line, s.from.at, len(c.lines[s.from.line]), strconv.Quote(strings.ReplaceAll(text, "\r", "")))
	end := s.to.at
	if rest := strings.TrimLeft(c.lines[s.to.line][end:], " \t"); strings.HasPrefix(rest, ";") {
		end = len(c.lines[s.to.line]) - len(rest) + 1 // the line's end ends the field
	}
	e.replace(s.to.line, 0, end, "")
}

// edits are changes of lines.
type edits map[int][]edit

// edit replaces the bytes of a line between two places.
type edit struct {
	from, to int
	text     string
}

func (e edits) insert(line, at int, text string) { e.replace(line, at, at, text) }

func (e edits) replace(line, from, to int, text string) {
	e[line] = append(e[line], edit{from, to, text})
}

// applied is a line with its changes, which are in their order.
func applied(text string, changes []edit) string {
	var b strings.Builder
	at := 0
	for _, c := range changes {
		b.WriteString(text[at:c.from])
		b.WriteString(c.text)
		at = c.to
	}
	b.WriteString(text[at:])
	return b.String()
}

// before is the place in a line that has become a place in the changed one, both in bytes.
func before(changes []edit, at int) int {
	grown := 0
	for _, c := range changes {
		if c.from+grown >= at {
			break
		}
		if end := c.from + grown + len(c.text); at < end {
			return c.from
		}
		grown += len(c.text) - (c.to - c.from)
	}
	return at - grown
}

// envForGoNB is %env as GoNB understands it: a name of one letter is nothing to it before an equals sign.
func envForGoNB(command string) string {
	words := strings.Fields(command)
	if len(words) != 2 {
		return command
	}
	name, value, ok := strings.Cut(words[1], "=")
	if !ok || len(name) != 1 || strings.Contains(value, `"`) {
		return command
	}
	if value == "" {
		value = `""`
	}
	return "%env " + name + " " + value
}
