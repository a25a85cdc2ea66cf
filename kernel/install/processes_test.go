package install

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/testneed"
)

// installed is the installation of this machine. Without one the test is skipped, or fails where LXMERT_REQUIRE asks for it.
func installed(t *testing.T) Place {
	t.Helper()
	p, err := Find("")
	if err == nil {
		err = p.Check()
	}
	testneed.Require(t, "jupyter", err == nil, "`go run ./kernel install` brings it")
	return p
}

func TestProcessesOfEndedKernelsAreFound(t *testing.T) {
	proc, p := t.TempDir(), Place{"/i"}
	put := func(pid, parent int, comm string, argv ...string) {
		dir := filepath.Join(proc, strconv.Itoa(pid))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{
			"cmdline": strings.Join(argv, "\x00") + "\x00", "comm": comm + "\n", "stat": strconv.Itoa(pid) + " (" + comm + ") S " + strconv.Itoa(parent) + " 0 0",
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(1, 0, "init", "/sbin/init")
	put(2, 1, "systemd", "/usr/lib/systemd/systemd", "--user")
	put(10, 1, "bash", "bash")
	put(11, 10, "jupyter-lab", "/i/venv/bin/python3", "/i/venv/bin/jupyter-lab")
	put(12, 11, "kernel", "/i/bin/kernel", "run", "--dir", "/i", "/x.json")
	put(13, 12, "gonb (odd) name", "/i/bin/gonb", "--kernel")
	put(14, 1, "kernel", "/i/bin/kernel", "session", "serve")
	put(15, 1, "gopls", "/i/bin/gopls", "serve")
	put(16, 2, "kernel", "/i/bin/kernel", "run", "/y.json")
	put(17, 1, "gopls", "/elsewhere/bin/gopls", "serve")
	put(18, 1, "python3", "/i/venv/bin/python3")
	got := processesIn(proc, p)
	want := []Process{{11, "jupyter", false}, {12, "kernel run", false}, {13, "gonb", false}, {14, "kernel session", false}, {15, "gopls", true}, {16, "kernel run", true}}
	if !slices.Equal(got, want) {
		t.Errorf("found %+v, expected %+v", got, want)
	}
	says, end := describeProcesses(got)
	if !strings.Contains(says, "gopls (15), kernel run (16)") || end != "`kill 15 16`" {
		t.Errorf("it says %q, %q", says, end)
	}
	if says, end := describeProcesses(got[:2]); says != "running: jupyter (11), kernel run (12)" || end != "" {
		t.Errorf("it says %q, %q", says, end)
	}
}

func TestKernelsOfAContainerWhoseFirstProcessIsJupyterAreNoOrphans(t *testing.T) {
	proc := t.TempDir()
	for pid, cmdline := range map[string]string{"1": "python3\x00/usr/bin/jupyter-lab\x00", "7": "/i/bin/kernel\x00run\x00x\x00"} {
		dir := filepath.Join(proc, pid)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"cmdline": cmdline, "comm": "python3\n", "stat": pid + " (x) S 1 0"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got, want := processesIn(proc, Place{"/i"}), []Process{{7, "kernel run", false}}; !slices.Equal(got, want) {
		t.Errorf("found %+v", got)
	}
}
