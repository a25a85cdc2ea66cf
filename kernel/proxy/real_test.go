package proxy

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/internal/testneed"
	"github.com/seed-516990b0/golxmert/kernel/install"
	"github.com/seed-516990b0/golxmert/lxmert/toy/toytest"
)

// These tests run GoNB, gopls and Jupyter as `kernel install` brings them.

// installed finds the installation. Without one the test is skipped, or fails if LXMERT_REQUIRE lists "jupyter".
func installed(t testing.TB) install.Place {
	t.Helper()
	place, err := install.Find("")
	if err == nil {
		err = place.Check()
	}
	testneed.Require(t, "jupyter", err == nil, fmt.Sprint(err))
	return place
}

func startReal(t testing.TB, env ...string) *client {
	t.Helper()
	p := installed(t)
	return startKernel(t, append([]string{"TEST_GONB=" + p.Program("gonb"), "TEST_GOPLS=" + p.Program("gopls"), "TEST_PRELUDE=" + p.Prelude()}, env...)...)
}

func TestErrorsPointAtLinesOfCells(t *testing.T) {
	p := installed(t)
	c := startKernel(t, "TEST_GONB="+p.Program("gonb"), "TEST_PRELUDE="+p.Prelude(), "GOPROXY=off")
	for _, step := range []struct{ code, status, text string }{
		{"import \"fmt\"\n\nfunc at(i int) int {\n\ta := []int{1}\n\treturn a[i]\n}\n%%\nfmt.Println(at(0))", "ok", "1\n"},
		{"%%\nx := 1\nfoo(2)", "error", "compile error: cell line 2: declared and not used: x (and 1 more)"},
		{"// a comment\n%%\n\n  fmt.Println(at(\"a\"))", "error", `compile error: cell line 4: cannot use "a" (untyped string constant) as int value in argument to at`},
		{"%%\nfmt.Println(", "error", "syntax error: cell line 2: expected operand, found '}'"},
		{"%%\nif import \"os\"", "error", "syntax error: cell line 2: expected operand, found 'import' (and 1 more)"},
		{"%%\n// behind\nat(3)", "error", "panic: cell [1] line 5: runtime error: index out of range [3] with length 1"},
		{"func main() {\n\tvar m map[int]int\n\tm[1] = 2\n}", "error", "panic: cell line 3: assignment to entry in nil map"},
		{"%%\ngo func() {\n\tpanic(\"x\")\n}()\nselect {}", "error", "panic: cell line 3: x"},
		{"%%\nos.Exit(3)", "error", "exit: the program ended with exit status 3"},
		{"import \"example.com/not/there\"\n%%\nthere.Go()", "error", "compile error: cell line 1: no required module provides package example.com/not/there: module lookup disabled by GOPROXY=off; to add it: `!*go get example.com/not/there` in a cell"},
		{"!exit 4", "ok", "exit status 4\n"},
		{"%env A=b\n%%\nfmt.Println(os.Getenv(\"A\"))", "ok", "Set: A=\"b\"\nb\n"},
		{"%reset\n", "ok", "* State reset: all memorized declarations discarded.\n"},
		{"%%\nfmt.Println(len(lxmert.Config{}.Activation))", "ok", "0\n"},
	} {
		status, text := c.run(step.code)
		if at := strings.LastIndex(text, strings.SplitN(step.text, ":", 2)[0]+":"); step.status == "error" && at > 0 {
			text = text[at:] // after the program's trace
		}
		if status != step.status || text != step.text {
			t.Errorf("%q:\n%s, %q, expected\n%s, %q", step.code, status, text, step.status, step.text)
		}
	}
	for _, line := range strings.Split(c.log.String(), "\n") {
		if line != "" {
			t.Errorf("in the log: %s", line)
		}
	}
}

