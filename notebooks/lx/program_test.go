package lx

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/testwait"
	"github.com/seed-516990b0/golxmert/kernel/client"
)

// ownFlags are those of the example of a loss of one's own, see notebooks/own.
func ownFlags(folder string, epochs int, more ...string) []string {
	return append(scratch("--output", folder), append(more, fmt.Sprintf("--backend go --train nominival --valid minival --saveSteps 1 --dropout 0.1 --epochs %d", epochs))...)
}

// TestAProgramThatWasKilledGoesOnToTheSameEnd, with a loss and parameters of its own, and is followed by its folder.
func TestAProgramThatWasKilledGoesOnToTheSameEnd(t *testing.T) {
	tinyWorld(t)
	dir := t.TempDir()
	parts, whole := filepath.Join(dir, "parts"), filepath.Join(dir, "whole")
	epochs := 2
	for ; ; epochs *= 4 { // one that has come to its end before it is killed is followed by a longer one
		Program("../own", ownFlags(parts, epochs)...)
		testwait.Until(t, "a state is saved", func() bool {
			_, err := os.Stat(filepath.Join(parts, "state.safetensors"))
			return err == nil || !held(parts)
		})
		pid, err := strconv.Atoi(string(Must(os.ReadFile(filepath.Join(parts, programPID)))))
		if err != nil || pid < 2 {
			t.Fatal(pid, err)
		}
		syscall.Kill(pid, syscall.SIGKILL) // it may be over
		testwait.Until(t, "it is dead", func() bool { return !held(parts) })
		if folderRun(parts).State == client.Lost {
			break
		}
		if err := os.RemoveAll(parts); err != nil || epochs > 10_000 {
			t.Fatal(epochs, err)
		}
	}
	if said := failing(t, func() { Follow(parts) }); !strings.Contains(said, "is at a stop") || !strings.Contains(said, "--resume goes on") {
		t.Errorf("following what was killed says %q", said)
	}
	if r := Follow(Program("../own", ownFlags(parts, epochs, "--resume")...)); r.State != client.Done || r.Output != parts || r.Task != "vqa" {
		t.Errorf("%+v", r)
	}
	Follow(Program("../own", ownFlags(whole, epochs)...))
	for _, name := range []string{"LAST.pth", "LAST.own.safetensors", "log.log"} {
		if string(Must(os.ReadFile(filepath.Join(parts, name)))) != string(Must(os.ReadFile(filepath.Join(whole, name)))) {
			t.Errorf("%s differs", name)
		}
	}
	if c := Open(filepath.Join(whole, "LAST")).Config(); c.TaskClasses == 0 {
		t.Errorf("its weights open as %+v, without the task's head", c)
	}
}

func TestAnInterruptedCellStopsItsProgramSaved(t *testing.T) {
	tinyWorld(t)
	folder := filepath.Join(t.TempDir(), "run")
	r := Program("../own", ownFlags(folder, 1_000_000)...)
	ctx, interrupt := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		_, err := followFolder(ctx, newLive(r), 0)
		ended <- err
	}()
	testwait.Until(t, "a state is saved", func() bool {
		_, err := os.Stat(filepath.Join(folder, "state.safetensors"))
		return err == nil
	})
	interrupt()
	if err := testwait.Receive(t, "the program has ended", ended); err == nil || !strings.Contains(err.Error(), "its state is saved") {
		t.Errorf("it says %v", err)
	}
	if held(folder) {
		t.Error("the program goes on")
	}
}

func TestMistakesInAProgramAreSaidInALine(t *testing.T) {
	tinyWorld(t)
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "main.go"), []byte("package main\n\nfunc main() { moo() }\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "run")
	for want, start := range map[string]func(){
		"need --output":          func() { Program("../own", "--epochs 1") },
		"cannot be built":        func() { Program(filepath.Join(broken, "main.go"), "--output "+out) },
		"moo":                    func() { Program(filepath.Join(broken, "main.go"), "--output "+out) },
		"unknown flag: --eposch": func() { Program("../own", "--eposch 1 --output "+out) },
	} {
		if said := failing(t, start); !strings.Contains(said, want) || strings.Count(strings.TrimSpace(said), "\n") != 0 {
			t.Errorf("it says %q, want %q", said, want)
		}
	}
}
