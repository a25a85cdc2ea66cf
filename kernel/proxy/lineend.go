package proxy

import "strings"

// Cells come with the line ends of the editor that they were written in. They run with those of Unix, whatever they are:
// Go, the shell, and files that %%writefile writes. A carriage return alone ends a line only where nothing else does.

// unixLines is a cell's text with Unix's line ends, and without the mark of byte order that some editors begin files with.
func unixLines(code string) string {
	code = strings.ReplaceAll(strings.TrimPrefix(code, "\ufeff"), "\r\n", "\n")
	if !strings.Contains(code, "\n") {
		code = strings.ReplaceAll(code, "\r", "\n")
	}
	return code
}

// unixLinesUpTo is what the first characters of a cell's text are of unixLines.
func unixLinesUpTo(code string, characters int) string {
	runes := []rune(code)
	characters = min(max(characters, 0), len(runes))
	before := string(runes[:characters])
	if characters < len(runes) && runes[characters] == '\n' {
		before = strings.TrimSuffix(before, "\r")
	}
	if strings.Contains(code, "\n") {
		return strings.ReplaceAll(strings.TrimPrefix(before, "\ufeff"), "\r\n", "\n")
	}
	return unixLines(before)
}
