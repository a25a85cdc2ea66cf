package main

import (
	"crypto/rand"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/kernel/install"
	"github.com/seed-516990b0/golxmert/lxmert/testneed"
)

// labPatience is how long a test waits for what JupyterLab or a cell should have done long before, on a machine that
// does other things as well.
const labPatience = 3 * time.Minute

// lab is a JupyterLab that serves a folder of the test.
type lab struct {
	address string // http://127.0.0.1:PORT
	token   string
	folder  string // of the notebooks
	process int
}

// startLab starts the installed JupyterLab with files of its own, so that nobody's settings, workspaces or trusted
// notebooks are met, and ends it with the test.
func startLab(t *testing.T, place install.Place) *lab {
	t.Helper()
	l := &lab{token: rand.Text(), folder: t.TempDir()}
	own := t.TempDir()
	said, err := os.Create(filepath.Join(own, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(place.PythonProgram("jupyter"), "lab", "--no-browser", "--ServerApp.root_dir="+l.folder,
		"--ServerApp.ip=127.0.0.1", "--ServerApp.port="+strconv.Itoa(freePort(t)), "--IdentityProvider.token="+l.token)
	if os.Geteuid() == 0 {
		cmd.Args = append(cmd.Args, "--allow-root")
	}
	cmd.Env = os.Environ()
	for name, dir := range map[string]string{
		"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython",
		"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
	} {
		cmd.Env = append(cmd.Env, name+"="+filepath.Join(own, dir))
	}
	cmd.Stdout, cmd.Stderr = said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	l.process = cmd.Process.Pid
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		syscall.Kill(-l.process, syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(labPatience):
			syscall.Kill(-l.process, syscall.SIGKILL)
			t.Errorf("JupyterLab has not ended %s after SIGTERM", labPatience)
		}
		said.Close()
		if t.Failed() {
			text, _ := os.ReadFile(said.Name())
			t.Logf("JupyterLab said:\n%s", lastLines(string(text), 40))
		}
	})
	info := filepath.Join(own, "runtime", "jpserver-"+strconv.Itoa(l.process)+".json")
	for end := time.Now().Add(labPatience); ; {
		if text, err := os.ReadFile(info); err == nil {
			var server struct{ Port int }
			if json.Unmarshal(text, &server) == nil && server.Port > 0 {
				l.address = "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(server.Port))
				return l
			}
		}
		select {
		case <-ended:
			t.Fatal("JupyterLab ended at once")
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(end) {
			t.Fatalf("JupyterLab does not serve after %s", labPatience)
		}
	}
}

// freePort is a port of this machine that nobody listens on at this moment; JupyterLab takes the next one if somebody
// was quicker.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// write puts a notebook with cells of Go into the folder.
func (l *lab) write(t *testing.T, name string, cells ...string) {
	t.Helper()
	list := []any{}
	for i, source := range cells {
		list = append(list, map[string]any{
			"cell_type": "code", "id": "cell-" + strconv.Itoa(i), "metadata": struct{}{}, "execution_count": nil, "outputs": []any{}, "source": source,
		})
	}
	text, err := json.Marshal(map[string]any{
		"cells": list, "nbformat": 4, "nbformat_minor": 5,
		"metadata": map[string]any{"kernelspec": map[string]string{"name": install.KernelName, "display_name": install.DisplayName, "language": "go"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	writeTestFile(t, filepath.Join(l.folder, name), string(text))
}

func writeTestFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// chromium finds the browser. Without one the test is skipped, or fails if LXMERT_REQUIRE lists "chromium".
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	testneed.Require(t, "chromium", false, "neither chromium nor google-chrome is on the PATH: JupyterLab was not tried in a browser")
	return ""
}
