package proxy

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
	"github.com/seed-516990b0/golxmert/kernel/proxy/zmtp"
)

// gonb is the GoNB process behind this kernel: unmodified, on sockets in the kernel's own folder.
type gonb struct {
	private *private
	key     []byte
	session string
	pid     int
	ended   chan struct{} // closed when the process has
	cause   error         // why it ended; read it after ended
	said    *tail

	shell, control, stdin, iopub *zmtp.Peer
	work                         string // GoNB's own folder, in which it compiles
}

// startTime is how long GoNB may take to answer for the first time. It has been seen to take 0.1 s.
const startTime = 60 * time.Second

// startGoNB starts the process; it does not answer yet.
func startGoNB(p *private, w *watchdog, opt *Options, connectionFile string) (*gonb, error) {
	g := &gonb{private: p, key: []byte(rand.Text()), session: rand.Text(), ended: make(chan struct{}), said: &tail{limit: 16 << 10}}
	file := p.path(filepath.Base(connectionFile)) // GoNB takes the kernel's id from its name
	c := g.connection()
	if err := os.WriteFile(file, encodeJSON(c), 0o600); err != nil {
		return nil, fmt.Errorf("GoNB's connection file: %w", err)
	}
	bin, err := binFolder(p)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(opt.GoNB, "--kernel", file, "-raw_error", "-logtostderr")
	cmd.Stdout, cmd.Stderr = g.said, g.said
	cmd.WaitDelay = time.Second
	change := map[string]string{
		"TMPDIR":    p.dir,
		UserTempEnv: os.TempDir(),

		wire.SavingEnv: p.path(savingName),
		"PATH":         strings.Join([]string{bin, filepath.Dir(opt.GoNB), os.Getenv("PATH")}, string(os.PathListSeparator)),
	}
	maps.Copy(change, opt.Env)
	cmd.Env = environment(os.Environ(), change)
	ended, err := startGroup(cmd)
	if err != nil {
		return nil, fmt.Errorf("GoNB does not start: %w; `kernel doctor` says more", err)
	}
	g.pid = cmd.Process.Pid
	go func() {
		g.cause = <-ended
		close(g.ended)
	}()
	if err := w.watch(g.pid); err != nil {
		g.stop()
		return nil, err
	}
	return g, nil
}

// connection is where GoNB listens: on unix sockets, so that nobody else's port is in the way and nobody else gets in.
func (g *gonb) connection() connection {
	return connection{
		Transport: "ipc", IP: g.private.path("s"), ShellPort: 1, ControlPort: 2, StdinPort: 3, IOPubPort: 4, HeartbeatPort: 5,
		Key: string(g.key), SignatureScheme: "hmac-sha256",
	}
}

// binFolder makes the folder that comes first in GoNB's search for programs. In it a gopls that ends at once stands
// before any other: GoNB would start one and use it only for what is answered here.
func binFolder(p *private) (string, error) {
	dir := p.path("bin")
	err := os.Mkdir(dir, 0o700)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "gopls"), []byte("#!/bin/sh\nexit 0\n"), 0o700)
	}
	if err != nil {
		return "", fmt.Errorf("the kernel's own folder: %w", err)
	}
	return dir, nil
}

// environment is a process's environment with some variables changed, and those changed to "" taken out.
func environment(old []string, change map[string]string) []string {
	var env []string
	for _, e := range old {
		name, _, _ := strings.Cut(e, "=")
		if _, changed := change[name]; !changed {
			env = append(env, e)
		}
	}
	for name, value := range change {
		if value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// connect opens the connections as soon as GoNB listens.
func (g *gonb) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTime, fmt.Errorf("GoNB does not answer after %s", startTime))
	defer cancel()
	c := g.connection()
	dial := func(port int, open func(ctx context.Context, network, address string) (*zmtp.Peer, error)) (*zmtp.Peer, error) {
		network, address := c.address(port)
		for {
			peer, err := open(ctx, network, address)
			var operation *net.OpError
			if err == nil || !errors.As(err, &operation) {
				return peer, err
			}
			select {
			case <-g.ended:
				return nil, g.why()
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			case <-time.After(2 * time.Millisecond):
			}
		}
	}
	// GoNB asks for input over the connection that bears the name of the one over which the cell came.
	name := []byte("proxy")
	dealer := func(ctx context.Context, network, address string) (*zmtp.Peer, error) {
		return zmtp.Dial(ctx, network, address, name)
	}
	var err error
	for _, to := range []struct {
		peer **zmtp.Peer
		port int
		open func(ctx context.Context, network, address string) (*zmtp.Peer, error)
	}{{&g.shell, c.ShellPort, dealer}, {&g.control, c.ControlPort, dealer}, {&g.stdin, c.StdinPort, dealer}, {&g.iopub, c.IOPubPort, zmtp.Subscribe}} {
		if *to.peer, err = dial(to.port, to.open); err != nil {
			return fmt.Errorf("GoNB: %w", err)
		}
	}
	return nil
}

// why says how GoNB has ended, with the last that it said.
func (g *gonb) why() error {
	cause := "it ended"
	if g.cause != nil {
		cause = g.cause.Error()
	}
	return fmt.Errorf("GoNB has ended (%s): %s; restart the kernel, and if that does not help `kernel doctor` says more", cause, g.said.last())
}

// findWork finds the folder in which GoNB compiles.
func (g *gonb) findWork() error {
	found, err := filepath.Glob(g.private.path("gonb_*"))
	if err != nil || len(found) == 0 {
		return fmt.Errorf("GoNB has made no folder in %s", g.private.dir)
	}
	g.work = found[0]
	return nil
}

// moduleFiles make the module that cells are compiled in.
var moduleFiles = []string{"go.mod", "go.sum"}

// prepare puts the prelude's module in place of the empty one that GoNB makes, at its start and after %reset. What
// cells have added with go get stays.
func (g *gonb) prepare(prelude string) error {
	if prelude == "" {
		return nil
	}
	have, err := os.ReadFile(filepath.Join(g.work, "go.mod"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the module of cells: %w", err)
	}
	if bytes.Contains(have, []byte("require")) || bytes.Contains(have, []byte("replace")) {
		return nil
	}
	for _, name := range moduleFiles {
		text, err := os.ReadFile(filepath.Join(prelude, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(g.work, name), text, 0o600)
		}
		if err != nil {
			return fmt.Errorf("the module of cells: %w; `kernel install` writes it", err)
		}
	}
	return nil
}

// stop ends the process and everything in its group.
func (g *gonb) stop() {
	endGroup(g.pid, time.Second)
	for _, p := range []*zmtp.Peer{g.shell, g.control, g.stdin, g.iopub} {
		if p != nil {
			p.Close()
		}
	}
	<-g.ended
}

// tail keeps the last that was written to it.
type tail struct {
	limit int
	mu    sync.Mutex
	text  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if n := len(t.text) - t.limit; n > 0 {
		t.text = t.text[n:]
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

// last is the last line.
func (t *tail) last() string {
	lines := strings.Split(strings.TrimSpace(t.String()), "\n")
	return lines[len(lines)-1]
}
