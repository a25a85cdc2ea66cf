package lx

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/internal/filelock"
	"github.com/seed-516990b0/golxmert/kernel/client"
)

// This file runs programs of the user's own beside the session, which cannot load code, and follows the folders of their runs.

// Files that [Program] leaves in the folder of a run.
const (
	programLog = "program.log" // what the program printed
	programPID = "program.pid"
)

// Program builds and starts a program of your own that trains, see package lxmert/task/own: package is its folder, as for
// `go run`, and flags are those of the command line, of which --output is needed. It runs beside the session and outlives the
// cell; [Follow] shows it, and stops it when the cell is interrupted; the same with --resume goes on.
//
//	lx.Follow(lx.Program("./own", "--train train --valid minival --loadLXMERT toy --epochs 2 --output snap/vqa/own"))
func Program(pkg string, flags ...string) Run {
	r, err := startProgram(cell().ctx, pkg, words(flags))
	if err != nil {
		fail(err)
	}
	return r
}

func startProgram(ctx context.Context, pkg string, args []string) (Run, error) {
	output := flagValue(args, "output")
	if output == "" {
		return Run{}, fmt.Errorf("Program: the flags of %s need --output, the folder of the run", pkg)
	}
	folder, err := filepath.Abs(output)
	if err != nil {
		return Run{}, err
	}
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return Run{}, err
	}
	if held(folder) {
		return Run{}, fmt.Errorf("Program: a run is under way in %s; lx.Follow(%q) shows it", shortPath(folder), output)
	}
	binary := filepath.Join(folder, ".program")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, pkg)
	if text, err := build.CombinedOutput(); err != nil {
		return Run{}, fmt.Errorf("Program: %s cannot be built: %s", pkg, excerpt.Line(orElse(string(text), err.Error()), 2000))
	}
	log, err := os.Create(filepath.Join(folder, programLog))
	if err != nil {
		return Run{}, err
	}
	defer log.Close()
	cmd := exec.Command(binary, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // signals for the cell are not for it
	if err := cmd.Start(); err != nil {
		return Run{}, err
	}
	if err := os.WriteFile(filepath.Join(folder, programPID), []byte(strconv.Itoa(cmd.Process.Pid)), 0o666); err != nil {
		return Run{}, errors.Join(err, cmd.Process.Kill())
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for !held(folder) {
		select {
		case err := <-ended:
			if err != nil {
				return Run{}, fmt.Errorf("Program: %s", lastLine(log.Name(), err))
			}
			return folderRun(folder), nil
		case <-ctx.Done():
			return Run{}, errors.Join(ctx.Err(), cmd.Process.Signal(os.Interrupt))
		case <-time.After(pollTime):
		}
	}
	return folderRun(folder), nil
}

// pollTime is how often a folder is looked at.
const pollTime = 100 * time.Millisecond

func orElse(text, otherwise string) string {
	if strings.TrimSpace(text) == "" {
		return otherwise
	}
	return text
}

// flagValue is the value of a flag on a command line, "" if it is not there.
func flagValue(args []string, name string) (value string) {
	for i, a := range args {
		if v, joined := strings.CutPrefix(a, "--"+name+"="); joined {
			value = v
		} else if a == "--"+name && i+1 < len(args) {
			value = args[i+1]
		}
	}
	return value
}

// held says whether a process trains in a folder.
func held(folder string) bool {
	l, err := filelock.TryFile(filepath.Join(folder, ".lock"))
	if err == nil {
		l.Close()
	}
	return errors.As(err, new(*filelock.HeldError))
}

// lastLine is the last line of a program's output.
func lastLine(path string, otherwise error) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return otherwise.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return orElse(excerpt.Line(lines[len(lines)-1], 2000), otherwise.Error())
}

// folderRun is the run in a folder that the session does not know, as its files tell.
func folderRun(folder string) Run {
	r := Run{ID: folder, Task: "run", Folder: filepath.Dir(folder), Output: folder, State: client.Running}
	var about struct {
		Settings map[string]string `json:"settings"`
	}
	if text, err := os.ReadFile(filepath.Join(folder, "run.json")); err == nil && json.Unmarshal(text, &about) == nil {
		r.Task = about.Settings["task"]
	}
	if held(folder) {
		return r
	}
	if _, err := os.Stat(filepath.Join(folder, "LAST.pth")); err == nil { // it is written when a run has come to its end
		r.State = client.Done
		return r
	}
	r.State, r.Error = client.Lost, lastLine(filepath.Join(folder, programLog), errors.New("the program has ended"))
	return r
}

// isRunFolder says whether a run has begun in a folder.
func isRunFolder(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "run.json"))
	return err == nil
}

// followFolder shows a run by the files in its folder until nobody trains there.
func followFolder(ctx context.Context, l *live, grace time.Duration) (Run, error) {
	folder := l.run.Output
	see := func(ctx context.Context) error {
		metrics, log := &tail{path: filepath.Join(folder, "metrics.jsonl")}, &tail{path: filepath.Join(folder, "log.log")}
		for {
			ended := !held(folder) // asked first, so that what is read after it is all
			for _, line := range metrics.lines() {
				if err := l.see(client.Event{Metrics: line}); err != nil {
					return err
				}
			}
			for _, line := range log.lines() {
				if text := string(line); text != "" {
					if err := l.see(client.Event{Line: &text}); err != nil {
						return err
					}
				}
			}
			if ended {
				return nil
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(pollTime):
			}
		}
	}
	err := watch(ctx, grace, see, func(context.Context) error { return interruptProgram(folder) })
	r := folderRun(folder)
	l.finish(r)
	if err == nil && r.State == client.Lost {
		err = fmt.Errorf("the run in %s is at a stop: %s; the same with --resume goes on with it", shortPath(folder), r.Error)
	}
	return r, err
}

// interruptProgram asks the program that trains in a folder to save and end.
func interruptProgram(folder string) error {
	text, err := os.ReadFile(filepath.Join(folder, programPID))
	if err != nil {
		return fmt.Errorf("Follow: lx.Program did not start the run in %s, so it is not stopped here", shortPath(folder))
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid < 2 {
		return fmt.Errorf("Follow: %s has no number of a process", filepath.Join(folder, programPID))
	}
	return syscall.Kill(pid, syscall.SIGINT)
}

// tail reads what is appended to a file, line by line.
type tail struct {
	path   string
	offset int64
}

func (t *tail) lines() (lines [][]byte) {
	f, err := os.Open(t.path)
	if err != nil {
		return nil // it comes with the first line
	}
	defer f.Close()
	text, err := io.ReadAll(io.NewSectionReader(f, t.offset, 1<<30))
	if err != nil {
		return nil
	}
	for {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		if !whole {
			return lines
		}
		lines, text = append(lines, line), rest
		t.offset += int64(len(line) + 1)
	}
}
