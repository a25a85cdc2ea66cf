package proxy

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
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
	"github.com/seed-516990b0/golxmert/kernel/proxy/zmtp"
)

// client is a kernel in a process of its own, and somebody who talks to it.
type client struct {
	t       testing.TB
	cmd     *exec.Cmd
	ended   chan struct{}
	log     *tail
	tmp     string // the kernel's TMPDIR
	file    string
	c       connection
	key     []byte
	session string

	shell, control, stdin, iopub *zmtp.Peer

	mu      sync.Mutex
	replies map[string]*message
	outputs map[string][]*message
	asked   []*message // questions to the user, by all cells
}

// startFake starts a kernel in front of a GoNB that only seems to run cells.
func startFake(t testing.TB) *client {
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return startKernel(t, "TEST_GONB="+own)
}

// startKernel starts a kernel with more variables in its environment, and waits until it answers.
func startKernel(t testing.TB, env ...string) *client {
	t.Helper()
	return startProgram(t, "run", env...)
}

// startProgram starts the kernel ("run"), or a parent of one ("parent").
func startProgram(t testing.TB, name string, env ...string) *client {
	t.Helper()
	tmp, err := os.MkdirTemp("", "t") // the test's own folder would be too long a name for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(tmp) })
	c := &client{t: t, tmp: tmp, key: []byte(rand.Text()), session: rand.Text(), log: &tail{limit: 1 << 20}, ended: make(chan struct{}),
		replies: map[string]*message{}, outputs: map[string][]*message{}}
	// On unix sockets, as a port that is free now may be somebody else's a moment later.
	c.c = connection{
		Transport: "ipc", IP: filepath.Join(tmp, "k"), ShellPort: 1, ControlPort: 2, StdinPort: 3, IOPubPort: 4, HeartbeatPort: 5,
		Key: string(c.key), SignatureScheme: "hmac-sha256",
	}
	c.file = filepath.Join(tmp, "kernel-01234567-89ab-cdef-0123-456789abcdef.json")
	if err := os.WriteFile(c.file, encodeJSON(c.c), 0o600); err != nil {
		t.Fatal(err)
	}
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c.cmd = exec.Command(own, name, c.file)
	c.cmd.Env = append(append(os.Environ(), "TMPDIR="+tmp), env...)
	c.cmd.Stdout, c.cmd.Stderr = c.log, c.log
	c.cmd.WaitDelay = time.Second
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // as Jupyter starts kernels
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { c.cmd.Wait(); close(c.ended) }()
	t.Cleanup(func() {
		syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
		<-c.ended
		for _, p := range []*zmtp.Peer{c.shell, c.control, c.stdin, c.iopub} {
			if p != nil {
				p.Close()
			}
		}
		if t.Failed() {
			t.Logf("the kernel said:\n%s", c.log)
		}
	})
	c.connect()
	return c
}

