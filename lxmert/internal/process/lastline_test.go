package process

import (
	"bytes"
	"fmt"
	"testing"
)

func TestProcessesAreQuotedByTheLineThatMatters(t *testing.T) {
	for _, c := range []struct{ name, written, want string }{
		{"nothing", "\n \n", ""},
		{"ours", "backend: go\nlxmert: no such file\n", "no such file"},
		{"Python's", "Traceback (most recent call last):\n  File \"a.py\"\nValueError: bad\n", "ValueError: bad"},
		{"unfinished", "first\nsecond", "second"},
		{"a panic", "panic: index out of range\n\ngoroutine 1 [running]:\nmain.main()\n\t/a.go:1 +0x1\nexit status 2\n", "panic: index out of range"},
		{"the runtime", "fatal error: out of memory\n\nruntime stack:\npanic: after that\n", "fatal error: out of memory"},
	} {
		var log bytes.Buffer
		l := &lastLine{notes: "backend: ", log: &log}
		for i := range len(c.written) { // as pipes may cut it
			fmt.Fprint(l, c.written[i:i+1])
		}
		if got := l.String(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if noted := log.String() == "backend: go\n"; noted != (c.name == "ours") {
			t.Errorf("%s: passed on %q", c.name, &log)
		}
	}
}