func TestErrorOfLxIsTheErrorOfTheCell(t *testing.T) {
	c := startReal(t, "TEST_REASON_TIME=1000h") // no program takes so long to end
	say := func(text string) string { return "fmt.Fprintln(os.Stderr, \"" + text + "\")\n" }
	for _, step := range []struct {
		code, status, text string
		or                 string // where the program writes to two streams, whose order is anybody's
	}{
		{"%%\n" + say("a warning") + say("lx: no such picture") + "os.Exit(1)", "error", "a warning\nlx error: no such picture", ""},
		{"%%\n" + say("lx: one") + say("lx: two") + "os.Exit(1)", "error", "lx: one\nlx error: two", ""},
		{"%%\n" + say("lx: shown") + "fmt.Println(\"goes on\")\nos.Exit(1)", "error", "lx: shown\ngoes on\nlx error: shown", "goes on\nlx error: shown"},
		{"%%\n" + say("lx: shown") + say("but") + "os.Exit(1)", "error", "lx: shown\nbut\nexit: the program ended with exit status 1", ""},
		{"%%\n" + say("lx: all is well"), "ok", "lx: all is well\n", ""},
	} {
		if status, text := c.run(step.code); status != step.status || (text != step.text && (step.or == "" || text != step.or)) {
			t.Errorf("%q:\n%s, %q, expected\n%s, %q", step.code, status, text, step.status, step.text)
		}
	}
}

