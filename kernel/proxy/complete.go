package proxy

import (
	"errors"
	"go/parser"
	"go/scanner"
	"go/token"
	"strings"
)

// isComplete is the content of an is_complete_reply: consoles ask it to know whether Enter ends the input.
func isComplete(m *message) any {
	var ask struct {
		Code string `json:"code"`
	}
	if err := m.read(&ask); err != nil {
		return errorReply(err)
	}
	status, indent := completeness(ask.Code)
	if status == "incomplete" {
		return map[string]string{"status": status, "indent": indent}
	}
	return map[string]string{"status": status}
}

// completeness says whether a cell is "complete", "incomplete" (then also how the next line should be indented) or
// "invalid".
func completeness(code string) (status, indent string) {
	c := parseCell(code)
	last := len(c.lines) - 1
	if c.kinds[last] != goLine && strings.HasSuffix(c.lines[last], `\`) {
		return "incomplete", ""
	}
	if c.script || !c.hasGo() {
		return "complete", ""
	}
	depth, cut := scanOpen(c)
	if depth > 0 || cut {
		return "incomplete", strings.Repeat("\t", max(depth, 0))
	}
	_, err := parser.ParseFile(token.NewFileSet(), "", c.order.file(""), parser.SkipObjectResolution)
	var list scanner.ErrorList
	if err == nil || !errors.As(err, &list) || len(list) == 0 {
		return "complete", ""
	}
	// What is wrong only after the last line with Go wants more: an operator without its right side.
	if line := c.order.cellLine(list[0].Pos.Line); line == 0 || line > lastGo(c) || line == lastGo(c) && atEnd(c, list[0].Pos.Column) {
		return "incomplete", "\t"
	}
	return "invalid", ""
}

// lastGo is the number of the last line of Go that is not empty, counted from 1.
func lastGo(c cell) int {
	for i := len(c.lines) - 1; i >= 0; i-- {
		if c.kinds[i] == goLine && strings.TrimSpace(c.lines[i]) != "" {
			return i + 1
		}
	}
	return 0
}

// atEnd says whether a column of the last line of Go lies after everything in it.
func atEnd(c cell, column int) bool {
	return column > len(strings.TrimRight(c.lines[lastGo(c)-1], " \t"))
}

// scanOpen counts brackets that are open at the end of a cell, and says whether a comment or a string in backquotes is.
func scanOpen(c cell) (depth int, cut bool) {
	var text strings.Builder
	for i, line := range c.lines {
		if c.kinds[i] == goLine {
			text.WriteString(line)
		}
		text.WriteByte('\n')
	}
	source := []byte(text.String())
	set := token.NewFileSet()
	var s scanner.Scanner
	s.Init(set.AddFile("", -1, len(source)), source, func(_ token.Position, message string) {
		cut = cut || strings.HasPrefix(message, "raw string literal not terminated") || strings.HasPrefix(message, "comment not terminated")
	}, 0)
	for {
		_, tok, _ := s.Scan()
		switch tok {
		case token.LBRACE, token.LPAREN, token.LBRACK:
			depth++
		case token.RBRACE, token.RPAREN, token.RBRACK:
			depth--
		case token.EOF:
			return depth, cut
		}
	}
}
