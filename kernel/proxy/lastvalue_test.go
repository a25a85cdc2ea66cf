package proxy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestLastValueIsShown(t *testing.T) {
	c := startReal(t)
	c.take([]step{
		{"1+1", "ok", "out: 2"},
		{"%%\n1 + 1 // two", "ok", "out: 2"},
		{"1+1;", "ok", ""},
		{"1+1; // nothing", "ok", ""},
		{"fmt.Print(1);", "ok", "1"},
		{"x := []float64{1, 2.5}\nx", "ok", "out: [1 2.5]"},
		{"type point struct{ X, Y int }\nvar all = map[string]point{\"b\": {3, 4}, \"a\": {1, 2}}\nall", "ok", `out: map["a":{X:1 Y:2} "b":{X:3 Y:4}]`},
		{"&point{1, 2}", "ok", "out: &{X:1 Y:2}"},
		{"all[\"a\"].X", "ok", "out: 1"},
		{"strings.Repeat(\"=\", 3)", "ok", "out: ==="},
		{"import \"math\"\n\nmath.Sqrt(2)", "ok", "out: 1.4142135623730951"},
		{"func(n int) int {\n\treturn n + 1\n}(\n\t2,\n)", "ok", "out: 3"},
		{"`\n%%\n`", "ok", "out: \n%%\n"},
		{"fmt.Println(\"first\")\n(all[\"b\"])", "ok", "first\nout: {X:3 Y:4}"},
		{"<-time.After(time.Millisecond) == time.Time{}", "ok", "out: false"},
		{"errors.New(\"no such thing\")", "ok", "out: no such thing"},
		{"make([]int, 1<<20)[:3]", "ok", "out: [0 0 0]"},
		{"os.Remove", "ok", "out: func(string) error"},

		// no value, several, or one that is nothing
		{"fmt.Println(\"two values\")", "ok", "two values\n"},
		{"func nothing() { fmt.Print(\"nothing \") }\nfunc two() (int, error) { return 1, nil }\nnothing()", "ok", "nothing "},
		{"two()", "ok", ""},
		{"var w sync.WaitGroup\nw.Wait()", "ok", ""},
		{"time.Sleep(1)", "ok", ""},
		{"os.Setenv(\"A\", \"b\")", "ok", ""},
		{"f := func() {}\nf()", "ok", ""},
		{"x := 1\nx++", "ok", ""},
		{"nil", "ok", ""},
		{"func main() { two() }", "ok", ""},
		{"%exec two", "ok", ""},
		{"%test\nfunc TestOne(t *testing.T) {}\n", "ok", "=== RUN   TestOne\n--- PASS: TestOne (0.00s)\nPASS\n"},

		// errors stay what they are
		{"y := 1\nz := 2\nz", "error", "compile error: cell line 1: declared and not used: y; for later cells it is `var y = …`"},
		{"1 + nowhere", "error", "compile error: cell line 1: undefined: nowhere"},
		{"all\nall", "error", "compile error: cell line 1: all (variable of type map[string]point) is not used"},
		{"point", "error", "compile error: cell line 1: point (type) is not an expression"},
		{"two() + 1", "error", "compile error: cell line 1: multiple-value two() (value of type (int, error)) in single-value context"},
		{"nothing() + 1", "error", "compile error: cell line 1: nothing() (no value) used as value"},
		{"var none []int\nnone[3]", "error", ""},
		{"1+1", "ok", "out: 2"},
	})
}

func TestErrorsInWhatIsShownPointAtIt(t *testing.T) {
	c := startReal(t)
	for code, want := range map[string]string{
		"\t1 + nowhere":                      "    1 + nowhere\n            ^",
		"x := 1\nnowhere(x) // not there":    "nowhere(x) // not there\n    ^",
		"%%\n(1 + 2) * nowhere;":             "(1 + 2) * nowhere;\n              ^",
		"len(`\n%%\n`) + nowhere":            "`) + nowhere\n         ^",
		"[]int{1,\n2}[nowhere]; 1 + nowhere": "2}[nowhere]; 1 + nowhere\n       ^",
	} {
		_, published := c.finished(c.execute(code))
		last := published[len(published)-1]
		if trace := stripColour(fmt.Sprint(contentOf(t, last)["traceback"])); !strings.Contains(trace, want) {
			t.Errorf("%q: %s\ninstead of\n%s", code, trace, want)
		}
	}
}