// TestErrorOfLxIsShownWhileTheProgramGoesOn has a program that ends only when what it says is seen.
func TestErrorOfLxIsShownWhileTheProgramGoesOn(t *testing.T) {
	c := startReal(t)
	seen := filepath.Join(c.tmp, "seen")
	id := c.execute("%%\nfmt.Fprintln(os.Stderr, \"lx: shown\")\nfor {\n\tif _, err := os.Stat(\"" + seen + "\"); err == nil {\n\t\tos.Exit(1)\n\t}\n}")
	c.wait("what the program says", func() bool { return slices.Contains(kinds(c.outputs[id]), "stream") })
	if err := os.WriteFile(seen, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	reply, published := c.finished(id)
	if text := textOf(t, published); text != "lx: shown\n" || reply["ename"] != "lx error" || reply["evalue"] != "shown" {
		t.Errorf("%v, %q", reply, text)
	}
}

// TestKilledCellInASessionsCallHarmsNobody has two notebooks with one session. The program of a cell is killed while it
// asks the session: its own notebook's next cell runs, and the other notebook's.
func TestKilledCellInASessionsCallHarmsNobody(t *testing.T) {
	p := installed(t)
	toytest.Model(t, "jupyter")
	start := func() *client {
		return startKernel(t, "TEST_GONB="+p.Program("gonb"), "TEST_PRELUDE="+p.Prelude(), "LXMERT_SESSION_COMMAND="+p.Program("kernel"))
	}
	one, two := start(), start()
	const open = `import (
	"fmt"
	"os"
	"syscall"
	"github.com/seed-516990b0/golxmert/notebooks/lx"
)

var w = lx.World("toy")
var m = w.Open()
`
	started := filepath.Join(one.tmp, "started")
	for _, c := range []*client{one, two} { // what a cell declares that is killed is not kept
		if status, text := c.run(open); status != "ok" {
			t.Fatal(text)
		}
	}
	killed := one.execute("%%\nos.WriteFile(\"" + started + "\", []byte(fmt.Sprint(os.Getpid())), 0o600)\nfor {\n\tlx.Ask(m, w.Questions[0], w.Picture)\n}")
	one.waitFor(started)
	const asks = "fmt.Println(len(lx.Ask(m, w.Questions[0], w.Picture).Ranked) > 0)"
	if status, text := two.run("%%\n" + asks); status != "ok" || !strings.HasSuffix(text, "true\n") {
		t.Errorf("the other notebook, while the first one asks: %s, %q", status, text)
	}
	for _, pr := range processes() {
		if strings.HasPrefix(pr.name, "gonb_") && slices.ContainsFunc(one.leftovers(), func(s string) bool { return strings.Contains(s, fmt.Sprintf("process %d ", pr.pid)) }) {
			syscall.Kill(pr.pid, syscall.SIGKILL)
		}
	}
	if reply, _ := one.finished(killed); reply["evalue"] != "the program was ended by a signal: killed" {
		t.Errorf("the killed cell: %v", reply)
	}
	for name, c := range map[string]*client{"its own": one, "the other": two} {
		if status, text := c.run("%%\n" + asks); status != "ok" || !strings.HasSuffix(text, "true\n") {
			t.Errorf("the next cell of %s notebook: %s, %q", name, status, text)
		}
	}
}

func TestTracesShowNoPlaceButCells(t *testing.T) {
	c := startReal(t)
	c.run("func at(i int) int {\n\ta := []int{1}\n\treturn a[i]\n}")
	for range 5 { // the runtime writes its trace in pieces, each time in others
		if _, text := c.run("// comment\n%%\nvar z = at(3)\n_ = z"); !strings.Contains(text, "\tcell [1] line 3") || !strings.Contains(text, "\tcell line 3") || strings.Contains(text, "main.go") {
			t.Errorf("the trace is\n%s", text)
		}
	}
}

func TestInterruptStopsWhateverRuns(t *testing.T) {
	c := startImpatient(t, time.Hour, time.Hour) // nothing is killed
	c.run("%%\nfmt.Println()")
	slow := filepath.Join(c.tmp, "slow")
	if err := os.Mkdir(slow, 0o700); err != nil {
		t.Fatal(err)
	}
	// A compiler that takes its time, for the build.
	tool := filepath.Join(slow, "tool")
	if err := os.WriteFile(tool, []byte("#!/bin/sh\ncase $1 in */compile) touch "+filepath.Join(c.tmp, "build")+"; sleep 3600 ;; esac\nexec \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ name, code string }{
		{"loop", "%%\nos.WriteFile(\"" + filepath.Join(c.tmp, "loop") + "\", nil, 0o600)\nfor {\n}"},
		{"child", "%%\nexec.Command(\"sh\", \"-c\", \"touch " + filepath.Join(c.tmp, "child") + "; sleep 3600\").Run()\ntime.Sleep(time.Hour)"},
		{"shell", "!touch " + filepath.Join(c.tmp, "shell") + "; sleep 3600; sleep 3600\n!sleep 3600"},
		{"background", "!(trap '' HUP; sleep 3600) & touch " + filepath.Join(c.tmp, "background") + "\n"},
		{"script", "%%bash\ntouch " + filepath.Join(c.tmp, "script") + "\nsleep 3600\nsleep 3600\n"},
		{"build", "%goflags \"-toolexec=" + tool + "\"\nvar changed = 1\n%%\n_ = changed"},
	} {
		t.Run(step.name, func(t *testing.T) {
			long, queued := c.execute(step.code), c.execute("%%\nfmt.Println(1)")
			c.waitFor(filepath.Join(c.tmp, step.name))
			c.received()
			c.interrupt()
			if reply, _ := c.finished(long); reply["status"] != "error" || reply["ename"] != "interrupted" {
				t.Errorf("the cell: %v", reply)
			}
			if reply, _ := c.finished(queued); reply["status"] != "aborted" {
				t.Errorf("the cell behind it: %v", reply)
			}
			nobodySleeps(t, c, 0)
		})
	}
	if status, text := c.run("%goflags \"-ldflags=-s -w\"\n%%\nfmt.Println(1)"); status != "ok" || !strings.HasSuffix(text, "1\n") {
		t.Errorf("the next cell: %s, %q", status, text)
	}
}

// sleepers are programs called sleep that cells have left.
func sleepers(c *client) []string {
	var found []string
	for _, text := range c.leftovers() {
		if strings.Contains(text, "(sleep)") {
			found = append(found, text)
		}
	}
	return found
}

func TestKernelKilledWithSIGKILLLeavesNothing(t *testing.T) {
	c := startReal(t)
	// gopls runs as well
	if reply := c.reply(c.request(c.shell, "complete_request", map[string]any{"code": "%%\nfmt.Printl", "cursor_pos": 13})); !strings.Contains(fmt.Sprint(reply["matches"]), "Println") {
		t.Errorf("completion: %v", reply)
	}
	started := filepath.Join(c.tmp, "started")
	c.execute("%%\nos.WriteFile(\"" + started + "\", nil, 0o600)\nos.MkdirTemp(\"\", \"mine\")\nfor {\n}")
	c.waitFor(started)
	if n := len(c.leftovers()); n < 4 { // the folder, GoNB, gopls, the program
		t.Errorf("only %v can be seen while the cell runs", c.leftovers())
	}
	syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
	c.gone()
}

func TestJupyterKilledWithSIGKILLLeavesNothing(t *testing.T) {
	p := installed(t)
	c := startProgram(t, "parent", "TEST_GONB="+p.Program("gonb"), "TEST_GOPLS="+p.Program("gopls"), "TEST_PRELUDE="+p.Prelude())
	started := filepath.Join(c.tmp, "started")
	c.execute("%%\nos.WriteFile(\"" + started + "\", nil, 0o600)\nfor {\n}")
	c.waitFor(started)
	if n := len(c.leftovers()); n < 3 { // the folder, GoNB, the program
		t.Errorf("only %v can be seen while the cell runs", c.leftovers())
	}
	syscall.Kill(c.cmd.Process.Pid, syscall.SIGKILL)
	c.gone()
}

func TestCompletionAnswersWhileACellRuns(t *testing.T) {
	c := startReal(t)
	c.run("import \"time\"\n// Greet greets.\nfunc Greet(name string, times int) string { return name }\ntype Person struct { Name string; Age int }\nvar someone Person")
	started := filepath.Join(c.tmp, "started")
	long := c.execute("%%\nos.WriteFile(\"" + started + "\", nil, 0o600)\ntime.Sleep(time.Hour)")
	c.waitFor(started)
	for _, q := range []struct {
		code, matches string
		start         float64
	}{
		{"%%\nGre", "[Greet]", 3},
		{"%%\ns := \"äö𝄞\"; someone.N", "[Name]", 23},
		{"%%\ntime.Mill", "[Millisecond]", 8},
		{"var laterThanAll int\nfunc f() { laterT }", "[laterThanAll]", 32},
		{"!ls", "[]", 3},
		{"%lx ec", "[echo]", 4},
		{"%lx echo on", "[one once]", 9},
		{"%got", "[]", 0},
		{"%gof", "[%goflags]", 0},
	} {
		pos := len([]rune(strings.TrimSuffix(q.code, " }")))
		reply, _ := c.finished(c.request(c.shell, "complete_request", map[string]any{"code": q.code, "cursor_pos": pos}))
		if fmt.Sprint(reply["matches"]) != q.matches || reply["cursor_start"] != q.start {
			t.Errorf("%q: %v from %v, expected %s from %v", q.code, reply["matches"], reply["cursor_start"], q.matches, q.start)
		}
	}
	for code, want := range map[string]string{
		"%%\nGreet(\"a\", 1)": "Greet greets.", "%%\nGreet": "Greet greets.", "%%\nfmt.Println": "Println formats", "%lx echo": "%lx echo WORDS", "%env A b": "`%help`",
	} {
		reply, _ := c.finished(c.request(c.shell, "inspect_request", map[string]any{"code": code, "cursor_pos": len(code), "detail_level": 0}))
		if text := fmt.Sprint(reply["data"]); reply["found"] != true || !strings.Contains(text, want) {
			t.Errorf("%q: %v", code, reply)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.replies[long] != nil {
		t.Error("the cell had ended before the questions were asked")
	}
}

// TestJupyterKernelTest runs Jupyter's own conformance test. What it skips is said in the test's log.
func TestJupyterKernelTest(t *testing.T) {
	t.Parallel()
	p := installed(t)
	script, err := filepath.Abs(filepath.Join("testdata", "kernel_test.py"))
	if err != nil {
		t.Fatal(err)
	}
	out := runJupyter(t, t.TempDir(), underTest(t, p), p.PythonProgram("python"), script, "-v")
	for line := range strings.Lines(out) {
		if strings.Contains(line, "skipped") {
			t.Log(strings.TrimSpace(line))
		}
	}
	if !strings.Contains(out, "OK (skipped=2)") {
		t.Errorf("not what was expected:\n%s", out)
	}
}
