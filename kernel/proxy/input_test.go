package proxy

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// executeAsking sends a cell from a front end whose user can be asked.
func (c *client) executeAsking(code string) string {
	c.t.Helper()
	return c.request(c.shell, "execute_request", map[string]any{"code": code, "silent": false, "store_history": true, "allow_stdin": true, "stop_on_error": true})
}

// question waits for the n-th question since the kernel's start, counted from 1.
func (c *client) question(n int) map[string]any {
	c.t.Helper()
	c.wait(fmt.Sprintf("question %d", n), func() bool { return len(c.asked) >= n })
	c.mu.Lock()
	defer c.mu.Unlock()
	return contentOf(c.t, c.asked[n-1])
}

func (c *client) questions() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.asked)
}

// answer types a line.
func (c *client) answer(line string) {
	c.t.Helper()
	c.request(c.stdin, "input_reply", map[string]any{"value": line})
}

func textOf(t *testing.T, published []*message) string {
	var b strings.Builder
	for _, m := range published {
		if m.head.Type == "stream" {
			fmt.Fprint(&b, contentOf(t, m)["text"])
		}
	}
	return b.String()
}

func TestInputIsAtItsEndWhereNobodyCanBeAsked(t *testing.T) {
	c := startReal(t)
	for _, step := range []struct{ code, text string }{
		{"import \"fmt\"\n\n%%\nvar name string\nfmt.Print(\"which picture? \")\nn, err := fmt.Scanln(&name)\nfmt.Println(n, err, name)", "which picture? 0 EOF \n"},
		{"%%\nlines := bufio.NewScanner(os.Stdin)\nfor lines.Scan() {\n\tfmt.Println(lines.Text())\n}\nfmt.Println(\"end\", lines.Err())", "end <nil>\n"},
		{"var typed, atStart = bufio.NewReader(os.Stdin).ReadString('\\n')\n%%\nfmt.Printf(\"%q %v\\n\", typed, atStart)", "\"\" EOF\n"},
		{"%rm typed\n%%\nout, err := exec.Command(\"cat\").CombinedOutput()\nfmt.Println(len(out), err)", ""},
		{"%%\ncmd := exec.Command(\"cat\")\ncmd.Stdin = os.Stdin\nfmt.Println(cmd.Run())", "<nil>\n"},
		{"!read x; echo \"got [$x]\"", "got []\n"},
		{"!cat; \\\necho 'it is'\"'s end\"\n", "it is's end\n"},
		{"!*cat; basename \"$PWD\" | cut -c1-5", "gonb_\n"},
		{"%with_inputs\n!read x; echo \"got [$x]\"", "got []\n"},
		{"%%bash\nread x\nits own text\necho \"got [$x]\"", "got [its own text]\n"},
		{"%test\nfunc TestReads(t *testing.T) {\n\tif n, err := os.Stdin.Read(make([]byte, 1)); n != 0 || err != io.EOF {\n\t\tt.Error(n, err)\n\t}\n}", "--- PASS: TestReads"},
	} {
		status, text := c.run(step.code)
		if status != "ok" || !strings.Contains(text, step.text) {
			t.Errorf("%q: %s, %q, expected %q", step.code, status, text, step.text)
		}
	}
	if n := c.questions(); n != 0 {
		t.Errorf("%d questions came", n)
	}
}

