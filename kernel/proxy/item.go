package proxy

import (
	"go/scanner"
	"go/token"
	"slices"
	"strings"
)

// This file takes a cell's Go apart into declarations and statements, without understanding either: they end where Go's
// grammar ends lines and no bracket is open.

// item is a declaration or a statement that is not inside another one.
type item struct {
	kind     itemKind
	name     string // of a function that is not a method
	doc      spot   // where it begins, its comment included
	from, to spot   // without its comment, and the place after its end
	silent   bool   // a semicolon is written after it
	open     spot   // a bracket that is not closed
	isOpen   bool
}

type itemKind int

const (
	statement       itemKind = iota
	importItem               // can stand outside of functions only
	funcItem                 // a function with a name, or a method: the same
	declarationItem          // a type, a variable or a constant: can stand anywhere
)

// takeApart lists what a cell consists of. Nothing goes on from above the line %% to below it.
func (c cell) takeApart() []item {
	if c.script {
		return nil
	}
	from := 0
	if at := slices.Index(c.kinds, mainLine); at >= 0 {
		from = at + 1
	}
	return append(c.takeLinesApart(0, from), c.takeLinesApart(from, len(c.lines))...)
}

// takeLinesApart lists what stands on some lines.
func (c cell) takeLinesApart(from, to int) []item {
	var text strings.Builder
	starts := []int{}
	for i := from; i < to; i++ {
		starts = append(starts, text.Len())
		if c.kinds[i] == goLine {
			text.WriteString(c.goText(i))
		}
		text.WriteByte('\n')
	}
	p := itemReader{text: text.String(), starts: starts, first: from}
	return p.read()
}

// itemReader reads items from lines of Go.
type itemReader struct {
	text           string
	starts         []int // of lines, in bytes
	first          int   // the number of the first line
	now            item
	tokens         []token.Token // of the item, as many as tell what it is
	names          []string
	brackets       []int // those that are open
	docFrom, docTo int   // a comment that ends there and stands on lines of its own; -1: there is none
	list           []item
}

func (r *itemReader) spot(offset int) spot {
	at, exact := slices.BinarySearch(r.starts, offset)
	if !exact {
		at--
	}
	return spot{r.first + at, offset - r.starts[at]}
}

func (r *itemReader) read() []item {
	source := []byte(r.text)
	set := token.NewFileSet()
	file := set.AddFile("", -1, len(source))
	var s scanner.Scanner
	s.Init(file, source, func(token.Position, string) {}, scanner.ScanComments)
	r.docFrom = -1
	for {
		pos, tok, text := s.Scan()
		at := file.Offset(pos)
		switch {
		case tok == token.EOF:
			r.end(len(strings.TrimRight(r.text, " \t\r\n")), false)
			return r.list
		case tok == token.COMMENT:
			r.comment(at, len(text))
		case tok == token.SEMICOLON && len(r.brackets) == 0:
			r.end(at, text == ";")
		default:
			r.token(at, tok, text)
		}
	}
}

// comment takes note of a comment that may belong to the next item.
func (r *itemReader) comment(at, length int) {
	if len(r.tokens) > 0 {
		return
	}
	line := r.text[:at]
	line = line[strings.LastIndexByte(line, '\n')+1:]
	adjoins := r.docFrom >= 0 && strings.Trim(r.text[r.docTo:at], " \t\r") == "\n"
	if !adjoins {
		r.docFrom = -1
		if strings.TrimSpace(line) == "" {
			r.docFrom = at
		}
	}
	r.docTo = at + length
}

func (r *itemReader) token(at int, tok token.Token, text string) {
	if len(r.tokens) == 0 {
		r.now = item{from: r.spot(at), doc: r.spot(at)}
		if r.docFrom >= 0 && len(strings.Trim(r.text[r.docTo:at], " \t\r")) <= 1 {
			r.now.doc = r.spot(r.docFrom)
		}
	}
	if len(r.brackets) == 0 || r.tokens[0] == token.FUNC {
		r.tokens = append(r.tokens, tok)
		r.names = append(r.names, text)
	}
	switch tok {
	case token.LBRACE, token.LPAREN, token.LBRACK:
		r.brackets = append(r.brackets, at)
	case token.RBRACE, token.RPAREN, token.RBRACK:
		if n := len(r.brackets); n > 0 {
			r.brackets = r.brackets[:n-1]
		}
	}
}

// end ends an item.
func (r *itemReader) end(at int, written bool) {
	if len(r.tokens) > 0 {
		r.now.kind, r.now.name = kindOfItem(r.tokens, r.names)
		r.now.to, r.now.silent = r.spot(at), written
		if written {
			r.now.to.at++
		}
		if r.now.isOpen = len(r.brackets) > 0; r.now.isOpen {
			r.now.open = r.spot(r.brackets[0])
		}
		r.list = append(r.list, r.now)
	}
	r.tokens, r.names, r.brackets, r.docFrom = nil, nil, nil, -1
}

// kindOfItem tells by its first tokens what an item is. A function without a name is a part of a statement.
func kindOfItem(tokens []token.Token, names []string) (kind itemKind, name string) {
	switch tokens[0] {
	case token.IMPORT:
		return importItem, ""
	case token.TYPE, token.VAR, token.CONST:
		return declarationItem, ""
	case token.FUNC:
	default:
		return statement, ""
	}
	at := 1
	if at < len(tokens) && tokens[at] == token.LPAREN { // a receiver, or parameters
		for depth := 0; at < len(tokens); at++ {
			if tokens[at] == token.LPAREN {
				depth++
			} else if tokens[at] == token.RPAREN {
				depth--
			}
			if depth == 0 {
				at++
				break
			}
		}
		if at < len(tokens) && tokens[at] == token.IDENT && (at+1 == len(tokens) || tokens[at+1] == token.LPAREN) {
			return funcItem, ""
		}
		return statement, ""
	}
	if at < len(tokens) && tokens[at] == token.IDENT {
		return funcItem, names[at]
	}
	return statement, ""
}
