package proxy

import (
	"strings"
	"unicode/utf8"
)

// This file knows where strings and comments of a cell begin and end, which is what tells a command's line from a line
// of text: a line %% inside a string is text.

// lexer reads a cell's Go line by line, as far as that is needed to know what each line begins in.
type lexer struct {
	within byte   // what the next line begins in: '`' a string, '*' a comment; 0 code
	last   string // the last token, or its last character; "" at the beginning of a statement
	before string // the token before it
	spans  []span
	feeds  []spot // form feeds and vertical tabs between words
	moves  []spot // comments that tell a compiler that what follows stands on another line of another file
}

// span is a string in backquotes or a comment between /* and */ that goes over more than one line.
type span struct {
	kind     byte // '`' or '*'
	from, to spot // its first character, and the place after its last one
	open     bool // it has no end
	tag      bool // a struct's field has it as its tag: it has to be one literal
}

// spot is a place in a cell: a line, counted from 0, and a byte in it.
type spot struct{ line, at int }

// line reads line n, which is Go.
func (x *lexer) line(n int, text string) {
	for i := 0; i < len(text); {
		if x.within != 0 {
			i = x.closing(n, text, i)
			continue
		}
		switch c := text[i]; {
		case c == ' ' || c == '\t' || c == '\r':
			i++
		case c == '\f' || c == '\v':
			x.feeds = append(x.feeds, spot{n, i})
			i++
		case c == '"' || c == '\'':
			i = quoted(text, i)
			x.token(`"`)
		case c == '`':
			x.open('`', n, i)
			i++
		case strings.HasPrefix(text[i:], "//"):
			x.directive(n, i, i == 0 && strings.HasPrefix(text, "//line "))
			i = len(text)
		case strings.HasPrefix(text[i:], "/*"):
			x.directive(n, i, strings.HasPrefix(text[i:], "/*line "))
			x.open('*', n, i)
			i += len("/*")
		default:
			size := tokenSize(text[i:])
			x.token(text[i : i+size])
			i += size
		}
	}
	if x.within != '`' && isOperand(x.last) {
		x.token("") // the line's end ends the statement
	}
}

func (x *lexer) token(t string) { x.before, x.last = x.last, t }

func (x *lexer) directive(n, at int, is bool) {
	if is {
		x.moves = append(x.moves, spot{n, at})
	}
}

func (x *lexer) open(kind byte, n, at int) {
	x.within = kind
	x.spans = append(x.spans, span{kind: kind, from: spot{n, at}, open: true, tag: kind == '`' && isOperand(x.last)})
}

// closing goes after the end of the string or the comment that text[i:] is in, or to the end of the line.
func (x *lexer) closing(n int, text string, i int) int {
	end := "`"
	if x.within == '*' {
		end = "*/"
	}
	at := strings.Index(text[i:], end)
	if at < 0 {
		return len(text)
	}
	i += at + len(end)
	last := &x.spans[len(x.spans)-1]
	last.to, last.open = spot{n, i}, false
	if x.within == '`' {
		x.token("`")
	}
	x.within = 0
	if last.from.line == n {
		x.spans = x.spans[:len(x.spans)-1]
	}
	return i
}

// wantsOperand says whether a line that begins with ! goes on with an expression of the lines above.
func (x *lexer) wantsOperand() bool {
	switch x.last {
	case "&&", "||", "==", "!=", "=", ":=", ",":
		return true
	case "(":
		switch x.before {
		case "import", "var", "const", "type":
			return false
		}
		return true
	}
	return false
}

// quoted is the place after the string or the character that begins at text[i] and ends on its line.
func quoted(text string, i int) int {
	quote := text[i]
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case quote:
			return i + 1
		}
	}
	return len(text)
}

// tokenSize is the length of the name, number or operator that text begins with. Of operators only those with two
// characters are known that can stand at the end of a line before an operand.
func tokenSize(text string) int {
	size := 0
	for size < len(text) {
		r, n := utf8.DecodeRuneInString(text[size:])
		if !isNamePart(r) {
			break
		}
		size += n
	}
	if size > 0 {
		return size
	}
	for _, op := range []string{"&&", "||", "==", "!=", ":="} {
		if strings.HasPrefix(text, op) {
			return len(op)
		}
	}
	_, size = utf8.DecodeRuneInString(text)
	return size
}

// isOperand says whether a line's end after a token ends the statement, and a string after it is the tag of a struct's
// field.
func isOperand(token string) bool {
	switch token {
	case "", "break", "case", "chan", "const", "continue", "default", "defer", "else", "fallthrough", "for", "func", "go", "goto", "if", "import",
		"interface", "map", "package", "range", "return", "select", "struct", "switch", "type", "var":
		return false
	case ")", "]", "}", `"`, "`":
		return true
	}
	r, _ := utf8.DecodeRuneInString(token)
	return isNamePart(r)
}