func TestUserIsAskedForWhatAProgramReads(t *testing.T) {
	if !seesReaders {
		t.Skip("skipped: only Linux shows whether a program reads")
	}
	c := startReal(t)
	asked := 0
	for _, step := range []struct {
		code     string
		answers  []string
		password bool
		text     string
	}{
		{"import \"fmt\"\n\n%%\nvar a, b string\nfmt.Print(\"which picture? \")\nfmt.Scanln(&a)\nfmt.Scanln(&b)\nfmt.Println(a, b)", []string{"one", "two"}, false, "which picture? one two\n"},
		{"%%\ntime.Sleep(300 * time.Millisecond)\nfmt.Println(\"never reads\")", nil, false, "never reads\n"},
		{"%%\nlines := bufio.NewScanner(os.Stdin)\nfor lines.Scan() {\n\tfmt.Println(lines.Text())\n}\nfmt.Println(\"end\")", []string{"ä b", "", endOfInput}, false, "ä b\n\nend\n"},
		{"%%\ncmd := exec.Command(\"head\", \"-n1\")\ncmd.Stdin, cmd.Stdout = os.Stdin, os.Stdout\nfmt.Println(cmd.Run())", []string{"to a child"}, false, "to a child\n<nil>\n"},
		{"!read x; echo \"got [$x]\"\n!read -t 100 y; echo \"and [$y]\"", []string{"it's", "$HOME"}, false, "got [it's]\nand [$HOME]\n"},
		{"%with_password\n%%\nvar secret string\nfmt.Scanln(&secret)\nfmt.Println(len(secret))", []string{"hidden"}, true, "6\n"},
		{"var typed string\nvar n, _ = fmt.Scan(&typed)\n%%\nfmt.Println(n, typed)", []string{"first"}, false, "1 first\n"},
		{"%with_password\n!read x; echo ${#x}", []string{"hidden!"}, true, "7\n"}, // GoNB's, which may ask once more, so it is the last
	} {
		id := c.executeAsking(step.code)
		for _, line := range step.answers {
			asked++
			if q := c.question(asked); q["password"] != step.password {
				t.Errorf("%q asks %v", step.code, q)
			}
			c.answer(line)
		}
		reply, published := c.finished(id)
		if text := textOf(t, published); reply["status"] != "ok" || !strings.HasPrefix(text, step.text) {
			t.Errorf("%q: %v, %q, expected %q", step.code, reply, text, step.text)
		}
		if n := c.questions(); n != asked && !strings.HasPrefix(step.code, "%with_password\n!") {
			t.Fatalf("%q: %d questions, expected %d", step.code, n, asked)
		}
	}
}

func TestInterruptEndsTheWaitForInput(t *testing.T) {
	if !seesReaders {
		t.Skip("skipped: only Linux shows whether a program reads")
	}
	c := startReal(t)
	for i, step := range []struct{ code, status, text string }{
		{"%%\nvar x string\nfmt.Scanln(&x)\nfmt.Println(\"not reached\")", "error", ""},
		{"!read x; echo goes on", "error", ""},
		{"%%\nsignal.Ignore(os.Interrupt)\n_, err := os.Stdin.Read(make([]byte, 1))\nfmt.Println(err)", "ok", "EOF\n"},
	} {
		id := c.executeAsking(step.code)
		c.question(i + 1)
		c.interrupt()
		reply, published := c.finished(id)
		if text := textOf(t, published); reply["status"] != step.status || text != step.text {
			t.Errorf("%q: %v, %q", step.code, reply, text)
		}
	}
	c.answer("too late")
	if status, text := c.run("%%\nvar x string\n_, err := fmt.Scanln(&x)\nfmt.Println(x, err)"); status != "ok" || text != " EOF\n" {
		t.Errorf("the next cell: %s, %q", status, text)
	}
}

// TestShellLinesMeanTheSameWithInput has bash run lines of cells as GoNB puts them together.
func TestShellLinesMeanTheSameWithInput(t *testing.T) {
	for _, step := range []struct{ code, out string }{
		{"!echo plain", "plain\n"},
		{"!  echo 'one'\\''s'", "one's\n"},
		{"!echo \"$((1+2))\" `echo x`; cat", "3 x\n"},
		{"!echo a \\\n  b 'c \\\n d'", "a b c   d\n"},
		{"!exit 4", ""},
		{"!true # it's a comment", ""},
	} {
		c := parseCell(step.code)
		code := c.composeForGoNB(redirection{path: "/dev/null"}, showing{}).String()
		if n := strings.Count(code, "\n"); n != strings.Count(step.code, "\n") {
			t.Errorf("%q: has other lines: %q", step.code, code)
		}
		command := strings.TrimPrefix(code, "!")
		out, err := exec.Command("/bin/bash", "-c", command).CombinedOutput()
		if string(out) != step.out || (err != nil) != strings.Contains(step.code, "exit") {
			t.Errorf("%q becomes %q: %q, %v", step.code, code, out, err)
		}
	}
	for _, code := range []string{"!*", "%cd x", "%%bash\n!read x", "%with_inputs\n!read x"} {
		c := parseCell(code)
		if got := c.composeForGoNB(redirection{path: "/dev/null", mayAsk: true}, showing{}).String(); got != code {
			t.Errorf("%q becomes %q", code, got)
		}
	}
}
