package proxy

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// step is a cell and what is to come of it.
type step struct{ code, status, text string }

// take runs cells one after the other.
func (c *client) take(steps []step) {
	c.t.Helper()
	for _, s := range steps {
		if status, text := c.run(s.code); status != s.status || text != s.text {
			c.t.Errorf("%q:\n%s, %q, expected\n%s, %q", s.code, status, text, s.status, s.text)
		}
	}
}

func TestTextIsNeverACommand(t *testing.T) {
	c := startReal(t)
	c.take([]step{
		{"var kept = 1", "ok", ""},
		{"import \"fmt\"\n\n%%\nfmt.Println(\"first cell\", kept)\n\n%%\nfmt.Println(\"second cell, merged into it\")", "ok", "first cell 1\nsecond cell, merged into it\n"},
		{"%%\nfmt.Println(`a sample:\n%%\nbody`)", "ok", "a sample:\n%%\nbody\n"},
		{"const text = `%env A b\n!touch x\n//gonb:%exec f\npackage main\n`\n/*\n%%\n!exit 1\n*/\n%%\nfmt.Printf(\"%q\\n\", text[1:])", "ok", "\"env A b\\n!touch x\\n//gonb:%exec f\\npackage main\\n\"\n"},
		{"type tagged struct {\n\tA int `a:\"%\n%%\n\"`\n}\n%%\nfmt.Printf(\"%q\\n\", reflect.TypeFor[tagged]().Field(0).Tag)", "ok", "\"a:\\\"%\\n%%\\n\\\"\"\n"},
		{"%%\npackages, ok := 2, false\nok = ok ||\n!ok\nfmt.Println(packages, ok, kept)", "ok", "2 true 1\n"},
		{"//line x.go:100000\nfunc moved() {\n/*line y.go:7:1*/ fmt.Println(\"moved\") }\n%%\nmoved()", "ok", "moved\n"},
		{"!echo a \\\n%% b \\\n!c", "ok", "a %% b !c\n"},
		{"%exec\tmoved  a", "ok", "moved\n"},
		{"%exec missing", "error", "compile error: cell line 1: undefined: missing"},
		{"%%\nfmt.Println(`\n%%\n`, kepd)", "error", "compile error: cell line 4: undefined: kepd"},
		{"%%\nfmt.Println(`\n%%\n`[7])", "error", "compile error: cell line 4: invalid argument: index 7 out of bounds [0:4]"},
		{"// no name\n%exec", "error", "command: cell line 2: %exec wants the name of a function that takes no arguments: %exec F"},
		{"%reste\n", "error", "command: cell line 1: there is no %reste: %reset?; `%help` and `%lx help` list what there is"},
		{"% ", "error", "command: cell line 1: % without a command; `%help` and `%lx help` list what there is"},
		{"%%\nfmt.Println(\"alive\", kept)", "ok", "alive 1\n"},
	})
}

func TestPanicsInRewrittenCellsNameTheirLine(t *testing.T) {
	c := startReal(t)
	for code, want := range map[string]string{
		"%%\nvar none []int\n\n%%\n_ = none[len(`\n%%\n`)]":                          "panic: cell line 5: runtime error: index out of range [4] with length 0",
		"func at() int {\n\tvar none []int\n\treturn none[len(`\n%%`)]\n}\n%exec at": "panic: cell line 3: runtime error: index out of range [3] with length 0",
	} {
		_, text := c.run(code)
		lines := strings.Split(text, "\n")
		if last := lines[len(lines)-1]; !strings.HasSuffix(last, want) {
			t.Errorf("%q: %q, expected %q", code, last, want)
		}
	}
	if status, text := c.run("%%\nfmt.Println(1)"); status != "ok" || text != "1\n" {
		t.Errorf("the next cell: %s, %q", status, text)
	}
}

func TestCellsFromAnyEditorRun(t *testing.T) {
	c := startReal(t)
	file := filepath.Join(c.tmp, "written")
	c.take([]step{
		{"import \"fmt\"\r\n\r\n%%\r\nfmt.Println(\"windows line ends\")\r\n", "ok", "windows line ends\n"},
		{"%lx echo one\r\n", "ok", "one\n"},
		{"%env A=b\r\n%%\r\nfmt.Printf(\"%q\", os.Getenv(\"A\"))\r\n", "ok", "Set: A=\"b\"\n\"b\""},
		{"%%\r\nfmt.Printf(\"%q\", `a\r\n%%\r\nb`)", "ok", `"a\n%%\nb"`},
		{"%%bash\r\nif true; then\r\n  echo yes\r\nfi\r\n", "ok", "yes\n"},
		{"%%writefile " + file + "\r\n#!/bin/sh\r\necho it runs", "ok", "Cell contents written to \"" + file + "\".\n"},
		{"!sh " + file + "; tr -cd '\\r' <" + file + " | wc -c\r\n", "ok", "it runs\n0\n"},
		{"!echo a \\\r\n  b", "ok", "a b\n"},
		{"%%\r\nfmt.Println(kepd)\r\n", "error", "compile error: cell line 2: undefined: kepd"},
		{"import \"fmt\"\r%%\rfmt.Println(\"old line ends\")\r", "ok", "old line ends\n"},
		{"\ufeff%%\nfmt.Println(\"byte-order mark\")", "ok", "byte-order mark\n"},
		{"\ufeff%lx echo two", "ok", "two\n"},
		{"%%\n\ffmt.Printf(\"%q\",\v`\f`)", "ok", `"\f"`},
		{"%%\nfmt.Println(\"a\x00b\")", "error", "syntax error: cell line 2: illegal character NUL"},
		{"!echo a\x00b", "error", "command: cell line 1: a command cannot hold a zero byte"},
	})
}

func TestCellThatIsNotUTF8IsRefused(t *testing.T) {
	c := startFake(t)
	m := newMessage(c.session, "tester", "execute_request", nil, nil)
	m.content = []byte("{\"code\": \"print \xff\"}")
	if err := c.shell.Send(m.encode(c.key)); err != nil {
		t.Fatal(err)
	}
	if reply := c.reply(m.head.ID); reply["status"] != "error" || !strings.Contains(fmt.Sprint(reply["evalue"]), "it is not UTF-8") {
		t.Errorf("%v", reply)
	}
	if status, text := c.run("print on"); status != "ok" || text != "on" {
		t.Errorf("the next cell: %s, %q", status, text)
	}
}
