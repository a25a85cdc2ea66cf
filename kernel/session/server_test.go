package session_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/internal/testwait"
	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/session"
)

// host serves in this process until stop is called; c is a client of the notebook "a".
func host(t *testing.T, opt session.Options) (s *session.Server, r resident, c *client.Client, stop func() error) {
	t.Helper()
	r = newResident(t)
	opt.Dir, opt.Backend = r.dir, "go"
	s, err := session.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	testwait.Until(t, "the server answers", func() bool {
		c, err = client.Dial(t.Context(), client.Options{Dir: r.dir, NoStart: true, Notebook: "a"})
		return err == nil
	})
	return s, r, c, func() error { cancel(); return <-ended }
}

func TestTheServerLeavesNoGoroutines(t *testing.T) {
	// What is started once per process is started before.
	_, _, c, stop := host(t, session.Options{})
	both(t, c, goldens(t)[0])
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	w := newWork(t)
	s, r, c, stop := host(t, session.Options{})
	_, there, b := both(t, c, goldens(t)[0])
	if _, err := there.Run(t.Context(), b, answer); err != nil {
		t.Fatal(err)
	}
	free := s.Occupy()
	ctx, cancel := context.WithCancel(t.Context())
	givenUp := make(chan error, 1)
	go func() {
		_, err := there.Run(ctx, b, answer)
		givenUp <- err
	}()
	testwait.Until(t, "the call waits", func() bool { return r.waiting(c, "a") == 1 })
	cancel()
	if err := testwait.Receive(t, "the call fails", givenUp); !errors.Is(err, context.Canceled) {
		t.Errorf("a call that is given up: %v", err)
	}
	free()
	var seen story
	run := w.start(c, "vqa", w.args("x", "--epochs", endless)...)
	followed := make(chan error, 1)
	go func() { followed <- c.Follow(t.Context(), run.ID, seen.see) }()
	testwait.Until(t, "some steps", func() bool { return seen.count() >= 2 })
	if err := stop(); err != nil {
		t.Error(err)
	}
	if err := <-followed; err != nil || seen.last.State != client.Stopped {
		t.Errorf("whoever followed sees %s, %v", seen.last.State, err)
	}
	testwait.Until(t, fmt.Sprintf("%d goroutines as before", before), func() bool { return runtime.NumGoroutine() <= before })
}

func TestSlowSendersAreLetGo(t *testing.T) {
	_, r, c, stop := host(t, session.Options{Slow: 100 * time.Millisecond})
	for name, head := range map[string]string{
		"half a body":                   "POST /open HTTP/1.1\r\nHost: x\r\n" + speaks + "Content-Length: 100\r\n\r\n{",
		"a body that is only announced": "POST /run HTTP/1.1\r\nHost: x\r\n" + speaks + "Content-Length: 1000\r\n\r\n",
	} {
		conn := r.raw()
		if _, err := io.WriteString(conn, head); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "HTTP/1.1 400 ") {
			t.Errorf("%s: %q, %v", name, line, err)
		}
	}
	if _, err := c.Status(t.Context()); err != nil {
		t.Error(err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestASecondServerFindsTheFirst(t *testing.T) {
	_, r, _, stop := host(t, session.Options{})
	s, err := session.New(session.Options{Dir: r.dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(t.Context()); !errors.Is(err, session.ErrRunning) {
		t.Errorf("a second server: %v", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestOldLogsGiveWay(t *testing.T) {
	_, r, _, stop := host(t, session.Options{})
	path := filepath.Join(r.dir, "session.log")
	if err := os.WriteFile(path, []byte(strings.Repeat("an old line\n", 400_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	s, err := session.New(session.Options{Dir: r.dir, Idle: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(t.Context()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > 10_000 {
		t.Errorf("the log has %d bytes, %v", info.Size(), err)
	}
	if info, err := os.Stat(path + ".1"); err != nil || info.Size() < 400_000*12 {
		t.Errorf("the old log: %v", err)
	}
	text, err := session.Logs(r.dir, 1000)
	if err != nil || len(text) > 1000 || !strings.HasSuffix(string(text), "has ended\n") || !strings.Contains(string(text), "\nan old line\n") && !strings.HasPrefix(string(text), "an old line\n") {
		t.Errorf("its end is %q, %v", text, err)
	}
}
