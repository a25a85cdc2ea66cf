package main

import (
	"crypto/rand"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/internal/testwait"
	"github.com/seed-516990b0/golxmert/kernel/install"
)

// lab is a JupyterLab that serves a folder of the test.
type lab struct {
	address string // http://127.0.0.1:PORT
	token   string
	folder  string // of the notebooks
}

// startLab starts the installed JupyterLab with files of its own, so that nobody's settings, workspaces or trusted
// notebooks are met, and ends it with the test.
func startLab(t *testing.T, place install.Place) *lab {
	t.Helper()
	l := &lab{token: rand.Text(), folder: t.TempDir()}
	own := t.TempDir()
	env := os.Environ()
	for name, dir := range map[string]string{
		"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython",
		"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
	} {
		env = append(env, name+"="+filepath.Join(own, dir))
	}
	l.serve(t, place, env, filepath.Join(own, "runtime"))
	return l
}

// serve starts the installed JupyterLab in an environment, of which runtime is the folder where it says on which port it
// listens. It ends when stop is called, or with the test.
func (l *lab) serve(t *testing.T, place install.Place, env []string, runtime string) (stop func()) {
	t.Helper()
	said, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(place.PythonProgram("jupyter"), "lab", "--no-browser", "--ServerApp.root_dir="+l.folder,
		"--ServerApp.ip=127.0.0.1", "--ServerApp.port="+strconv.Itoa(freePort(t)), "--IdentityProvider.token="+l.token)
	if os.Geteuid() == 0 {
		cmd.Args = append(cmd.Args, "--allow-root")
	}
	cmd.Env, cmd.Stdout, cmd.Stderr = env, said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	stop = sync.OnceFunc(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		limit := testwait.Patience(t)
		select {
		case <-ended:
		case <-time.After(limit):
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			t.Errorf("JupyterLab has not ended %s after SIGTERM", limit)
		}
		said.Close()
		if t.Failed() {
			text, _ := os.ReadFile(said.Name())
			t.Logf("JupyterLab said:\n%s", lastLines(string(text), 40))
		}
	})
	t.Cleanup(stop)
	info := filepath.Join(runtime, "jpserver-"+strconv.Itoa(cmd.Process.Pid)+".json")
	testwait.Until(t, "JupyterLab serves", func() bool {
		select {
		case <-ended:
			t.Fatal("JupyterLab ended at once")
		default:
		}
		text, err := os.ReadFile(info)
		var server struct{ Port int }
		if err != nil || json.Unmarshal(text, &server) != nil || server.Port == 0 {
			return false
		}
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(server.Port))
		conn, err := net.Dial("tcp", address) // the file is there before the port is open
		if err != nil {
			return false
		}
		conn.Close()
		l.address = "http://" + address
		return true
	})
	return stop
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
