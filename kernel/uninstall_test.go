package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/testwait"
	"github.com/seed-516990b0/golxmert/kernel/install"
	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
)

// emptyHome makes the user's home an empty folder, with nothing of the project anywhere else.
func emptyHome(t *testing.T) string {
	t.Helper()
	home := filepath.Join(t.TempDir(), "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", home)
	for _, name := range []string{"XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", install.DirEnv, wire.DirEnv, toy.FolderEnv} {
		t.Setenv(name, "") // to be put back
		os.Unsetenv(name)
	}
	return home
}

// filesIn lists everything below a folder, but for what Go itself keeps.
func filesIn(t *testing.T, folder string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == folder {
			return err
		}
		inside, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		for _, own := range []string{"go", ".cache/go-build", ".config/go"} {
			if inside == own {
				return fs.SkipDir
			}
		}
		list = append(list, inside)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func touch(t *testing.T, parts ...string) {
	t.Helper()
	path := filepath.Join(parts...)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("something"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// furnish puts into a home what an installation, a session and the toy world leave there.
func furnish(t *testing.T) (place install.Place, world string) {
	t.Helper()
	place, err := install.Find("")
	if err != nil {
		t.Fatal(err)
	}
	cache := filepath.Dir(place.Dir)
	for _, path := range []string{"kernel/steps/python", "kernel/venv/bin/python", "kernel/jupyter/config/migrated", "kernel/gopls/index",
		"pjrt/cpu/xla_cpu_pjrt.so", "probe/0123.json", "autotune/0123/x.pb", "store/0123/train.store/manifest.json"} {
		touch(t, cache, path)
	}
	s, err := wire.Find("")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Prepare(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{s.Lock, s.LastOut, s.Log, s.Log + ".1", filepath.Join(s.Runs, "vqa-1", "run.json")} {
		touch(t, path)
	}
	if world, err = toy.Folder(); err != nil {
		t.Fatal(err)
	}
	if _, err := toy.Make(t.Context(), world, toy.Options{Scale: 0.001}); err != nil {
		t.Fatal(err)
	}
	touch(t, world, "snap", "vqa", "toy", "LAST.pth")
	if _, err := toy.FindWeights(toy.Pretrained); err != nil { // as notebook 09 does
		t.Fatal(err)
	}
	return place, world
}

// kernelCommand runs a command line as main does.
func kernelCommand(t *testing.T, args ...string) (code int, says string) {
	t.Helper()
	var out bytes.Buffer
	root := rootCommand()
	root.SetOut(&out)
	root.SetErr(&out)
	code = run(t.Context(), root, args)
	return code, out.String()
}

func TestUninstallLeavesAHomeAsItWas(t *testing.T) {
	home := emptyHome(t)
	touch(t, home, "thesis.tex")
	before := filesIn(t, home)
	furnish(t)
	touch(t, home, ".cache", "somebody", "else") // what others keep in the cache
	if code, says := kernelCommand(t, "uninstall"); code != 0 {
		t.Fatal(says)
	}
	want := append(before, ".cache", ".cache/somebody", ".cache/somebody/else")
	slices.Sort(want)
	if got := filesIn(t, home); !slices.Equal(got, want) {
		t.Errorf("there is %v, expected %v", got, want)
	}
	code, says := kernelCommand(t, "uninstall")
	if code != 0 || !strings.Contains(says, "nothing is installed") {
		t.Errorf("the second time: code %d, %s", code, says)
	}
}

func TestUninstallKeepsWhatTheUserMade(t *testing.T) {
	emptyHome(t)
	_, world := furnish(t)
	mine := []string{filepath.Join(world, "snap", "vqa", "mine", "BEST.pth"), filepath.Join(world, "snap", "gqa", "other", "LAST.pth"),
		filepath.Join(world, "snap", "pretrained", "model_LXRT.pth"), filepath.Join(world, "notes.txt")}
	for _, path := range mine {
		touch(t, path)
	}
	code, says := kernelCommand(t, "uninstall")
	if code != 0 || !strings.Contains(says, "what you made in "+world+" stays") {
		t.Errorf("code %d, %s", code, says)
	}
	got := filesIn(t, world)
	got = slices.DeleteFunc(got, func(name string) bool {
		info, err := os.Stat(filepath.Join(world, name))
		return err == nil && info.IsDir()
	})
	if want := []string{"notes.txt", "snap/gqa/other/LAST.pth", "snap/pretrained/model_LXRT.pth", "snap/vqa/mine/BEST.pth"}; !slices.Equal(got, want) {
		t.Errorf("there is %v, expected %v", got, want)
	}
}

func TestUninstallLeavesFoldersOfOthersAlone(t *testing.T) {
	home := emptyHome(t)
	data, own := filepath.Join(home, "data"), filepath.Join(home, "session")
	touch(t, data, "photo.jpg")
	touch(t, own, "letter.txt")
	t.Setenv(toy.FolderEnv, data)
	t.Setenv(wire.DirEnv, own)
	if err := os.Chmod(own, 0o700); err != nil {
		t.Fatal(err)
	}
	touch(t, own, "runs", "vqa-1", "run.json")
	if code, says := kernelCommand(t, "uninstall", "--dir", data); code != 1 || !strings.Contains(says, "left as it is") {
		t.Errorf("code %d, %s", code, says)
	}
	if got, want := filesIn(t, home), []string{"data", "data/photo.jpg", "session", "session/letter.txt"}; !slices.Equal(got, want) {
		t.Errorf("there is %v, expected %v", got, want)
	}
}

func TestUninstallWaitsForJupyter(t *testing.T) {
	if _, err := os.Stat("/proc/self/cmdline"); err != nil {
		t.Skip("this system does not say what runs")
	}
	emptyHome(t)
	place, _ := furnish(t)
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(sleep, place.PythonProgram("jupyter-lab")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(place.PythonProgram("jupyter-lab"), "100000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	code, says := kernelCommand(t, "uninstall")
	if want := fmt.Sprintf("jupyter (process %d) is running", cmd.Process.Pid); code != 1 || !strings.Contains(says, want) {
		t.Errorf("code %d, %s, expected %q", code, says, want)
	}
	cmd.Process.Kill()
	cmd.Wait()
	if code, says := kernelCommand(t, "uninstall"); code != 0 {
		t.Error(says)
	}
}

// TestJupyterWritesIntoTheInstallation runs the installed JupyterLab and nbconvert with an empty home.
func TestJupyterWritesIntoTheInstallation(t *testing.T) {
	installed, _ := installation(t)
	var caches []string
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH"} {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		caches = append(caches, name, strings.TrimSpace(string(out)))
	}
	home := emptyHome(t)
	for i := 0; i < len(caches); i += 2 {
		t.Setenv(caches[i], caches[i+1])
	}
	place, err := install.Find("")
	if err != nil {
		t.Fatal(err)
	}
	for _, note := range []string{"python", "gonb", "goimports", "gopls"} {
		text, err := os.ReadFile(filepath.Join(installed.Dir, "steps", note))
		if err != nil {
			t.Fatal(err)
		}
		touch(t, place.Dir, "steps", note)
		if err := os.WriteFile(filepath.Join(place.Dir, "steps", note), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(installed.Dir, "venv"), filepath.Join(place.Dir, "venv")); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	notebook := filepath.Join(folder, "one.ipynb")
	text, err := json.Marshal(map[string]any{
		"cells": []any{map[string]any{"cell_type": "code", "id": "a", "execution_count": nil, "metadata": map[string]any{}, "outputs": []any{},
			"source": "import \"fmt\"\n\n%%\nfmt.Println(6*7)"}},
		"metadata": map[string]any{"kernelspec": map[string]any{"name": install.KernelName, "display_name": install.DisplayName, "language": "go"}},
		"nbformat": 4, "nbformat_minor": 5,
	})
	if err == nil {
		err = os.WriteFile(notebook, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := executeNotebook(t.Context(), place, notebook, t.TempDir(), "notebook", testwait.Patience(t)); err != nil {
		t.Fatal(err)
	}
	runLabOnce(t, place, folder)
	if err := os.Symlink(filepath.Join(installed.Dir, "bin"), filepath.Join(place.Dir, "bin")); err != nil {
		t.Fatal(err)
	}
	for _, f := range install.Doctor(t.Context(), place) { // half of it is missing; what it tries must not write elsewhere
		t.Log(f)
	}
	allowed := map[string]bool{".cache": true, ".cache/golxmert": true, ".cache/goimports": true, ".config": true}
	for _, name := range filesIn(t, home) {
		inside, err := filepath.Rel(place.Dir, filepath.Join(home, name))
		if !allowed[name] && (err != nil || !filepath.IsLocal(inside)) {
			t.Errorf("%s was written", name)
		}
	}
	if _, err := os.Stat(filepath.Join(place.Dir, "jupyter", "runtime")); err != nil {
		t.Errorf("Jupyter has written nothing at all: %v", err)
	}
	if code, says := kernelCommand(t, "uninstall"); code != 0 {
		t.Error(says)
	}
	if _, err := os.Stat(installed.PythonProgram("python")); err != nil {
		t.Fatalf("the link was followed: %v", err)
	}
	for _, name := range filesIn(t, home) {
		if name != ".cache" && name != ".config" {
			t.Errorf("%s is left", name)
		}
	}
}

// runLabOnce starts JupyterLab as quickstart does, asks it for its notebooks, and ends it.
func runLabOnce(t *testing.T, place install.Place, folder string) {
	t.Helper()
	l := &lab{token: rand.Text(), folder: folder}
	stop := l.serve(t, place, place.Environment(), filepath.Join(place.Dir, "jupyter", "runtime"))
	defer stop()
	r, err := http.Get(l.address + "/lab/api/workspaces?token=" + l.token)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusOK {
		t.Errorf("JupyterLab answers %s", r.Status)
	}
}
