package proxy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestFailedCellLeavesNothingBehind(t *testing.T) {
	c := startReal(t)
	ran := filepath.Join(c.tmp, "ran")
	for _, step := range []struct{ code, status, text string }{
		// A function that fails in every way returns to what it was.
		{"import \"fmt\"\n\n// f is the first.\nfunc f() string { return \"first\" }\n\nvar counted = count()\n\nfunc count() int {\n\tout, _ := os.OpenFile(\"" + ran + "\", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)\n\tfmt.Fprint(out, \"x\")\n\treturn 7\n}", "ok", ""},
		{"func f() string { return 1 }", "error", "compile error"},
		{"%%\nfmt.Println(f())", "ok", "first\n"},
		{"func f() string { return \"panics\" }\nfunc g() {}\n%%\npanic(f())", "error", "panic: cell line 4: panics"},
		{"%%\nfmt.Println(f())", "ok", "first\n"},
		{"%%\ng()", "error", "compile error: cell line 2: undefined: g"},
		{"func f() string { return \"exits\" }\n%%\nos.Exit(3)", "error", "exit: the program ended with exit status 3"},
		{"%%\nfmt.Println(f())", "ok", "first\n"},

		// Variables whose initialisation fails do not fail later cells.
		{"var w = func() int { panic(\"no data\") }()", "error", "no data"},
		{"%%\nfmt.Println(\"goes on\")", "ok", "goes on\n"},
		{"%%\nfmt.Println(w)", "error", "compile error: cell line 2: undefined: w"},
		{"var _ = func() int { registered++; return 0 }()\nvar registered int", "ok", ""},
		{"var _ = func() int { panic(\"blank\") }()", "error", "blank"},
		{"%%\nfmt.Println(registered > 0)", "ok", "true\n"},
		{"func init() { panic(\"init\") }", "error", "panic: cell line 1: init"},
		{"%%\nfmt.Println(registered > 0)", "ok", "true\n"},
		{"const page = `\n%%\n!not a command\npackage too`\n", "ok", ""},
		{"const page = `\n%rm page`\n%%\npanic(page)", "error", "panic: cell line 4: "},
		{"%%\nfmt.Printf(\"%q\", page)", "ok", "\"\\n%%\\n!not a command\\npackage too\""},
		{"%reset\n", "ok", "* State reset: all memorized declarations discarded.\n"},

		// Every kind of declaration.
		{"import s \"strings\"\n\ntype T struct{ a int }\n\nfunc (t T) Get() int { return t.a }\n\ntype P[K, V any] struct{ k K }\n\nfunc (p *P[K, V]) Key() K { return p.k }\n\nconst (\n\tA = iota\n\tB\n)\n\nvar x, y = 1, 2\nvar u, v = fmt.Sscan(\"1\", &x)\n", "ok", ""},
		{"import s \"strconv\"\n\ntype T struct{ b string }\n\nfunc (t T) Get() string { return s.Itoa(9) }\n\ntype P[K, V any] struct{ v V }\n\nfunc (p *P[K, V]) Key() V { return p.v }\n\nconst (\n\tA = \"a\"\n\tB = \"b\"\n\tC = \"c\"\n)\n\nvar y = \"y\"\nvar v, z = 3.5, 4\nvar u = \"u\"\n%%\npanic(\"all of it\")", "error", "panic: cell line 21: all of it"},
		{"%%\nfmt.Println(s.ToUpper(\"s\"), T{4}.Get(), (&P[int, string]{5}).Key(), A, B, x, y, u, v)", "ok", "S 4 5 0 1 1 2 1 <nil>\n"},
		{"%%\nfmt.Println(C, z)", "error", "compile error: cell line 2: undefined: C (and 1 more)"},

		// Commands stay done.
		{"%rm x\nvar x = func() int { panic(\"x\") }()", "error", ""},
		{"%%\nfmt.Println(x)", "error", "compile error"},
		{"%rm u v\nvar x = 10\n%%\nfmt.Println(x)", "ok", ". removed var u\n. removed var v\n10\n"},
		{"%reset\nvar x = func() int { panic(\"x\") }()", "error", ""},
		{"%%\nfmt.Println(A)", "error", "compile error: cell line 2: undefined: A"},
		{"%%\nfmt.Println(x)", "error", "compile error: cell line 2: undefined: x"},
		{"%%\nfmt.Println(\"goes on\")", "ok", "goes on\n"},
	} {
		status, text := c.run(step.code)
		if step.status == "error" {
			if at := strings.LastIndex(text, step.text); at > 0 {
				text = text[at:] // after the program's trace
			}
		}
		if status != step.status || !strings.HasPrefix(text, step.text) || status == "ok" && text != step.text {
			t.Errorf("%q:\n%s, %q, expected\n%s, %q", step.code, status, text, step.status, step.text)
		}
		if step.text == "exit: the program ended with exit status 3" {
			// What brings f back is not a run of the program: the variable is initialised once for each cell that ran.
			before, _ := os.ReadFile(ran)
			c.run("%%\nfmt.Print()")
			if after, err := os.ReadFile(ran); err != nil || len(after) != len(before)+1 {
				t.Errorf("initialised %d times, then %d times: %v", len(before), len(after), err)
			}
		}
	}
}

