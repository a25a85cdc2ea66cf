package roofline

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// Module is a program.
type Module struct {
	entry *computation
	all   map[string]*computation
}

// computation is a function of a program.
type computation struct {
	name   string
	list   []*instruction // in the program's order
	byName map[string]*instruction
}

// instruction is one line: name = shape op(arguments), attributes.
type instruction struct {
	name, shape, op string
	arguments       string
	operands        []string
	attributes      string
}

// longestLine bounds a line: the entry's first has the types of all parameters.
const longestLine = 64 << 20

var (
	beginning   = regexp.MustCompile(`^(ENTRY )?%?([\w.\-]+) \(.*\) -> .* \{$`)
	reference   = regexp.MustCompile(`%([\w.\-]+)`)
	description = regexp.MustCompile(`^\s+(?:ROOT )?%([\w.\-]+) = (.*)$`)
)

// Parse reads optimized HLO. The error names the line that it is not.
func Parse(r io.Reader) (*Module, error) {
	m := &Module{all: map[string]*computation{}}
	var current *computation
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestLine)
	n := 0
	for lines.Scan() {
		n++
		line := strings.TrimRight(lines.Text(), " ")
		if current == nil {
			if found := beginning.FindStringSubmatch(line); found != nil {
				current = &computation{name: found[2], byName: map[string]*instruction{}}
				m.all[current.name] = current
				if found[1] != "" {
					m.entry = current
				}
			}
			continue
		}
		if strings.HasPrefix(line, "}") {
			current = nil
			continue
		}
		found := description.FindStringSubmatch(line)
		if found == nil {
			return nil, fmt.Errorf("line %d is no instruction of HLO: %.80q", n, line)
		}
		in, err := parseInstruction(found[1], found[2])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		current.list = append(current.list, in)
		current.byName[in.name] = in
	}
	switch {
	case lines.Err() != nil:
		return nil, fmt.Errorf("line %d: %w", n+1, lines.Err())
	case current != nil:
		return nil, fmt.Errorf("the computation %s has no end", current.name)
	case m.entry == nil:
		return nil, errors.New("there is no computation ENTRY, so it is not HLO in text, or not all of it")
	}
	return m, nil
}

// parseInstruction parses what stands behind "name =".
func parseInstruction(name, text string) (*instruction, error) {
	in := &instruction{name: name}
	end := strings.IndexByte(text, ' ')
	if strings.HasPrefix(text, "(") {
		end = closing(text) + 1
	}
	if end < 1 || end >= len(text) {
		return nil, fmt.Errorf("%s has no shape: %.80q", name, text)
	}
	in.shape, text = text[:end], strings.TrimLeft(text[end:], " ")
	open := strings.IndexByte(text, '(')
	if open < 1 {
		return nil, fmt.Errorf("%s has no operation: %.80q", name, text)
	}
	in.op, text = text[:open], text[open:]
	end = closing(text)
	if end < 0 {
		return nil, fmt.Errorf("%s of %s has no end", in.op, name)
	}
	in.arguments, in.attributes = text[1:end], text[end+1:]
	for _, found := range reference.FindAllStringSubmatch(in.arguments, -1) {
		in.operands = append(in.operands, found[1])
	}
	return in, nil
}

// closing is where the parenthesis closes that a text begins with; -1: nowhere.
func closing(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// attribute is what stands behind name= up to the next comma, without a computation's %; "": it is not there.
func (in *instruction) attribute(name string) string {
	_, rest, ok := strings.Cut(in.attributes, " "+name+"=")
	if !ok {
		return ""
	}
	if list, isList := strings.CutPrefix(rest, "{"); isList {
		list, _, _ = strings.Cut(list, "}")
		return list
	}
	value, _, _ := strings.Cut(rest, ",")
	return strings.TrimPrefix(strings.TrimSpace(value), "%")
}
