package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// reportOf runs `go test -json` over a package of the given test file and returns what the report prints, and how many
// tests it says have failed.
func reportOf(t *testing.T, source string) (text string, failed int) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.com/x\n\ngo 1.26\n", "x_test.go": source} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-json", "-vet=off", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	stream, _ := cmd.Output() // it fails where a test does
	var out strings.Builder
	r := newTestReport(&out)
	if err := r.read(strings.NewReader(string(stream))); err != nil {
		t.Fatal(err)
	}
	r.finish()
	return out.String(), r.failed
}

func TestNoSkipIsSilent(t *testing.T) {
	text, failed := reportOf(t, `package x

import "testing"

func TestA(t *testing.T) { t.Skip("without xla: no plugin") }
func TestB(t *testing.T) {
	t.Run("one", func(t *testing.T) { t.Skip("without xla: no plugin") })
	t.Run("two", func(t *testing.T) { t.Log("something else"); t.SkipNow() })
}
func TestC(t *testing.T) { t.SkipNow() }
func TestD(t *testing.T) { t.Log("fine"); t.Attr("a-cell", "0.7 s") }
`)
	for _, want := range []string{
		"4 tests were skipped:\n",
		"  without xla: no plugin: example.com/x.TestA, example.com/x.TestB/one\n",
		"  no reason is given: example.com/x.TestC\n",
		"  something else: example.com/x.TestB/two\n",
		"measured:\n  a-cell 0.7 s\n",
		"ok  \texample.com/x",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
	if failed != 0 || strings.Contains(text, "fine") {
		t.Errorf("%d tests have failed, and those that passed are quoted:\n%s", failed, text)
	}
}

func TestFailuresSayWhatTheySaid(t *testing.T) {
	text, failed := reportOf(t, `package x

import "testing"

func TestA(t *testing.T) { t.Error("two and two are five") }
func TestB(t *testing.T) { t.Log("fine") }
`)
	if failed != 1 || !strings.Contains(text, "x_test.go:5: two and two are five") || strings.Contains(text, "fine") || !strings.Contains(text, "no test was skipped") {
		t.Errorf("%d failed:\n%s", failed, text)
	}
	text, failed = reportOf(t, `package x

import (
	"os"
	"testing"
)

func TestA(t *testing.T) { t.Log("on the way"); os.Stderr.WriteString("out of memory\n"); os.Exit(3) }
`)
	if failed == 0 || !strings.Contains(text, "out of memory") {
		t.Errorf("a test program that ends:\n%s", text)
	}
	text, _ = reportOf(t, "package x\n\nfunc broken() { return 1 }\n")
	if !strings.Contains(text, "too many return values") {
		t.Errorf("a package that does not compile:\n%s", text)
	}
}
