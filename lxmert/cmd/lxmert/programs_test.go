package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// TestLaterProcessesFindCompiledPrograms runs the program itself, as often as it takes to compile, to find what was compiled,
// to find it damaged, and to do without.
func TestLaterProcessesFindCompiledPrograms(t *testing.T) {
	requireXLA(t)
	if runtime.GOOS != "linux" {
		t.Skip("compiled programs are kept on Linux only")
	}
	golden := goldentest.Folders(t, "model")[0]
	binary := toyRun{root: goldentest.Root(t)}.build(t)
	home := t.TempDir()
	programs := filepath.Join(home, "programs")
	trace := func(programs string) []byte {
		t.Helper()
		out := filepath.Join(home, "out.safetensors")
		cmd := exec.Command(binary, "trace", "--backend", "cpu", "--load", filepath.Join(golden, "tiny", "weights"), "--config", filepath.Join(golden, "config.json"),
			"--inputs", filepath.Join(golden, "tiny", "forward.safetensors"), "--want", "*", "--out", out)
		cmd.Env = append(os.Environ(), "GOLXMERT_PROGRAMS="+programs)
		if log, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, log)
		}
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	type file struct {
		info    os.FileInfo
		content []byte
	}
	files := func() map[string]file {
		t.Helper()
		all := map[string]file{}
		entries, err := os.ReadDir(programs)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil {
				t.Fatal(err)
			}
			content, err := os.ReadFile(filepath.Join(programs, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			all[e.Name()] = file{info, content}
		}
		return all
	}

	want := trace("0")
	if got := trace(programs); !bytes.Equal(got, want) {
		t.Error("the outputs of a program that is kept differ")
	}
	compiled := files()
	if len(compiled) == 0 {
		t.Fatal("no program was kept")
	}
	long := time.Now().Add(-time.Hour)
	for name, f := range compiled {
		if perm := f.info.Mode().Perm(); perm&0o077 != 0 {
			t.Errorf("%s has permissions %o, others must not write to it", name, perm)
		}
		if err := os.Chtimes(filepath.Join(programs, name), long, long); err != nil {
			t.Fatal(err)
		}
	}
	if got := trace(programs); !bytes.Equal(got, want) {
		t.Error("the outputs of a program that was found differ")
	}
	found := files()
	for name, f := range compiled {
		if !os.SameFile(f.info, found[name].info) || !found[name].info.ModTime().After(long) {
			t.Errorf("%s was written anew or not used", name)
		}
	}
	if len(found) != len(compiled) {
		t.Errorf("%d programs after the same command, %d before", len(found), len(compiled))
	}
	for name, f := range compiled {
		damaged := bytes.Clone(f.content)
		damaged[len(damaged)/2] ^= 1
		if err := os.WriteFile(filepath.Join(programs, name), damaged, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := trace(programs); !bytes.Equal(got, want) {
		t.Error("the outputs of a program whose file was damaged differ")
	}
	for name, f := range files() {
		if os.SameFile(f.info, compiled[name].info) {
			t.Errorf("%s is still damaged", name)
		}
	}
}
