//go:build cgo && linux

package backend

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/internal/testwait"
)

// buildPlugin compiles a shared library whose GetPjrtApi has the given body.
func buildPlugin(t *testing.T, name, body string) string {
	t.Helper()
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("skipped: no C compiler (cc) to build a misbehaving plugin with")
	}
	dir := t.TempDir()
	source, plugin := filepath.Join(dir, "p.c"), filepath.Join(dir, name)
	putFile(t, source, "#include <stdio.h>\n#include <stdlib.h>\n#include <unistd.h>\nconst void *GetPjrtApi(void) {"+body+"}\n")
	if out, err := exec.Command(cc, "-shared", "-fPIC", "-O0", "-w", "-o", plugin, source).CombinedOutput(); err != nil {
		t.Skipf("skipped: the C compiler builds no shared library: %s", out)
	}
	return plugin
}

func TestMisbehavingPluginsBecomeReasons(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"aborts", "abort();", "crashes (abort)"},
		{"segfaults", "*(volatile int *)0 = 1; return 0;", "crashes (segmentation fault)"},
		{"speaks and aborts", `fprintf(stderr, "F0000 this processor has no AVX9\n"); abort();`, "this processor has no AVX9"},
		{"exits", "_exit(7);", "exit status 7"},
		{"exits as if all were well", `_exit(0);`, "without an answer"},
		{"answers garbage", `puts("\nlxmert-probe:{\"devices\":"); fflush(stdout); _exit(0);`, "without an answer"},
		{"has no interface", "return 0;", "go-xla"},
		{"hangs", "for (;;) sleep(1);", "hangs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			plugin := buildPlugin(t, "pjrt_c_api_cpu_bad_plugin.so", c.body)
			limit := testwait.Patience(t)
			if c.name == "hangs" {
				limit = 500 * time.Millisecond
			}
			r := probeChild(t.Context(), plugin, limit)
			if !strings.Contains(r.Err, c.want) || strings.Contains(r.Err, "\n") {
				t.Errorf("reason %q, want one with %q", r.Err, c.want)
			}
		})
	}
}

func TestCrashingPluginDoesNotStopOpen(t *testing.T) {
	plugin := buildPlugin(t, "pjrt_c_api_cpu_bad_plugin.so", "abort();")
	m, env := fakeMachine(t)
	m.probe, m.load = thisMachine().probe, loadXLA
	env["PJRT_PLUGIN_LIBRARY_PATH"] = filepath.Dir(plugin)
	var log strings.Builder
	b, err := m.open(t.Context(), "", &log)
	if err != nil || b.Kind != KindGo || !strings.Contains(log.String(), "crashes (abort)") {
		t.Errorf("%+v, %v; log %s", b, err, log.String())
	}
	if _, err := os.Stat(m.noteFile(plugin)); err == nil {
		t.Error("a plugin that crashes is remembered as good")
	}
}

func TestLibraryThatIsNoPluginIsAnError(t *testing.T) {
	plugin := buildPlugin(t, "xla_cpu_pjrt.so", "return 0;")
	text, err := os.ReadFile(plugin)
	if err != nil {
		t.Fatal(err)
	}
	renamed := filepath.Join(t.TempDir(), "xla_cpu_pjrt.so")
	putFile(t, renamed, strings.ReplaceAll(string(text), "GetPjrtApi", "GetNothing"))
	if r := probeChild(t.Context(), renamed, testwait.Patience(t)); !strings.Contains(r.Err, "GetPjrtApi") {
		t.Errorf("reason %q", r.Err)
	}
	if _, err := Open(t.Context(), "xla:"+plugin, nil); err == nil || !strings.Contains(err.Error(), plugin) {
		t.Errorf("opened directly: %v", err)
	}
}
