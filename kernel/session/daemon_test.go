package session_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/internal/testwait"
	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// answer asks for what every model of the tests has.
var answer = lxmert.Request{Want: lxmert.All("out.qa")}

func TestTwoNotebooksAtOnceStartOneSession(t *testing.T) {
	r := newResident(t)
	var all sync.WaitGroup
	pids := make([]int, 6)
	for i := range pids {
		all.Go(func() {
			c, err := client.Dial(t.Context(), client.Options{Dir: r.dir, Program: os.Args[0]})
			if err != nil {
				t.Error(err)
				return
			}
			s, err := c.Status(t.Context())
			if err != nil {
				t.Error(err)
			}
			pids[i] = s.PID
		})
	}
	all.Wait()
	if len(slices.Compact(pids)) != 1 {
		t.Errorf("sessions %v", pids)
	}
}

func TestWithoutASessionItIsSaidHowToStartOne(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := client.Dial(t.Context(), client.Options{Dir: dir, NoStart: true})
	if !errors.Is(err, client.ErrNoSession) || !strings.Contains(err.Error(), "kernel session start") {
		t.Errorf("%v", err)
	}
	t.Setenv("XDG_CACHE_HOME", dir)
	if _, err := client.Dial(t.Context(), client.Options{Dir: dir}); !errors.Is(err, client.ErrNoSession) || !strings.Contains(err.Error(), client.ProgramEnv) {
		t.Errorf("nothing to start: %v", err)
	}
	if _, err := client.Dial(t.Context(), client.Options{Dir: dir, Program: filepath.Join(dir, "none")}); err == nil || !strings.Contains(err.Error(), "does not start") {
		t.Errorf("a program that is not there: %v", err)
	}
	t.Setenv("LXMERT_SESSION_TEST_BROKEN", "1")
	// It is not waited for until the wait is over, which is longer than any test.
	if _, err := client.Dial(t.Context(), client.Options{Dir: dir, Program: os.Args[0], Wait: 1000 * time.Hour}); err == nil || !strings.Contains(err.Error(), "the disk is on fire") {
		t.Errorf("a program that fails: %v", err)
	}
}

func TestAKilledSessionIsAClearErrorAndBeginsAnew(t *testing.T) {
	t.Setenv(busyEnv, "1")
	r := newResident(t)
	c := r.dial("a")
	_, there, b := both(t, c, goldens(t)[0])
	failed := make(chan error, 1)
	go func() {
		_, err := there.Run(t.Context(), b, answer)
		failed <- err
	}()
	pid := r.pid(c)
	testwait.Until(t, "the call waits", func() bool { return r.waiting(c, "a") == 1 })
	t.Setenv(busyEnv, "") // read by the next one
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := testwait.Receive(t, "the call fails", failed); !errors.Is(err, client.ErrDied) || strings.Contains(err.Error(), "\n") {
		t.Errorf("the call under way: %v", err)
	}
	if _, err := there.Run(t.Context(), b, answer); err != nil {
		t.Errorf("the next call: %v", err)
	}
	if now := r.pid(c); now == pid {
		t.Error("it is the same process")
	}
}

func TestACallEndsWithItsCaller(t *testing.T) {
	t.Setenv(busyEnv, "1")
	r := newResident(t)
	c := r.dial("a")
	_, there, b := both(t, c, goldens(t)[0])
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := there.Run(ctx, b, answer)
		failed <- err
	}()
	testwait.Until(t, "the call waits", func() bool { return r.waiting(c, "a") == 1 })
	cancel()
	if err := testwait.Receive(t, "the call fails", failed); !errors.Is(err, context.Canceled) {
		t.Errorf("a call that is given up: %v", err)
	}
	testwait.Until(t, "the session notices", func() bool { return r.waiting(c, "a") == 0 })
}

// killedCalls is how many calls the program of a cell makes that is killed.
const killedCalls = 100

// manyCalls is the program of a cell with many calls at once, on behalf of the notebook "killed".
func manyCalls(dir, golden string) {
	ctx := context.Background()
	b, err := lxrt.ReadBatch(filepath.Join(golden, "tiny", "forward.safetensors"))
	if err != nil {
		return
	}
	c, err := client.Dial(ctx, client.Options{Dir: dir, NoStart: true, Notebook: "killed"})
	if err != nil {
		return
	}
	m, err := c.Open(ctx, client.Spec{Weights: filepath.Join(golden, "tiny", "weights")})
	if err != nil {
		return
	}
	var all sync.WaitGroup
	for range killedCalls {
		all.Go(func() { m.Run(ctx, b, answer) })
	}
	all.Wait()
}

func TestTheCallsOfAKilledCellLeaveTheQueue(t *testing.T) {
	t.Setenv(busyEnv, "1") // no call is computed: they can only leave
	r := newResident(t)
	c := r.dial("a")
	golden := goldens(t)[0]
	cell := exec.Command(os.Args[0], "cell", r.dir, golden)
	if err := cell.Start(); err != nil {
		t.Fatal(err)
	}
	testwait.Until(t, "all calls wait", func() bool { return r.waiting(c, "killed") == killedCalls })
	if err := cell.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cell.Wait()
	testwait.Until(t, "they are gone", func() bool { return r.waiting(c, "killed") == 0 })
	r.free(c)
	_, there, b := both(t, c, golden)
	if _, err := there.Run(t.Context(), b, answer); err != nil {
		t.Errorf("another notebook's call: %v", err)
	}
}

