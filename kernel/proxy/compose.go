package proxy

import (
	"cmp"
	"slices"
	"strings"
)

// This file puts a cell's lines into the order in which they are compiled: declarations outside of functions, and the
// statements in main. Main begins below the first line %%, or with the first statement if that stands above: what is not
// a declaration runs as if a line %% stood over it. From there on types, variables and constants are main's own; but what
// can stand outside of functions only (imports, functions with names, methods) does, wherever it is in a cell. Each
// character stays in its column, and each line remembers where it comes from.

// composed is a cell in that order.
type composed []composedLine

// composedLine is a line of a composed cell.
type composedLine struct {
	text    string
	from    int    // the line of the cell that it is of, counted from 1; 0: of none
	changes []edit // of that line, in their order
	command bool   // it is not Go
	ours    bool   // it is Go that the cell does not have
}

// mainBegins and mainParses are how main begins, in two lines as GoNB would have it.
const (
	mainBegins = "func main() {"
	mainParses = "flag.Parse()"
	mainEnds   = "}"
)

// layout says what of a cell is declared outside of functions, and what is in main.
type layout struct {
	items []item
	main  int // how many of the items stand above main
	begin int // the line on which main begins: %%, or the first statement's; -1: it has none, or declares it
}

func (c cell) layout() layout {
	l := layout{items: c.takeApart(), begin: slices.Index(c.kinds, mainLine)}
	l.main = slices.IndexFunc(l.items, func(it item) bool { return l.begin >= 0 && it.from.line > l.begin || it.kind == statement })
	if l.main < 0 {
		l.main = len(l.items)
	} else if first := l.items[l.main].from.line; l.begin < 0 || first < l.begin {
		l.begin = first
	}
	return l
}

// pulled says whether an item stands in main but belongs outside of it.
func (l layout) pulled(i int) bool {
	return i >= l.main && (l.items[i].kind == importItem || l.items[i].kind == funcItem)
}

// composer composes a cell.
type composer struct {
	cell
	layout
	edits  edits
	input  redirection
	hidden map[int][]stretch // of lines, what stands elsewhere
	list   composed
}

// stretch is a part of a line, between two bytes.
type stretch struct{ from, to int }

// compose composes a cell as it is read here: without changes, and with what is not Go left empty.
func (c cell) compose() composed {
	m := composer{cell: c}
	return m.compose()
}

// composeForGoNB composes it as GoNB is to get it.
func (c cell) composeForGoNB(input redirection, s showing) composed {
	m := composer{cell: c, edits: edits{}, input: input}
	if s.show {
		m.edits.insert(s.from.line, s.from.at, showName+"(")
		m.edits.insert(s.to.line, s.to.at, ")")
	}
	if s.drop {
		m.edits.insert(s.from.line, s.from.at, "_ = ")
	}
	for _, s := range c.spans {
		c.hideText(m.edits, s)
	}
	if p, ok := c.parse(); ok {
		p.nameBlanks(m.edits)
	}
	return m.compose()
}

func (m *composer) compose() composed {
	if m.script {
		for i := m.cell.begin; i < len(m.lines); i++ {
			m.list = append(m.list, composedLine{text: m.lines[i], from: i + 1, command: true})
		}
		return m.list
	}
	m.layout = m.cell.layout()
	m.hidden = map[int][]stretch{}
	begin := m.layout.begin
	explicit := begin >= 0 && m.kinds[begin] == mainLine
	if begin < 0 || explicit && len(m.items) == 0 {
		begin = len(m.lines)
	}
	for i, it := range m.items {
		if m.pulled(i) {
			m.hide(it.doc, it.to)
		}
	}
	for i := range begin {
		m.base(i)
	}
	if begin == len(m.lines) {
		return m.list
	}
	if at := m.items; !explicit && strings.TrimSpace(m.goText(begin)[:at[m.main].from.at]) != "" {
		m.take(begin, stretch{0, at[m.main].from.at})
		m.hide(spot{begin, 0}, at[m.main].from)
	}
	for i, it := range m.items {
		if m.pulled(i) {
			m.pull(it)
		}
	}
	if at := slices.Index(m.kinds, mainLine); at >= 0 {
		m.arguments(at)
	}
	m.own(begin+1, mainBegins, mainParses)
	for i := begin; i < len(m.lines); i++ {
		m.base(i)
	}
	m.own(0, mainEnds)
	return m.list
}

