package filelock

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/testwait"
)

// holdEnv makes this test program a process that takes the lock that it names, says so, and holds it until it is ended.
const holdEnv = "FILELOCK_TEST_HOLD"

func TestMain(m *testing.M) {
	if path := os.Getenv(holdEnv); path != "" {
		if _, err := Try(path); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("locked")
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// heldByAnother starts a process that has the lock at path.
func heldByAnother(t *testing.T, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holdEnv+"="+path)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close(); cmd.Wait() })
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "locked\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	return cmd
}

func TestALockOfAnotherProcessSaysWhoseItIsAndEndsWithIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "folder", "lock")
	other := heldByAnother(t, path)
	var held *HeldError
	if _, err := Try(path); !errors.As(err, &held) || held.Path != path {
		t.Fatalf("taken twice: %v", err)
	}
	for _, part := range []string{"another process (", filepath.Base(os.Args[0]), fmt.Sprintf("pid %d on ", other.Process.Pid)} {
		if !strings.Contains(held.Holder, part) {
			t.Errorf("the holder is %q, without %q", held.Holder, part)
		}
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	l, err := Wait(testwait.Context(t), path, nil)
	if err != nil {
		t.Fatalf("after the other process was killed: %v", err)
	}
	if _, err := Try(path); !errors.As(err, &held) || held.Holder != "this process" {
		t.Errorf("a second lock in this process: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(path); err != nil || len(text) > 0 {
		t.Errorf("the file says %q, %v after the lock was closed", text, err)
	}
	if l, err = Try(path); err != nil {
		t.Errorf("after Close: %v", err)
	}
	l.Close()
}

func TestWaitingEndsWithTheLockTheContextOrAReason(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first, err := Try(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough of it")
	asked := 0
	_, err = Wait(ctx, path, func(held *HeldError, again bool) error {
		if again != (asked > 0) || held.Path != path {
			t.Errorf("asked for the %d. time: again %v, %v", asked+1, again, held)
		}
		if asked++; asked == 3 {
			cancel(cause)
		}
		return nil
	})
	var held *HeldError
	if !errors.Is(err, cause) || !errors.As(err, &held) {
		t.Errorf("a wait whose context ends: %v", err)
	}
	if _, err := Wait(t.Context(), path, func(*HeldError, bool) error { return cause }); err != cause {
		t.Errorf("a wait that is given up: %v", err)
	}
	l, err := Wait(testwait.Context(t), path, func(_ *HeldError, again bool) error {
		if !again {
			return first.Close()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

// TestALockThatWasRemovedIsNotTaken: whoever removes a folder with its lock lets the next one lock a file that is not that
// of those who come after.
func TestALockThatWasRemovedIsNotTaken(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "folder")
	path := filepath.Join(dir, "lock")
	var inside atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				l, err := Wait(testwait.Context(t), path, nil)
				if err != nil {
					t.Error(err)
					return
				}
				if inside.Add(1) > 1 {
					t.Error("two have the lock")
				}
				inside.Add(-1)
				if err := os.Remove(path); err != nil {
					t.Error(err)
				}
				os.Remove(dir) // fails if the next one is in it
				l.Close()
			}
		})
	}
	group.Wait()
}

func TestALockOnAFileOfDataLeavesItAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	if _, err := TryFile(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	text := "not printable: \x01\n"
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	l, err := TryFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var held *HeldError
	if _, err := TryFile(path); !errors.As(err, &held) || held.Holder != "another process" {
		t.Errorf("taken twice: %v", err)
	}
	l.Close()
	if got, err := os.ReadFile(path); err != nil || string(got) != text {
		t.Errorf("the file holds %q, %v", got, err)
	}
}

func TestNothingIsWrittenThroughALink(t *testing.T) {
	dir := t.TempDir()
	data, link := filepath.Join(dir, "data"), filepath.Join(dir, "lock")
	if err := os.WriteFile(data, []byte("kept"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(data, link); err != nil {
		t.Skip(err)
	}
	l, err := Try(link)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if got, err := os.ReadFile(data); err != nil || string(got) != "kept" {
		t.Errorf("the file behind the link holds %q, %v", got, err)
	}
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "none", "none"), link); err != nil {
		t.Fatal(err)
	}
	if _, err := Try(link); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a link to nowhere: %v", err)
	}
}

func TestCloseOfNoLockDoesNothing(t *testing.T) {
	if err := (*Lock)(nil).Close(); err != nil {
		t.Error(err)
	}
}
