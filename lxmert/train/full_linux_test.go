package train

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/testneed"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
)

// TestFullDiskChild is not a test of its own: it is the process whose files may not grow, in TestAFullDiskLosesNothing.
func TestFullDiskChild(t *testing.T) {
	dir := os.Getenv("LXMERT_FULL_DISK_CHILD")
	if dir == "" {
		t.Skip("runs only as a child of another test")
	}
	b := backendtest.Open(t, "go")
	// A state is larger than this, the log is not.
	limit := syscall.Rlimit{Cur: 4096, Max: 4096}
	opt := RunOptions{Dir: dir, Resume: true, SaveSteps: 2, LogSteps: 100}
	saved := 0
	opt.Progress = func(p Progress) {
		if saved++; saved == 5 { // the state of step 4 is on disk
			if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, err := smallRun(t.Context(), b, smallJob(small(), 20), opt)
	if err == nil {
		t.Fatal("no error on a full disk")
	}
	t.Fatal(err)
}

func TestAFullDiskLosesNothing(t *testing.T) {
	b := backendtest.Open(t, "go")
	whole, full := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "full")
	if _, err := smallRun(t.Context(), b, smallJob(small(), 20), RunOptions{Dir: whole, LogSteps: 1}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestFullDiskChild$")
	cmd.Env = append(os.Environ(), "LXMERT_FULL_DISK_CHILD="+full)
	out, err := cmd.CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("file too large")) {
		t.Fatalf("a process without room: %v\n%s", err, out)
	}
	if line := string(out); !strings.Contains(line, "saving the state: writing "+filepath.Join(full, stateFile)) {
		t.Errorf("the error does not say what could not be written: %s", line)
	}
	var at position
	if _, err := readPosition(filepath.Join(full, stateFile), &at); err != nil || at.Step != 4 {
		t.Errorf("after the failure the state is at step %d, %v", at.Step, err)
	}
	if _, err := smallRun(t.Context(), b, smallJob(small(), 20), RunOptions{Dir: full, Resume: true, LogSteps: 1}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{LastFile, logFile} {
		if ended(t, full)[name] != ended(t, whole)[name] {
			t.Errorf("%s differs after the disk was full", name)
		}
	}
}

// TestNoRoomChild is not a test of its own: it is the process that has no room for one of its files, in
// TestNoRoomForASnapshotOrTheLogLosesNothing.
func TestNoRoomChild(t *testing.T) {
	dir, file := os.Getenv("LXMERT_NO_ROOM_CHILD"), os.Getenv("LXMERT_NO_ROOM_FILE")
	if dir == "" {
		t.Skip("runs only as a child of another test")
	}
	b := backendtest.Open(t, "go")
	limit := func(bytes uint64) {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: bytes}); err != nil {
			t.Fatal(err)
		}
	}
	opt := RunOptions{Dir: dir, Resume: true, SaveSteps: 2, LogSteps: 1}
	job := smallJob(small(), 6)
	switch file {
	case LastFile: // all that is left to write, see the test
		limit(8192)
	case BestFile:
		opt.Progress = func(p Progress) {
			if p.Step == p.Steps {
				limit(4096)
			}
		}
	case logFile:
		job.Validate = nil // so that the log comes first
		opt.Progress = func(p Progress) {
			if p.Step == p.Steps {
				limit(10) // within the first line
			}
		}
	}
	if _, err := smallRun(t.Context(), b, job, opt); err != nil {
		t.Fatal(err)
	}
}

func TestNoRoomForASnapshotOrTheLogLosesNothing(t *testing.T) {
	b := backendtest.Open(t, "go")
	for _, file := range []string{BestFile, LastFile, logFile} {
		t.Run(file, func(t *testing.T) {
			job := smallJob(small(), 6)
			if file == logFile {
				job.Validate = nil
			}
			whole, full := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "full")
			if _, err := smallRun(t.Context(), b, job, RunOptions{Dir: whole, LogSteps: 1}); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(full, file)
			if file == LastFile {
				// The run reaches its last state, and something is in the way of what comes after it.
				inTheWay := func(p Progress) {
					if p.Step == p.Steps {
						if err := os.MkdirAll(filepath.Join(path, "x"), 0o777); err != nil {
							t.Error(err)
						}
					}
				}
				if _, err := smallRun(t.Context(), b, job, RunOptions{Dir: full, LogSteps: 1, Progress: inTheWay}); err == nil || !strings.Contains(err.Error(), path) {
					t.Errorf("a folder in the place of %s: %v", file, err)
				}
				if err := os.RemoveAll(path); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command(os.Args[0], "-test.run=^TestNoRoomChild$")
			cmd.Env = append(os.Environ(), "LXMERT_NO_ROOM_CHILD="+full, "LXMERT_NO_ROOM_FILE="+file)
			out, err := cmd.CombinedOutput()
			if err == nil || !bytes.Contains(out, []byte("file too large")) || !bytes.Contains(out, []byte(path)) {
				t.Fatalf("a process without room for %s: %v\n%s", file, err, out)
			}
			if file != logFile && exists(path) {
				t.Errorf("%s is there, in part", file)
			}
			if _, err := smallRun(t.Context(), b, job, RunOptions{Dir: full, Resume: true, LogSteps: 1}); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{BestFile, LastFile, logFile} {
				want, err := os.ReadFile(filepath.Join(whole, name))
				if os.IsNotExist(err) && name == BestFile && file == logFile {
					continue // without validation
				}
				got, gotErr := os.ReadFile(filepath.Join(full, name))
				if err != nil || gotErr != nil || !bytes.Equal(got, want) {
					t.Errorf("%s differs after there was no room: %v, %v", name, err, gotErr)
				}
			}
		})
	}
}

func TestAFolderWithoutPermissionIsAnError(t *testing.T) {
	b := backendtest.Open(t, "go")
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	testneed.Unprivileged(t)
	if _, err := smallRun(t.Context(), b, smallJob(small(), 1), RunOptions{Dir: dir}); err == nil || !strings.Contains(err.Error(), "--output") || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("a folder that cannot be written to: %v", err)
	}
}
