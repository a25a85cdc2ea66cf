package proxy

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
)

func TestCompleteness(t *testing.T) {
	for _, c := range []struct{ code, status, indent string }{
		{"", "complete", ""},
		{"   \n", "complete", ""},
		{"var x = 1", "complete", ""},
		{"%%\nx := 1\n_ = x", "complete", ""},
		{"func f() {\n}", "complete", ""},
		{"import \"fmt\"\n%%\nfmt.Println()", "complete", ""},
		{"//gonb:%%\nprintln()", "complete", ""},
		{"package main\nfunc f() {}", "complete", ""},
		{"%main a b\nprintln()", "complete", ""},
		{"%exec f\nfunc f() {}", "complete", ""},
		{"%lx status", "complete", ""},
		{"!ls", "complete", ""},
		{"%%bash\nif true; then", "complete", ""},
		{"%%writefile x.go\nfunc {", "complete", ""},
		{"!ls \\\n -l", "complete", ""},
		{"!ls \\", "incomplete", ""},
		{"%env A \\", "incomplete", ""},
		{"func f() {", "incomplete", "\t"},
		{"%%\nfor {\nif true {", "incomplete", "\t\t"},
		{"%%\nfmt.Println(", "incomplete", "\t"},
		{"var s = `one", "incomplete", ""},
		{"var s = `a {\n", "incomplete", ""},
		{"/* comment", "incomplete", ""},
		{"var x = 1 +", "incomplete", "\t"},
		{"%%\nx :=", "incomplete", "\t"},
		{"%%\nx := 1 + // and\n", "incomplete", "\t"},
		{"x := 1", "complete", ""},
		{"f()\nfunc f() {\n}", "complete", ""},
		{"for {", "incomplete", "\t"},
		{"x :=", "incomplete", "\t"},
		{"%% \\", "incomplete", ""},
		{"x := = 1", "invalid", ""},
		{"fucn f() {}", "invalid", ""},
		{"func f() }", "invalid", ""},
		{"var 1 = 2", "invalid", ""},
		{"%%\nif {\n}", "invalid", ""},
		{"%%\nimport \"fmt\"\nfmt.Println()", "complete", ""},
		{"var s = \"one\nvar t = 2", "invalid", ""},
	} {
		if status, indent := completeness(c.code); status != c.status || indent != c.indent {
			t.Errorf("%q is %s with %q, expected %s with %q", c.code, status, indent, c.status, c.indent)
		}
	}
}

// textCells have in strings and comments what would be commands elsewhere, or two beginnings of main.
var textCells = []string{
	"%%\nx := `a sample:\n%%\nbody`\n_ = x",
	"%%\nx := `%%\n!ls\n//gonb:%exec f\n%%`[1:]\n_ = x",
	"const a = `\n%%`\n/*\n%%\n!rm x\npackage x\n*/\nvar b = \"`\"\nvar c = '`' // `\n%%\n",
	"%%\n// it's `\nx := `\npackage main\n`\n%%\n_ = x",
	"type T struct {\n\tA int `a:\n%%\n`; B int\n\tC func() `\n!c` // it\n}",
	"%%\nreturn\n`\n%%`\n",
	"%%\nf(a,\n!b)\nx := y &&\n!z\n_ = x",
	"%%\npackages := 1\npackage_ := 2\n_, _ = packages, package_",
	"package main; import \"fmt\"\n%%\nfmt.Println()",
	"//line x.go:1000\nfunc f() {}\n/*line y.go:7:1*/ func g() {\n//line z.go:99999\n}",
	"%%\nf()\n%%\ng()\n%main\nh()",
	"!echo \\\n%% a\\\n!b\n%%  a \\\n  b\nf()",
	"%exec\tf  a\nfunc f() {}",
	"%  exec   f\nfunc f() {}",
	"import (\n!ls\n\"fmt\"\n)",
	"x := `open\n%%\n!ls",
	"/* open\n%%\n!ls",
	"\\\n%%\n`\n%%\n`",
	"%%\nx := `\n!\n%\n`\n_ = x",
	"%%\\\n\nf()\n%%\\\n",
	"!echo a\\\\\nb\n!echo a\\\\",
	"\ufeff%%\r\n\fx := \"\f\"\v\r\n_ = x",
	"%%\r_ = `\r%%\r`",
	"%%time\n%time x := `\n%time y\n`\n_ = x",
	"%%time\n%%bash\n%exec",
	"%%\nx := `a\r\n%%\r\n`\n_ = x",
}

