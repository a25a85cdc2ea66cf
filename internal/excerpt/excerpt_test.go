package excerpt

import (
	"strings"
	"testing"
)

func TestTextsFitIntoALine(t *testing.T) {
	long := strings.Repeat("ä", 80)
	for _, c := range []struct{ what, got, want string }{
		{"a short text", Cut("abc", 3), "abc"},
		{"a long one", Cut("abcd", 3), "abc…"},
		{"one cut within a character", Cut("aä", 2), "a…"},
		{"a quoted name", Quote("a\n\xff\""), `"a\n\xff\""`},
		{"a long name", Quote(long), `"` + strings.Repeat("ä", 50) + `…"`},
		{"several lines", Line(" a\n\tb\xff  c\r\n", 100), "a b c"},
		{"a long line", Line("ää ää", 4), "ää ä..."},
		{"a line that just fits", Line("ää ää", 5), "ää ää"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, expected %q", c.what, c.got, c.want)
		}
	}
}
