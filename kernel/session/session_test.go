package session_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/testwait"
	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/session"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
)

// TestMain lets the test's own program be the session: that is how clients start it.
func TestMain(m *testing.M) {
	backend.MaybeProbe()
	if len(os.Args) > 2 && os.Args[1] == "session" {
		os.Exit(serve())
	}
	if len(os.Args) == 4 && os.Args[1] == "cell" {
		manyCalls(os.Args[2], os.Args[3])
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// busyEnv lets the next session begin with calls that do not end in all places, until [resident.free] ends them: calls of
// tests wait in its queue for as long as a test needs.
const busyEnv = "LXMERT_SESSION_TEST_BUSY"

func serve() int {
	if os.Getenv("LXMERT_SESSION_TEST_BROKEN") != "" {
		fmt.Fprintln(os.Stderr, "the disk is on fire")
		return 1
	}
	opt, err := session.FromEnvironment()
	if err == nil {
		opt.Backend = "go"
		var s *session.Server
		if s, err = session.New(opt); err == nil {
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
			defer stop()
			if limit, _ := strconv.ParseUint(os.Getenv("LXMERT_SESSION_TEST_FSIZE"), 10, 64); limit > 0 {
				if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
					panic(err)
				}
			}
			if os.Getenv(busyEnv) != "" {
				free := s.Occupy()
				freed := make(chan os.Signal, 1)
				signal.Notify(freed, syscall.SIGUSR1)
				go func() { <-freed; free() }()
			}
			err = s.Serve(ctx)
		}
	}
	if err != nil && !errors.Is(err, session.ErrRunning) {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// resident is a session of a test's own, which it ends.
type resident struct {
	t   *testing.T
	dir string
}

func newResident(t *testing.T) resident {
	t.Helper()
	// t.TempDir is too long for a socket with some test names.
	dir, err := os.MkdirTemp("", "lxs")
	if err != nil {
		t.Fatal(err)
	}
	r := resident{t, dir}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testwait.Patience(t))
		defer cancel()
		for { // one that has lost the race to be the session may be next
			c, err := client.Dial(ctx, client.Options{Dir: dir, NoStart: true})
			if err == nil {
				err = c.Shutdown(ctx)
			}
			if errors.Is(err, client.ErrNoSession) {
				break
			}
			if err != nil {
				t.Errorf("ending the session: %v", err)
				break
			}
		}
		if t.Failed() {
			if text, err := os.ReadFile(filepath.Join(dir, "session.log")); err == nil {
				t.Logf("session.log:\n%s", text)
			}
			if text, err := os.ReadFile(filepath.Join(dir, "stderr.log")); err == nil {
				t.Logf("stderr.log:\n%s", text)
			}
		}
		os.RemoveAll(dir)
	})
	return r
}

// dial connects on behalf of a notebook, starting the session if there is none.
func (r resident) dial(notebook string) *client.Client {
	r.t.Helper()
	c, err := client.Dial(r.t.Context(), client.Options{Dir: r.dir, Program: os.Args[0], Notebook: notebook, Wait: testwait.Patience(r.t)})
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// pid is the session's process.
func (r resident) pid(c *client.Client) int {
	r.t.Helper()
	s, err := c.Status(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return s.PID
}

// waiting is how many calls of a notebook wait.
func (r resident) waiting(c *client.Client, notebook string) int {
	r.t.Helper()
	s, err := c.Status(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return s.Waiting[notebook]
}

// free lets calls into a session that began busy.
func (r resident) free(c *client.Client) {
	r.t.Helper()
	if err := syscall.Kill(r.pid(c), syscall.SIGUSR1); err != nil {
		r.t.Fatal(err)
	}
}

// gone says whether a process no longer exists. A child of ours that has ended counts, though nobody has waited for it.
func gone(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return strings.HasPrefix(rest, "Z")
}