// base puts a line where it stands.
func (m *composer) base(i int) {
	switch command := m.command(i); m.kinds[i] {
	case goLine:
		m.take(i, stretch{0, len(m.lines[i])})
	case mainLine:
		m.list = append(m.list, composedLine{from: i + 1, command: true})
	case execLine:
		args := strings.TrimSpace(command[len("%exec"):])
		name := commandName(args)
		m.list = append(m.list, composedLine{text: strings.TrimSpace("%args " + strings.TrimSpace(args[len(name):])), from: i + 1, command: true})
		m.own(i+1, mainBegins, mainParses, name+"()", mainEnds)
	case lxLine, timeLine, pythonLine:
		m.list = append(m.list, composedLine{from: i + 1, command: true})
	case envLine:
		m.list = append(m.list, composedLine{text: envForGoNB(command), from: i + 1, command: true})
	default:
		m.list = append(m.list, composedLine{text: m.input.apply(command), from: i + 1, command: true})
	}
}

// arguments gives the program those of the line %%. It takes them from no other line.
func (m *composer) arguments(at int) {
	command := m.command(at)
	args := strings.TrimSpace(command[len(commandName(command)):])
	if args != "" || slices.ContainsFunc(m.list, func(l composedLine) bool { return l.command && commandName(l.text) == "%args" }) {
		m.list = append(m.list, composedLine{text: strings.TrimSpace("%args " + args), from: at + 1, command: true})
	}
}

func (m *composer) own(from int, lines ...string) {
	for _, text := range lines {
		m.list = append(m.list, composedLine{text: text, from: from, ours: true})
	}
}

// pull puts an item outside of main.
func (m *composer) pull(it item) {
	hidden := m.hidden
	m.hidden = nil
	defer func() { m.hidden = hidden }()
	for i := it.doc.line; i <= it.to.line; i++ {
		part := stretch{0, len(m.lines[i])}
		if i == it.doc.line {
			part.from = it.doc.at
		}
		if i == it.to.line {
			part.to = it.to.at
		}
		if m.kinds[i] != goLine {
			part = stretch{}
		}
		m.take(i, part)
	}
}

// hide leaves a part of the cell out of the lines where it stands.
func (m *composer) hide(from, to spot) {
	for i := from.line; i <= to.line; i++ {
		part := stretch{0, len(m.lines[i])}
		if i == from.line {
			part.from = from.at
		}
		if i == to.line {
			part.to = to.at
		}
		m.hidden[i] = append(m.hidden[i], part)
	}
}

// take puts a part of a line of Go where it is in the line, with its changes and without what is hidden of it.
func (m *composer) take(i int, part stretch) {
	text := []byte(m.goText(i))
	blank := func(from, to int) {
		for at := from; at < to; at++ {
			text[at] = ' '
		}
	}
	blank(0, part.from)
	blank(part.to, len(text))
	for _, h := range m.hidden[i] {
		blank(h.from, h.to)
	}
	line := composedLine{from: i + 1}
	for _, e := range m.edits[i] {
		if e.from >= part.from && e.to <= part.to && !slices.ContainsFunc(m.hidden[i], func(h stretch) bool { return e.from >= h.from && e.to <= h.to }) {
			line.changes = append(line.changes, e)
		}
	}
	slices.SortStableFunc(line.changes, func(a, b edit) int { return cmp.Compare(a.from, b.from) })
	line.text = applied(string(text), line.changes)
	if m.edits != nil && misread(line.text) {
		line.text = " " + line.text
		line.changes = append([]edit{{0, 0, " "}}, line.changes...)
	}
	m.list = append(m.list, line)
}

// String is the composed cell as GoNB gets it.
func (s composed) String() string {
	lines := make([]string, len(s))
	for i, l := range s {
		lines[i] = l.text
	}
	return strings.Join(lines, "\n")
}

// file is the composed cell as a file of Go: its line n+2, counted from 1, is line n, counted from 0. The first line is
// the package clause and first, for instance imports.
func (s composed) file(first string) string {
	var b strings.Builder
	b.WriteString("package main;" + first + "\n")
	for _, l := range s {
		if !l.command && !(l.ours && l.text == mainParses) {
			b.WriteString(l.text)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// cellLine is the line of the cell that a line of the file is of, both counted from 1; 0: it is of none.
func (s composed) cellLine(inFile int) int {
	if i := inFile - 2; i >= 0 && i < len(s) {
		return s[i].from
	}
	return 0
}

// fileLine is the line of the file, counted from 0, in which a place of the cell is: one line of a cell may have become
// several, with blanks in place of what is in the others. The place is after some text of its line.
func (s composed) fileLine(line int, before string) int {
	last := len(strings.TrimRight(before, " \t")) - 1
	found := 0
	for i, l := range s {
		if l.from != line+1 || l.ours {
			continue
		}
		if found == 0 || last >= 0 && last < len(l.text) && l.text[last] == before[last] {
			found = i + 1
		}
	}
	return found
}
