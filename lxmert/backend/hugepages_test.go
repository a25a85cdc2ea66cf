//go:build linux && cgo

package backend

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestHugePagesStartsAnewOnce runs this test's program as a command that calls HugePages and prints what it finds.
func TestHugePagesStartsAnewOnce(t *testing.T) {
	if os.Getenv("PRINT_ENVIRONMENT") == "1" {
		before := os.Getenv(restarted)
		HugePages()
		println("marked:" + before + " tunables:" + os.Getenv(tunables) + " mark:" + os.Getenv(restarted))
		os.Exit(0)
	}
	run := func(env ...string) string {
		cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), append(env, "PRINT_ENVIRONMENT=1")...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	setting, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled")
	if err == nil && strings.Contains(string(setting), "[madvise]") {
		if got := run(); got != "marked:1 tunables: mark:" {
			t.Errorf("the program says %q: it was not started anew, or leaves something to its children", got)
		}
	}
	if got := run(restarted + "=0"); got != "marked:0 tunables: mark:0" {
		t.Errorf("turned off, the program says %q", got)
	}
	if got := run(tunables + "=glibc.malloc.check=0"); got != "marked: tunables:glibc.malloc.check=0 mark:" {
		t.Errorf("with the user's own setting the program says %q", got)
	}
}