func (c *client) connect() {
	c.t.Helper()
	ctx := testwait.Context(c.t)
	dial := func(port int, subscribe bool) *zmtp.Peer {
		for {
			var p *zmtp.Peer
			var err error
			if network, address := c.c.address(port); subscribe {
				p, err = zmtp.Subscribe(ctx, network, address)
			} else {
				p, err = zmtp.Dial(ctx, network, address, []byte(c.session))
			}
			if err == nil {
				return p
			}
			select {
			case <-c.ended:
				c.t.Fatalf("the kernel ended: %s", c.log)
			case <-ctx.Done():
				c.t.Fatal(err)
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	c.iopub = dial(c.c.IOPubPort, true)
	c.shell, c.control, c.stdin = dial(c.c.ShellPort, false), dial(c.c.ControlPort, false), dial(c.c.StdinPort, false)
	go c.collect(c.shell, func(id string, m *message) { c.replies[id] = m })
	go c.collect(c.control, func(id string, m *message) { c.replies[id] = m })
	go c.collect(c.stdin, func(_ string, m *message) { c.asked = append(c.asked, m) })
	go c.collect(c.iopub, func(id string, m *message) { c.outputs[id] = append(c.outputs[id], m) })
	c.wait("a welcome", func() bool {
		return slices.ContainsFunc(c.outputs[""], func(m *message) bool { return m.head.Type == "iopub_welcome" })
	})
}

func (c *client) collect(p *zmtp.Peer, take func(id string, m *message)) {
	for {
		frames, err := p.Receive()
		if err != nil {
			return
		}
		m, err := decode(frames, c.key)
		if err != nil {
			c.t.Errorf("the kernel sent what is not a message: %v", err)
			return
		}
		c.mu.Lock()
		take(m.parentID(), m)
		c.mu.Unlock()
	}
}

// request sends a request and returns its id.
func (c *client) request(to *zmtp.Peer, kind string, content any) string {
	c.t.Helper()
	m := newMessage(c.session, "tester", kind, nil, content)
	if err := to.Send(m.encode(c.key)); err != nil {
		c.t.Fatal(err)
	}
	return m.head.ID
}

// execute sends a cell and returns the request's id.
func (c *client) execute(code string) string {
	c.t.Helper()
	return c.request(c.shell, "execute_request", map[string]any{"code": code, "silent": false, "store_history": true, "allow_stdin": false, "stop_on_error": true})
}

// wait waits until something holds; the client's lock is held while it is asked.
func (c *client) wait(what string, holds func() bool) {
	c.t.Helper()
	testwait.Until(c.t, what, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return holds()
	})
}

// received waits until all requests that were sent to the shell port so far have come to the kernel.
func (c *client) received() {
	c.t.Helper()
	c.reply(c.request(c.shell, "kernel_info_request", struct{}{}))
}

// reply waits for the reply to a request.
func (c *client) reply(id string) map[string]any {
	c.t.Helper()
	c.wait("a reply", func() bool { return c.replies[id] != nil })
	c.mu.Lock()
	defer c.mu.Unlock()
	return contentOf(c.t, c.replies[id])
}

func contentOf(t testing.TB, m *message) map[string]any {
	t.Helper()
	var content map[string]any
	if err := json.Unmarshal(m.content, &content); err != nil {
		t.Fatal(err)
	}
	return content
}

// finished waits until a request is done and returns its reply and what was published, without states.
func (c *client) finished(id string) (reply map[string]any, published []*message) {
	c.t.Helper()
	reply = c.reply(id)
	c.wait("word that it is done", func() bool {
		return slices.ContainsFunc(c.outputs[id], func(m *message) bool { return m.head.Type == "status" && bytes.Contains(m.content, []byte("idle")) })
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.outputs[id] {
		if m.head.Type != "status" {
			published = append(published, m)
		}
	}
	return reply, published
}

// run runs a cell and returns its status and all that came of it: what it wrote and showed, errors last.
func (c *client) run(code string) (status, text string) {
	c.t.Helper()
	reply, published := c.finished(c.execute(code))
	var b strings.Builder
	for _, m := range published {
		content := contentOf(c.t, m)
		switch m.head.Type {
		case "stream":
			fmt.Fprint(&b, content["text"])
		case "execute_result", "display_data":
			data := content["data"].(map[string]any)
			if m.head.Type == "display_data" {
				b.WriteString("shown: ")
				if data["image/png"] != nil {
					b.WriteString("picture ")
				}
			} else {
				b.WriteString("out: ")
			}
			fmt.Fprint(&b, data["text/plain"])
		case "error":
			fmt.Fprintf(&b, "%s: %s", content["ename"], content["evalue"])
		}
	}
	return fmt.Sprint(reply["status"]), b.String()
}

// kinds lists the types of messages.
func kinds(messages []*message) []string {
	var list []string
	for _, m := range messages {
		list = append(list, m.head.Type)
	}
	return list
}

// waitFor waits for a file, which tells that a cell has come so far.
func (c *client) waitFor(path string) {
	c.t.Helper()
	testwait.Until(c.t, path+" is there", func() bool { _, err := os.Stat(path); return err == nil })
}

// gone waits until the kernel's process has ended and has left neither files nor processes.
func (c *client) gone() {
	c.t.Helper()
	testwait.Receive(c.t, "the kernel ends", c.ended)
	testwait.Until(c.t, "nothing is left of the kernel", func() bool { return len(c.leftovers()) == 0 })
}

// leftovers are folders of the kernel's, and processes that have one of them as TMPDIR.
func (c *client) leftovers() []string {
	left, err := filepath.Glob(filepath.Join(c.tmp, privatePattern))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, p := range processes() {
		env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.pid))
		if err == nil && bytes.Contains(env, []byte("TMPDIR="+c.tmp+"/lxk-")) {
			left = append(left, fmt.Sprintf("process %d (%s)", p.pid, p.name))
		}
	}
	return left
}
