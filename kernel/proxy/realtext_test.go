package proxy

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// step is a cell and what is to come of it; an error without a text may be any.
type step struct{ code, status, text string }

// take runs cells one after the other.
func (c *client) take(steps []step) {
	c.t.Helper()
	for _, s := range steps {
		if status, text := c.run(s.code); status != s.status || text != s.text && (s.text != "" || s.status == "ok") {
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
		{"%capture /not/there/x\n", "error", "command: failed to create \"%capture\" file \"/not/there/x\": open /not/there/x: no such file or directory"},
		{"%%sh -e\ntrue", "error", "command: \"%%sh\" expects no extra arguments, [-e] was given"},
		{"%%script\ntrue", "error", "command: cell line 1: %%script wants the program that reads the cell: %%script python3"},
		{"%% --name größe\nfmt.Println()", "error", "command: cell line 1: GoNB takes %% with ASCII only, and would make other letters of these"},
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
	m.content = []byte("{\"code\": \"//print \xff\"}")
	if err := c.shell.Send(m.encode(c.key)); err != nil {
		t.Fatal(err)
	}
	if reply := c.reply(m.head.ID); reply["status"] != "error" || !strings.Contains(fmt.Sprint(reply["evalue"]), "it is not UTF-8") {
		t.Errorf("%v", reply)
	}
	if status, text := c.run("//print on"); status != "ok" || text != "on" {
		t.Errorf("the next cell: %s, %q", status, text)
	}
}

func TestStatementsRunWithoutAMain(t *testing.T) {
	c := startReal(t)
	c.take([]step{
		{"a := 2\nimport \"fmt\"\nfmt.Println(a)", "ok", "2\n"},
		{"fmt.Println(\"hello\")", "ok", "hello\n"},
		{"var kept = 3 // for later\nfor i := range kept {\n\tif i == 1 {\n\t\tcontinue\n\t}\n\tfmt.Print(i, \" \")\n}\nfmt.Println(twice(kept))\n\n// twice is used above.\nfunc twice(n int) int { return 2 * n }", "ok", "0 2 6\n"},
		{"defer fmt.Println(twice(kept))\nfmt.Println(1)", "ok", "1\n6\n"},
		{"var w sync.WaitGroup\nw.Add(1)\ngo func() {\n\tdefer w.Done()\n\tfmt.Println(\"go\")\n}()\nw.Wait()\nselect {\ndefault:\n}\nswitch {\ncase kept > 2:\n\tfmt.Println(\"switch\")\n}\n{\n\tkept++\n}\nL:\nfor {\n\tbreak L\n}\nfmt.Println(kept)", "ok", "go\nswitch\n4\n"},
		{"type point struct{ x, y int }\np := point{1, 2}\nfmt.Println(p.norm())\nfunc (p point) norm() int { return p.x + p.y }", "ok", "3\n"},
		{"fmt.Println(point{3, 4}.norm())\n\n%%\nimport \"strings\"\nfmt.Println(strings.ToUpper(\"merged\"))", "ok", "7\nMERGED\n"},
		{"x := 1; func inLine() string { return \"one line\" }; fmt.Println(x, inLine())", "ok", "1 one line\n"},
		{"flag.Args()[0] += \"!\"\nfmt.Println(flag.Args())\n%args a b", "ok", "[a! b]\n"},

		{"fmt.Println(1)\n\nfmt.Println(nothing)", "error", "compile error: cell line 3: undefined: nothing"},
		{"fmt.Println(1)\nfunc wrong() int { return \"a\" }\nfmt.Println(2)", "error", `compile error: cell line 2: cannot use "a" (untyped string constant) as int value in return statement`},
		{"m := 1", "error", "compile error: cell line 1: declared and not used: m; for later cells it is `var m = …`"},
		{"fmt.Println(f())\nlocal := 1\nfunc f() int { return local }\n_ = local", "error", "compile error: cell line 3: undefined: local; it belongs to main, as everything from line 1 on: declare it above for functions to see it"},
		{"fmt.Println(p)", "error", "compile error: cell line 1: undefined: p; cell [6] has it in main, which ends with the cell: for later ones it is `var p = …` above the statements"},
		{"x := = 1", "error", "syntax error: cell line 1: expected operand, found '=' (what is not a declaration is read as if a line %% stood above it) (and 1 more)"},
		{"fucn f() {\n}", "error", "syntax error: cell line 1: expected ';', found f (what is not a declaration is read as if a line %% stood above it) (and 1 more)"},
		{"if kept > 2 {\nfmt.Println(1)", "error", "syntax error: cell line 2: expected '}', found 'EOF'"},
		{"func main() {}\nfmt.Println()", "error", "command: cell line 1: func main, and line 2 has begun main already, as a statement stands there: what is not a declaration runs as if a line %% stood above it"},
		{"func three() int {\n\treturn 3\n}\nfmt.Println(three())\npanic(\"here\")\nfunc four() int { return 4 }", "error", ""},
		{"fmt.Println(twice(kept), point{1, 1}.norm())", "ok", "6 2\n"},
	})
}

func TestTracesOfStatementsNameTheirLines(t *testing.T) {
	c := startReal(t)
	for code, want := range map[string]string{
		"fmt.Println(1)\nat(7)\n\n// at fails.\nfunc at(n int) {\n\tvar none []int\n\t_ = none[n]\n}": "panic: cell line 7: runtime error: index out of range [7] with length 0",
		"var none []int\n!true\nn := len(`\n%%`)\n!true\n_ = none[n]\nfunc unused() {}":               "panic: cell line 6: runtime error: index out of range [3] with length 0",
	} {
		_, text := c.run(code)
		if !strings.HasSuffix(text, want) {
			t.Errorf("%q: %q, expected %q", code, text, want)
		}
	}
	_, text := c.run("%%\nfunc later(m map[int]int) {\n!true\n\tm[1] = 2\n}\nlater(nil)")
	for _, want := range []string{"\tcell line 4", "\tcell line 6", "panic: cell line 4: assignment to entry in nil map"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in %q", want, text)
		}
	}
}

func TestRedeclaringWhatOtherCellsUseSaysHow(t *testing.T) {
	c := startReal(t)
	const another = "type T struct{ b int }"
	c.take([]step{
		{"type T struct{ a int }\ntype List[K any, V any] struct{ k K }", "ok", ""},
		{"// Sum adds.\nfunc (t *T) Sum() int {\n\treturn t.a\n}\nfunc (l List[K, V]) First() K { return l.k }", "ok", ""},
		{"var limit = 3\nfunc below(n int) bool { return n < limit }\n(&T{1}).Sum()", "ok", "out: 1"},
		{another, "error", "compile error: cell [2] line 3: t.a undefined (type *T has no field or method a); declare T.Sum in this cell as well, or begin it with `%rm T~Sum` to go on without"},
		{another + "\nfunc (t *T) Sum() int { return t.b }\n(&T{2}).Sum()", "ok", "out: 2"},
		{"type T struct{ c int }", "error", ""},
		{"%rm T~Sum\ntype T struct{ c int }\nT{3}.c", "ok", ". removed func T~Sum\nout: 3"},
		{"var limit = \"a\"", "error", "compile error: cell [3] line 2: invalid operation: n < limit (mismatched types int and string); declare below in this cell as well, or begin it with `%rm below` to go on without"},
		{"%rm below\nvar limit = \"a\"\nlimit", "ok", ". removed func below\nout: a"},
		{"%rm limit", "ok", ". removed var limit\n"},
		{"1", "ok", "out: 1"},
	})
}

func TestNothingThatAProgramWritesEndsTheKernel(t *testing.T) {
	c := startReal(t)
	c.take([]step{
		{"fmt.Fprintln(os.Stderr, \"main.go:5:0: column 0\")", "ok", "main.go:5:0: column 0\n"},
		{"fmt.Fprintln(os.Stderr, \"main.go:99999999999999999999: line\")", "ok", "main.go:99999999999999999999: line\n"},
		{"fmt.Fprintln(os.Stderr, \"x/main.go:0:0: both\\n\\tmain.go:0\")", "ok", "x/main.go:0:0: both\n\tmain.go:0\n"},
		{"%test\nfunc TestX(t *testing.T) {\n\tos.Stderr.WriteString(\"main_test.go:1:0: x\\n\")\n\tt.Fatal()\n}", "error", ""},
		{"!*ls main.go", "ok", "ls: cannot access 'main.go': No such file or directory\nexit status 2\n"},
		{"fmt.Println(2)", "ok", "2\n"},
		{"!*ls main.go", "ok", "main.go\n"},
	})
}