func TestGoNBSeesNoCommandInText(t *testing.T) {
	for _, code := range textCells {
		checkSent(t, code)
	}
}

func TestWhatNoExecutorCanDoIsFoundFirst(t *testing.T) {
	for code, want := range map[string]string{
		"%%\nf()\n%% -a":          "cell line 3: line 1 has begun main, whose arguments stand there: a program has one list of them",
		"%exec f\n%%\nf()":        "cell line 2: line 1 makes main already; a cell has either %% or %exec, and that once",
		"%%\nf()\n%exec f":        "cell line 3: line 1 makes main already; a cell has either %% or %exec, and that once",
		"%exec f\n%exec g":        "cell line 2: line 1 makes main already; a cell has either %% or %exec, and that once",
		"func f() {}\n%exec":      "cell line 2: %exec wants the name of a function that takes no arguments: %exec F",
		"%exec \\\n":              "cell line 1: %exec wants the name of a function that takes no arguments: %exec F",
		"// nothing\n% \t":        "cell line 2: % without a command; `%help` and `%lx help` list what there is",
		"%\\":                     "cell line 1: % without a command; `%help` and `%lx help` list what there is",
		"!  ":                     "cell line 1: ! without a command for the shell",
		"%%\nf()\n%%\ng()":        "",
		"%%bash\n%exec":           "",
		"x := `\n%exec\n%exec\n`": "",
	} {
		got := ""
		if c := parseCell(code).fault(); c != nil {
			got = c.String()
		}
		if got != want {
			t.Errorf("%q: %q, expected %q", code, got, want)
		}
	}
}

func FuzzParseCell(f *testing.F) {
	for _, code := range []string{"%%\nfmt.Println()", "!a \\\nb", "%%bash\nx", "func f() {", "%exec", "var a, b = f()\nconst (\n x = iota\n)", "%lx \"", "//gonb:%%\n`"} {
		f.Add(code, 3)
	}
	for _, code := range textCells {
		f.Add(code, 3)
	}
	f.Fuzz(func(t *testing.T, code string, at int) {
		c := parseCell(code)
		checkSent(t, code)
		if status, _ := completeness(code); status == "" {
			t.Error("no status")
		}
		d := newDeclarations()
		d.add(c, 1)
		d.around(c)
		d.takeBack(c)
		if text, from := d.repair(nil); strings.Count(text, "\n")+1 != len(from) && text != "" {
			t.Errorf("%d lines of %d come from somewhere: %q", len(from), strings.Count(text, "\n")+1, text)
		}
		syntaxErrors(c)
		place := cursorIn(code, at)
		if place.line >= len(c.lines) || !strings.HasPrefix(c.lines[place.line], place.before) && strings.ToValidUTF8(code, "") == code {
			t.Errorf("the place %d is line %d behind %q", at, place.line, place.before)
		}
		for _, line := range c.lines {
			runMagic(context.Background(), allMagics(nil), line, io.Discard)
			completeMagic(context.Background(), allMagics(nil), line)
			_ = callee(line)
		}
	})
}

func TestLaterDeclarationsReplaceEarlierOnes(t *testing.T) {
	d := newDeclarations()
	add := func(code string) { d.add(parseCell(code), 1) }
	add("import \"fmt\"\nimport m \"math\"\n// f is old.\nfunc f() int { return 1 }\nvar a, b = 1, 2\nvar (\n\tc = 3\n\t// d is kept.\n\td = 4\n)\nconst (\n\tred = iota\n\tgreen\n)\ntype T struct{}\nfunc (t *T) M() {}\n%%\nprintln()")
	add("// f is newer.\nfunc f() int { return 2 }\nvar a = 5\nvar c = 6\nfunc (t *T) M() { println() }\nfunc G[K any](k K) {}")
	imports, file := d.around(parseCell("import \"math\"\nvar d = 7\n%%\nos.Exit(f())"))
	for _, want := range []string{"// f is newer.\nfunc f() int { return 2 }", "var a = 5", "var c = 6", "green", "type T struct{}", "{ println() }", "func G[K any]", "import \"fmt\""} {
		if !strings.Contains(file, want) {
			t.Errorf("%q is missing in\n%s", want, file)
		}
	}
	for _, gone := range []string{"f is old", "var a, b", "c = 3", "d = 4", "func main", "(t *T) M() {}"} {
		if strings.Contains(file, gone) {
			t.Errorf("%q is still in\n%s", gone, file)
		}
	}
	if want := ` import "fmt"; import m "math"; import "os";`; imports != want {
		t.Errorf("imports %q, expected %q", imports, want)
	}
	d.remove([]removal{{}})
	if _, file := d.around(parseCell("")); strings.Contains(file, "func") {
		t.Errorf("after a reset there is\n%s", file)
	}
}

