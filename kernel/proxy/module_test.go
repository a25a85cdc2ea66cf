package proxy

import (
	"archive/zip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/internal/testwait"
)

// moduleProxy makes a folder that Go takes for a module proxy, with the module example.com/greet.
func moduleProxy(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	dir := filepath.Join(root, "example.com", "greet", "@v")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	mod := "module example.com/greet\n\ngo 1.20\n"
	for name, text := range map[string]string{"list": "v1.2.3\n", "v1.2.3.info": `{"Version":"v1.2.3"}`, "v1.2.3.mod": mod} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.Create(filepath.Join(dir, "v1.2.3.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z := zip.NewWriter(file)
	for name, text := range map[string]string{"go.mod": mod, "greet.go": "package greet\n\nfunc Everybody() string { return \"hello\" }\n"} {
		w, err := z.Create("example.com/greet@v1.2.3/" + name)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return "file://" + filepath.ToSlash(root)
}

// startWithModules starts a kernel whose Go has modules from a proxy, and from the module cache of this machine, and keeps
// them in a cache of its own.
func startWithModules(t *testing.T, proxy string, env ...string) *client {
	t.Helper()
	p := installed(t)
	have, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	cache := filepath.Join(strings.TrimSpace(string(have)), "cache", "download")
	env = append([]string{
		"TEST_GONB=" + p.Program("gonb"), "TEST_PRELUDE=" + p.Prelude(), fmt.Sprintf("TEST_GRACE=%d %d", time.Hour, time.Hour),
		"GOPROXY=" + proxy + ",file://" + filepath.ToSlash(cache), "GONOSUMDB=*", "GOFLAGS=-modcacherw", "GOMODCACHE=" + filepath.Join(t.TempDir(), "mod"),
	}, env...)
	return startKernel(t, env...)
}

func TestModuleThatACellImportsIsFetched(t *testing.T) {
	c := startWithModules(t, moduleProxy(t))
	const greets = "import \"example.com/greet\"\nfunc f() string { return greet.Everybody() }\n%% once\nfmt.Println(f(), len(os.Args))"
	count := filepath.Join(c.tmp, "count")
	for _, step := range []struct{ code, status, text string }{
		{"%noautoget\n%%\nfmt.Println(1)", "ok", "1\n"},
		{greets, "error", "compile error: cell line 1: no required module provides package example.com/greet; to add it: `!*go get example.com/greet` in a cell"},
		{"%autoget\n%noautoget\n%autoget", "ok", ""},
		{"%reset\n", "ok", "* State reset: all memorized declarations discarded.\n"},
	} {
		if status, text := c.run(step.code); status != step.status || text != step.text {
			t.Errorf("%q: %s, %q", step.code, status, text)
		}
	}

	c = startWithModules(t, moduleProxy(t))
	const reset, done = "%reset\n", "* State reset: all memorized declarations discarded.\n"
	for _, step := range []struct{ code, text string }{
		{"!echo x >> " + count + "\n%env AB=c\n" + greets, "Set: AB=\"c\"\ngetting example.com/greet v1.2.3 …\nadded example.com/greet v1.2.3\nhello 2\n"},
		{"!cat " + count, "x\n"}, // commands are done once
		{"%%\nfmt.Println(f())", "hello\n"},
		{reset, done},
		{"%%\nfmt.Println(greet.Everybody())", "added example.com/greet v1.2.3\nhello\n"}, // goimports has found it in the module cache
		{reset, done},
		{"%test\nimport (\"testing\"; \"example.com/greet\")\nfunc TestGreet(t *testing.T) { t.Log(greet.Everybody()) }", "added example.com/greet v1.2.3\n=== RUN   TestGreet\n"},
	} {
		if status, text := c.run(step.code); status != "ok" || text != step.text && !strings.HasPrefix(step.code, "%test") || !strings.HasPrefix(text, step.text) {
			t.Errorf("%q: %s, %q, expected %q", step.code, status, text, step.text)
		}
	}
	for _, path := range []string{"example.com/nowhere", "example.com/greet/inside"} {
		status, text := c.run("import x \"" + path + "\"\n%%\nx.F()")
		before, after := "compile error: cell line 1: no required module provides package "+path+": ", "; to add it: `!*go get "+path+"` in a cell"
		if status != "error" || !strings.Contains(text, before) || !strings.HasSuffix(text, after) || strings.Contains(text, before[:len(before)-2]+after) {
			t.Errorf("%s: %s, %q", path, status, text)
		}
	}
	if status, text := c.run("%%\nfmt.Println(1)"); status != "ok" || text != "1\n" {
		t.Errorf("the next cell: %s, %q", status, text)
	}
}

func TestModuleThatCannotBeHadIsNamedWithTheCause(t *testing.T) {
	p := installed(t)
	c := startKernel(t, "TEST_GONB="+p.Program("gonb"), "TEST_PRELUDE="+p.Prelude(), "GOPROXY=off")
	for _, step := range []struct{ code, text string }{
		{"import \"fmt\"\nimport \"example.com/greet\"\n%%\nfmt.Println(greet.Everybody())", "compile error: cell line 2: no required module provides package example.com/greet: module lookup disabled by GOPROXY=off; to add it: `!*go get example.com/greet` in a cell"},
	} {
		status, text := c.run(step.code)
		if at := strings.LastIndex(text, "compile error"); at > 0 {
			text = text[at:]
		}
		if status != "error" || text != step.text {
			t.Errorf("%q: %s, %q", step.code, status, text)
		}
	}
	c = startKernel(t, "TEST_GONB="+p.Program("gonb"), "TEST_PRELUDE="+p.Prelude(), "GOPROXY=off", "GOFLAGS=-mod=mod")
	if status, text := c.run("import \"example.com/greet\"\n%%\ngreet.F()"); status != "error" || !strings.HasSuffix(text, "example.com/greet: module lookup disabled by GOPROXY=off; to add it: `!*go get example.com/greet` in a cell") {
		t.Errorf("%s, %q", status, text)
	}
	for _, code := range []string{
		"import \"gonum.org/v1/gonum/stat\"\n%%\nfmt.Println(stat.Mean([]float64{1, 3}, nil))",
		"import (\"golang.org/x/exp/constraints\"; \"golang.org/x/image/math/f64\")\nfunc g[T constraints.Float](x T) T { return x }\n%%\nfmt.Println(g(f64.Vec2{2}[0]))",
	} {
		if status, text := c.run(code); status != "ok" || text != "2\n" {
			t.Errorf("%q: %s, %q", code, status, text)
		}
	}
}

func TestFetchingAModuleCanBeInterrupted(t *testing.T) {
	asked := make(chan struct{}, 100)
	leave := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-r.Context().Done():
		case <-leave:
		}
	}))
	defer server.Close()
	defer close(leave)
	c := startWithModules(t, server.URL)
	id := c.execute("import \"example.com/greet\"\n%%\nfmt.Println(greet.Everybody())")
	testwait.Receive(t, "the module is asked for", asked)
	c.interrupt()
	if reply, _ := c.finished(id); reply["evalue"] != "the cell was interrupted" {
		t.Errorf("%v", reply)
	}
	if status, text := c.run("%%\nfmt.Println(1)"); status != "ok" || text != "1\n" {
		t.Errorf("the next cell: %s, %q", status, text)
	}
}