func TestFailedCellSaysWhatBecomesOfItsDeclarations(t *testing.T) {
	c := startReal(t)
	c.run("func f() {}")
	reply, _ := c.finished(c.execute("func f() {}\nvar a, b = 1, 2\n%%\nos.Exit(1)"))
	if trace := fmt.Sprint(reply["traceback"]); !strings.HasSuffix(trace, "(the cell has failed: a, b not declared, f as before)]") {
		t.Errorf("%v", reply)
	}
	reply, _ = c.finished(c.execute("func f() {}\nfunc g() { undefined() }"))
	if trace := fmt.Sprint(reply["traceback"]); strings.Contains(trace, "has failed") {
		t.Errorf("of a cell that does not compile: %v", reply)
	}
	if reply := c.reply(c.request(c.shell, "complete_request", map[string]any{"code": "%%\nvar ab = a", "cursor_pos": 13})); strings.Contains(fmt.Sprint(reply["matches"]), "a ") {
		t.Errorf("completed are %v", reply["matches"])
	}
}

func TestErrorsPointAtLinesOfWhatCameBack(t *testing.T) {
	c := startReal(t)
	c.run("type T int\n\n// f takes a T\n// and that is all.\nfunc f(t T) int {\n\tx := int(t)\n\treturn x\n}")
	c.run("func f(t T) int { return 2 }\n%%\npanic(1)")
	if status, text := c.run("type T string"); status != "error" || text != "compile error: cell [1] line 6: cannot convert t (variable of string type T) to type int; declare f in this cell as well, or begin it with `%rm f` to go on without" {
		t.Errorf("%s, %q", status, text)
	}
	if _, text := c.run("%%\nf(3)\nvar m map[int]int\nm[f(3)] = 1"); !strings.Contains(text, "panic: cell line 4: assignment to entry in nil map") {
		t.Errorf("%q", text)
	}
}

func TestInterruptedCellLeavesNothingBehind(t *testing.T) {
	c := startImpatient(t, time.Hour, time.Hour)
	ready := filepath.Join(c.tmp, "ready")
	c.run("func f() string { return \"first\" }")
	id := c.execute("func f() string { return \"interrupted\" }\n%%\nos.WriteFile(\"" + ready + "\", nil, 0o600)\nselect {\ncase <-time.After(time.Hour):\n}")
	c.waitFor(ready)
	c.interrupt()
	if reply, _ := c.finished(id); reply["ename"] != "interrupted" {
		t.Errorf("%v", reply)
	}
	if status, text := c.run("%%\nfmt.Println(f())"); status != "ok" || text != "first\n" {
		t.Errorf("%s, %q", status, text)
	}
}

// TestInterruptWhileDeclarationsComeBack has a compiler that takes its time when a file is there.
func TestInterruptWhileDeclarationsComeBack(t *testing.T) {
	c := startImpatient(t, time.Hour, time.Hour)
	dir, err := os.MkdirTemp(c.tmp, "")
	if err != nil {
		t.Fatal(err)
	}
	slow, building := filepath.Join(dir, "slow"), filepath.Join(dir, "building")
	tool := filepath.Join(dir, "tool")
	script := fmt.Sprintf("#!/bin/sh\ncase $1 in */compile) if [ -e %s ]; then touch %s; sleep 3600; fi ;; esac\nexec \"$@\"\n", slow, building)
	if err := os.WriteFile(tool, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	c.run("%goflags \"-toolexec=" + tool + "\"\nfunc f() string { return \"first\" }")
	c.run("func f() string { return \"fails\" }\n%%\npanic(1)")
	if err := os.WriteFile(slow, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	id := c.execute("!touch " + filepath.Join(dir, "reached"))
	c.waitFor(building)
	c.interrupt()
	if reply, _ := c.finished(id); reply["ename"] != "interrupted" {
		t.Errorf("%v", reply)
	}
	if _, err := os.Stat(filepath.Join(dir, "reached")); err == nil {
		t.Error("the interrupted cell has begun")
	}
	if err := os.Remove(slow); err != nil {
		t.Fatal(err)
	}
	if status, text := c.run("%%\nfmt.Println(f())"); status != "ok" || text != "first\n" {
		t.Errorf("%s, %q", status, text)
	}
}
