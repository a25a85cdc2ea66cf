package process

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// lastLine keeps the last line written to it, or how Go's runtime says why it gives up, which a stack trace follows. It
// passes on lines that begin with notes.
type lastLine struct {
	notes       string
	log         io.Writer
	part        []byte
	last, crash string
}

func (l *lastLine) Write(p []byte) (int, error) {
	l.part = append(l.part, p...)
	for {
		line, rest, ok := bytes.Cut(l.part, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		l.part = rest
		l.line(string(line))
	}
}

func (l *lastLine) line(s string) {
	if strings.TrimSpace(s) == "" {
		return
	}
	l.last = strings.TrimSpace(s)
	if l.crash == "" && (strings.HasPrefix(s, "panic: ") || strings.HasPrefix(s, "fatal error: ")) {
		l.crash = l.last
	}
	if l.notes != "" && strings.HasPrefix(s, l.notes) {
		fmt.Fprintln(l.log, s)
	}
}

func (l *lastLine) String() string {
	l.line(string(l.part))
	l.part = nil
	if l.crash != "" {
		return l.crash
	}
	return strings.TrimPrefix(l.last, "lxmert: ")
}