func TestResultIsTheCellsResult(t *testing.T) {
	c := startReal(t)
	reply, published := c.finished(c.execute("fmt.Print(\"a\")\n2 * 21"))
	if got := fmt.Sprint(kinds(published)); got != "[execute_input stream execute_result]" {
		t.Fatalf("%v: %s", reply, got)
	}
	if content := contentOf(t, published[2]); content["execution_count"] != reply["execution_count"] || fmt.Sprint(content["data"]) != "map[text/plain:42]" {
		t.Errorf("%v", content)
	}
	_, published = c.finished(c.request(c.shell, "execute_request", map[string]any{"code": "1", "silent": true}))
	if len(published) > 0 {
		t.Errorf("a silent cell shows %v", kinds(published))
	}
}

func TestWhatLxDrawsIsDrawn(t *testing.T) {
	c := startReal(t)
	for _, s := range []struct{ code, want string }{
		{"import \"image\"\nimage.NewGray(image.Rect(0, 0, 3, 2))", "shown: picture picture, 3 x 2"},
		{"import \"image\"\nvar any1 any = image.NewGray(image.Rect(0, 0, 3, 2))\nany1", "shown: picture picture, 3 x 2"},
		{"image.Rect(0, 0, 3, 2)", "out: (0,0)-(3,2)"},
		{"import \"github.com/seed-516990b0/golxmert/lxmert\"\nlxmert.NewTensor(0, 3)", "shown: tensor of shape [0 3]"},
		{"lxmert.Size([]int{2, 3})", "out: 6"},
		{"import \"github.com/seed-516990b0/golxmert/notebooks/lx\"\nlx.Show(3)", "shown: 3"},
		{"import \"github.com/seed-516990b0/golxmert/analysis\"\n[]analysis.Scores(nil)", ""},
	} {
		status, text := c.run(s.code)
		if s.want != "" && (status != "ok" || text != s.want) {
			t.Errorf("%q: %s, %q, expected %q", s.code, status, text, s.want)
		}
	}
	// lx is linked where it may be needed only.
	for code, linked := range map[string]bool{"1 + 1": false, "image.Rect(0, 0, 1, 1)": false, "lxmert.NewTensor(0)": true} {
		c.run(code)
		if text, err := c.linked(); err != nil || strings.Contains(text, "notebooks/lx.") != linked {
			t.Errorf("%q: with lx %v, %v", code, !linked, err)
		}
	}
}

// linked is the last program of a cell, as a text to look for names in.
func (c *client) linked() (string, error) {
	found, err := filepath.Glob(filepath.Join(c.tmp, privatePattern, "gonb_*", "gonb_*"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("found %v, %v", found, err)
	}
	text, err := os.ReadFile(found[0])
	return string(text), err
}

// TestUnknownTypesAreTriedOut has calls of which nothing can be known before they are compiled. What a cell does besides
// is done once.
func TestUnknownTypesAreTriedOut(t *testing.T) {
	dir := t.TempDir()
	compiler, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte("#!/bin/sh\n[ \"$1\" != list ] || exit 1\nexec "+compiler+" \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	c := startReal(t, "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	c.take([]step{
		{"!echo once\n%env A=b\ntime.Sleep(1)", "ok", "once\nSet: A=\"b\"\n"},
		{"%args a b\nos.Stderr.Sync()\nlog.SetOutput(nil)", "ok", ""},
		{"fmt.Println(flag.Args())", "ok", "[]\n"},
		{"%args a b\nvar kept = flag.Args\nkept()", "ok", "out: [\"a\" \"b\"]"},
		{"math.Sqrt(4)", "ok", "out: 2"},
		{"os.Getwd()", "ok", ""},
		{"os.Getwd(1)", "error", "compile error: cell line 1: too many arguments in call to os.Getwd have (number) want ()"},
		{"time.Sleep(nowhere)", "error", "compile error: cell line 1: undefined: nowhere"},
		{"kept = nil\ntime.Sleep(-1)\nfunc later() int { return 5 }", "ok", ""},
		{"later()", "ok", "out: 5"},
	})
}
