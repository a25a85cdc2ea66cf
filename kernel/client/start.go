package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
)

// start starts a session and waits until it answers. Of two clients that do so at once, one's session finds the other's
// lock and ends; both are served by the one that is left.
func (c *Client) start(ctx context.Context) error {
	program, err := c.program()
	if err != nil {
		return err
	}
	if err := c.place.Prepare(); err != nil {
		return err
	}
	// The file can be shortened by the session while it is written to: O_APPEND.
	out, err := os.OpenFile(c.place.LastOut, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	defer out.Close()
	from, err := out.Seek(0, 2)
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	cmd := exec.Command(program, "session", "serve")
	cmd.Dir = c.place.Dir
	cmd.Stdout, cmd.Stderr = out, out
	if c.opt.Dir != "" {
		cmd.Env = append(os.Environ(), wire.DirEnv+"="+c.opt.Dir)
	}
	// A process of its own: signals to the cell's process group do not reach it, and no pipe keeps the cell waiting for it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	fmt.Fprintf(c.opt.Log, "starting the session (%s)\n", program)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("session: it does not start: %w; %s names its program", err, ProgramEnv)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return c.waitReady(ctx, cmd.Process.Pid, ended, from)
}

// waitReady asks for the session until it answers. If it is another one than the process that was started, that one is
// about to end, and is waited for. If that leaves nobody, there is no error: the call finds out.
func (c *Client) waitReady(ctx context.Context, pid int, ended <-chan error, from int64) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.opt.Wait, fmt.Errorf("session: it does not answer after %s; `kernel session logs` may say why", c.opt.Wait))
	defer cancel()
	pause := 5 * time.Millisecond
	var failed error
	wasAsked := false // a session has answered that it ends
	for {
		there, h := c.ask(ctx)
		wasAsked = wasAsked || there == leaving
		switch {
		case there == answering && (h.PID == pid || h.PID == 0 || ended == nil):
			return nil
		case there != answering && failed != nil:
			return failed
		case there == nobody && ended == nil && wasAsked:
			// It has made room for one that understands this program, which the one that was started does not.
			return fmt.Errorf("%w than this program: it ended at once; `go run ./kernel install` makes them alike", ErrVersion)
		case there == nobody && ended == nil:
			return nil
		}
		select {
		case err := <-ended:
			ended = nil // there is another one, or there was
			if err != nil {
				failed = fmt.Errorf("session: it does not start: %s", c.lastWords(from, err.Error()))
			}
		case <-time.After(pause):
			pause = min(2*pause, 100*time.Millisecond)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// presence is what asking for the session has come to.
type presence int

const (
	nobody    presence = iota // nobody listens
	silent                    // whoever listens does not answer
	leaving                   // it answers that it is on its way out
	answering                 // it answers
)

// ask looks for a session, and which one it is; the zero Hello is one of another build.
func (c *Client) ask(ctx context.Context) (there presence, h Hello) {
	r, err := c.send(ctx, "GET", "/hello", nil)
	if err != nil && isRefused(err) {
		return nobody, h
	}
	if err != nil {
		return silent, h
	}
	defer r.body.Close()
	if r.status == wire.Ending.Status() {
		return leaving, h
	}
	if r.status != 200 || json.NewDecoder(io.LimitReader(r.body, 1<<16)).Decode(&h) != nil {
		return answering, Hello{}
	}
	return answering, h
}

// program finds what to start.
func (c *Client) program() (string, error) {
	if c.opt.Program != "" {
		return c.opt.Program, nil
	}
	if p := os.Getenv(ProgramEnv); p != "" {
		return p, nil
	}
	var tried []string
	if cache, err := os.UserCacheDir(); err == nil {
		tried = append(tried, filepath.Join(cache, "golxmert", "kernel", "bin", "kernel"))
	}
	if own, err := os.Executable(); err == nil {
		tried = append(tried, filepath.Join(filepath.Dir(own), "kernel"))
	}
	for _, path := range tried {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w, and there is no program to start as one: tried %s; `go run ./kernel install` in the project's folder installs it, or %s names it",
		ErrNoSession, strings.Join(tried, ", "), ProgramEnv)
}

// waitGone waits until a session that is ending has ended: there is no socket, or it is another session's. pid 0: which
// session it was is not known.
func (c *Client) waitGone(ctx context.Context, pid int) error {
	for {
		if _, err := os.Lstat(c.place.Socket); errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if there, h := c.ask(ctx); there == answering && h.PID != 0 && h.PID != pid {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// died says that the session went away during a call. It waits until the process is gone for good, as one that was
// killed still takes connections for some milliseconds, so that the next call does not meet it again.
func (c *Client) died(err error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	for ; ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
		r, again := c.send(ctx, "GET", "/hello", nil)
		if again == nil {
			r.body.Close()
			break // another one has been started
		}
		if isRefused(again) {
			break
		}
	}
	return fmt.Errorf("%w (%s); the next call starts it anew, `kernel session logs` has more", ErrDied, c.lastWords(0, err.Error()))
}

// lastWords is the last thing that a session which has ended wrote to its standard error since a place in the file. Of a
// crash it is the line that says why.
func (c *Client) lastWords(from int64, otherwise string) string {
	f, err := os.Open(c.place.LastOut)
	if err != nil {
		return otherwise
	}
	defer f.Close()
	const maxTail = 64 << 10
	if size, err := f.Seek(0, 2); err == nil {
		if from > size { // the session that began has emptied it
			from = 0
		}
		from = max(from, size-maxTail)
	}
	text := make([]byte, maxTail)
	n, _ := f.ReadAt(text, from)
	lines := strings.Split(strings.TrimSpace(string(text[:n])), "\n")
	words := lines[len(lines)-1]
	for i := len(lines) - 1; i >= 0; i-- {
		if strings.HasPrefix(lines[i], "panic: ") || strings.HasPrefix(lines[i], "fatal error: ") || strings.HasPrefix(lines[i], "SIG") {
			words = lines[i]
			break
		}
	}
	if words = strings.TrimSpace(words); words == "" {
		return otherwise
	}
	return strings.ToValidUTF8(words[:min(len(words), 300)], "")
}