func TestCursorIsWhereTheFrontEndSeesIt(t *testing.T) {
	for _, s := range []struct {
		code   string
		offset int
		line   int
		before string
	}{
		{"ab\r\ncd", 1, 0, "a"}, {"ab\r\ncd", 2, 0, "ab"}, {"ab\r\ncd", 3, 0, "ab"}, {"ab\r\ncd", 4, 1, ""}, {"ab\r\ncd", 6, 1, "cd"},
		{"a\rb", 2, 1, ""}, {"a\rb\nc", 2, 0, "a\r"}, {"\ufeffab", 0, 0, ""}, {"\ufeffab", 2, 0, "a"}, {"é\nö", 3, 1, "ö"}, {"a", 9, 0, "a"}, {"a", -1, 0, ""},
	} {
		if at := cursorIn(s.code, s.offset); at.line != s.line || at.before != s.before {
			t.Errorf("%q at %d: line %d behind %q, expected %d behind %q", s.code, s.offset, at.line, at.before, s.line, s.before)
		}
	}
}

func TestHistory(t *testing.T) {
	h := &history{}
	for _, code := range []string{"one", "two", "three/3", "two"} {
		h.add(code)
	}
	for _, c := range []struct{ ask, want string }{
		{`{"hist_access_type": "tail", "n": 2}`, "[[0 3 three/3] [0 4 two]]"},
		{`{"hist_access_type": "tail", "n": 10}`, "[[0 1 one] [0 2 two] [0 3 three/3] [0 4 two]]"},
		{`{"hist_access_type": "tail", "n": 0}`, "[]"},
		{`{"hist_access_type": "range", "session": 0, "start": 1, "stop": 3}`, "[[0 1 one] [0 2 two]]"},
		{`{"hist_access_type": "range", "session": 0, "start": 3}`, "[[0 3 three/3] [0 4 two]]"},
		{`{"hist_access_type": "range", "session": -1, "start": 1}`, "[]"},
		{`{"hist_access_type": "range", "start": -5, "stop": 100}`, "[[0 1 one] [0 2 two] [0 3 three/3] [0 4 two]]"},
		{`{"hist_access_type": "search", "pattern": "t*"}`, "[[0 2 two] [0 3 three/3] [0 4 two]]"},
		{`{"hist_access_type": "search", "pattern": "t*", "unique": true}`, "[[0 3 three/3] [0 4 two]]"},
		{`{"hist_access_type": "search", "pattern": "?wo", "n": 1}`, "[[0 4 two]]"},
		{`{"hist_access_type": "search", "pattern": "[", "n": 1}`, "[]"},
		{`{"hist_access_type": "tail", "n": 1, "output": true}`, "[[0 4 [two <nil>]]]"},
		{`{"hist_access_type": "unknown"}`, "[]"},
	} {
		reply, ok := h.reply(&message{content: []byte(c.ask)}).(map[string]any)
		if !ok || fmt.Sprint(reply["history"]) != c.want {
			t.Errorf("%s: %v, expected %s", c.ask, reply, c.want)
		}
	}
}

func TestWordsOfCommands(t *testing.T) {
	for line, want := range map[string][]string{
		`  a  b	c `: {"a", "b", "c"}, `"a b" c`: {"a b", "c"}, `""`: {""}, `a"b c"d`: {"ab cd"}, ``: nil,
	} {
		got, err := splitWords(line)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, %v, expected %q", line, got, err, want)
		}
	}
	if _, err := splitWords(`a "b`); err == nil {
		t.Error("an open quotation mark is accepted")
	}
	for line, want := range map[string]string{
		"%lx help more": "takes no arguments", "%lx nothing": "there is no", `%lx "`: "not closed",
	} {
		if err := runMagic(t.Context(), allMagics(nil), line, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, expected %q", line, err, want)
		}
	}
}

func TestHelpListsEveryCommand(t *testing.T) {
	list := allMagics([]Magic{{Name: "greet", Args: "NAME", Help: "says hello"}})
	for _, line := range []string{"%lx help", "%lx"} {
		var out strings.Builder
		if err := runMagic(t.Context(), list, line, &out); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"%lx greet NAME", "says hello", "%lx help", "this list"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s says nothing of %q:\n%s", line, want, &out)
			}
		}
	}
}