// TestEachNotebookHasItsPlaceInTheQueue shows that calls wait under their notebook's name, whichever model they ask; whose
// turn it is then, TestNotebooksTakeTurns shows.
func TestEachNotebookHasItsPlaceInTheQueue(t *testing.T) {
	t.Setenv(busyEnv, "1")
	r := newResident(t)
	a, b := r.dial("busy"), r.dial("other")
	_, there, batch := both(t, a, goldens(t)[0])
	mine, err := b.Open(t.Context(), client.Spec{Weights: there.Info().Spec.Weights})
	if err != nil {
		t.Fatal(err)
	}
	const calls = 24
	var all sync.WaitGroup
	ask := func(m *client.Model) {
		all.Go(func() {
			if _, err := m.Run(t.Context(), batch, answer); err != nil {
				t.Error(err)
			}
		})
	}
	for range calls {
		ask(there)
	}
	ask(mine)
	testwait.Until(t, "all wait in their places", func() bool { return r.waiting(a, "busy") == calls && r.waiting(a, "other") == 1 })
	r.free(a)
	all.Wait()
	if left := r.waiting(a, "busy") + r.waiting(a, "other"); left > 0 {
		t.Errorf("%d still wait", left)
	}
}

func TestAnIdleSessionEnds(t *testing.T) {
	t.Setenv("LXMERT_SESSION_IDLE", "300ms")
	r := newResident(t)
	c := r.dial("a")
	pid := r.pid(c)
	testwait.Until(t, "the session ends", func() bool { return gone(pid) })
	for _, name := range []string{"socket"} {
		if _, err := os.Lstat(filepath.Join(r.dir, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", name, err)
		}
	}
	if err := c.Put(t.Context(), client.Value{Name: "x"}); err != nil {
		t.Errorf("the next call: %v", err)
	}
}

func TestASessionWhoseProgramWasReplacedEnds(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	copyProgram(t, program)
	r := newResident(t)
	c, err := client.Dial(t.Context(), client.Options{Dir: r.dir, Program: program})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := c.Status(t.Context()); err != nil || s.Outdated || s.Program != program {
		t.Errorf("%+v, %v", s, err)
	}
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	if s, err := c.Status(t.Context()); err != nil || s.Outdated {
		t.Errorf("a program that was removed is not a newer one: %v", err)
	}
	copyProgram(t, program)
	if s, err := c.Status(t.Context()); err != nil || !s.Outdated {
		t.Errorf("its program was replaced, and it does not notice: %v", err)
	}
}

func copyProgram(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsUnderWayIsToldThatTheSessionWasEnded(t *testing.T) {
	t.Setenv(busyEnv, "1")
	r := newResident(t)
	c := r.dial("a")
	_, there, b := both(t, c, goldens(t)[0])
	failed := make(chan error, 1)
	go func() {
		_, err := there.Run(t.Context(), b, answer)
		failed <- err
	}()
	testwait.Until(t, "the call waits", func() bool { return r.waiting(c, "a") == 1 })
	if err := c.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := testwait.Receive(t, "the call fails", failed); !errors.Is(err, client.ErrDied) || errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "it was ended") {
		t.Errorf("the call under way: %v", err)
	}
}

func TestShutdownLeavesNothingBehind(t *testing.T) {
	r := newResident(t)
	c := r.dial("a")
	_, there, b := both(t, c, goldens(t)[0])
	if _, err := there.Run(t.Context(), b, answer); err != nil {
		t.Fatal(err)
	}
	pid := r.pid(c)
	if err := c.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	testwait.Until(t, "the process ends", func() bool { return gone(pid) })
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{"lock", "runs", "session.log", "stderr.log"}; !slices.Equal(names, want) {
		t.Errorf("left are %v, want %v", names, want)
	}
	if words, err := os.ReadFile(filepath.Join(r.dir, "stderr.log")); err != nil || len(words) > 0 {
		t.Errorf("its last words were %q, %v", words, err)
	}
}

func TestAFullDiskDoesNotEndTheSession(t *testing.T) {
	t.Setenv("LXMERT_SESSION_TEST_FSIZE", "256")
	r := newResident(t)
	c := r.dial("a")
	_, there, b := both(t, c, goldens(t)[0])
	for range 5 {
		if _, err := there.Run(t.Context(), b, lxmert.Request{Want: lxmert.All("out.none")}); err == nil { // each is a line in the log
			t.Error("no error")
		}
	}
	if _, err := there.Run(t.Context(), b, answer); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(filepath.Join(r.dir, "session.log")); err != nil || info.Size() != 256 {
		t.Errorf("the log was not full: %v, %v", info.Size(), err)
	}
	if _, err := c.StartRun(t.Context(), "vqa", []string{"--fromScratch"}); err == nil || !strings.Contains(err.Error(), "the record of the run") {
		t.Errorf("a run on a full disk: %v", err)
	}
}
