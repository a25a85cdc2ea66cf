package proxy

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/kernel/proxy/zmtp"
)

// Frontend starts a kernel and runs cells in it, as Jupyter's programs do. It runs one cell at a time, and its user cannot
// be asked.
type Frontend struct {
	dir     string // of the connection file and the sockets
	cmd     *exec.Cmd
	ended   chan struct{}
	said    *tail
	key     []byte
	session string

	shell, control, iopub *zmtp.Peer

	mu      sync.Mutex
	replies map[string]chan *message // by the request that waits
	outputs chan *message
	hear    sync.Once
	heard   chan struct{} // closed when the first output arrives
}

// Output is a message about what a cell does: "stream", "display_data", "update_display_data", "execute_result",
// "clear_output", "error" and others, with the content that Jupyter specifies.
type Output struct {
	Type    string
	Content json.RawMessage
}

// CellError says why a cell has failed.
type CellError struct {
	Name  string   `json:"ename"`
	Value string   `json:"evalue"`
	Trace []string `json:"traceback"`
}

func (e *CellError) Error() string {
	if e.Name == "" {
		return e.Value
	}
	return e.Name + ": " + e.Value
}

// connectTime is how long a kernel may take to answer.
const connectTime = time.Minute

// StartFrontend starts a kernel, this one or another, in a process group of its own and connects to it. The words of argv that are
// {connection_file} become the name of that file, as in Jupyter's kernelspecs. [Frontend.Close] ends the kernel; it also ends
// when this process does.
func StartFrontend(ctx context.Context, argv, env []string, dir string) (*Frontend, error) {
	base := os.TempDir()
	if len(base) > longestBase {
		base = "/tmp"
	}
	own, err := os.MkdirTemp(base, "lxf-*")
	if err != nil {
		return nil, fmt.Errorf("the kernel's connection file: %w; TMPDIR names another place", err)
	}
	f := &Frontend{dir: own, key: []byte(rand.Text()), session: rand.Text(), ended: make(chan struct{}), said: &tail{limit: 16 << 10},
		replies: map[string]chan *message{}, outputs: make(chan *message, 100), heard: make(chan struct{})}
	if err := f.start(ctx, argv, env, dir); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *Frontend) start(ctx context.Context, argv, env []string, dir string) error {
	c := connection{
		Transport: "ipc", IP: filepath.Join(f.dir, "s"), ShellPort: 1, ControlPort: 2, StdinPort: 3, IOPubPort: 4, HeartbeatPort: 5,
		Key: string(f.key), SignatureScheme: "hmac-sha256",
	}
	file := filepath.Join(f.dir, "kernel-"+hex.EncodeToString([]byte(rand.Text()))+".json")
	if err := os.WriteFile(file, encodeJSON(c), 0o600); err != nil {
		return fmt.Errorf("the kernel's connection file: %w; TMPDIR names another place", err)
	}
	words := make([]string, len(argv))
	for i, w := range argv {
		if words[i] = w; w == "{connection_file}" {
			words[i] = file
		}
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = dir
	cmd.Env = environment(env, map[string]string{parentEnv: fmt.Sprint(os.Getpid())})
	cmd.Stdout, cmd.Stderr = f.said, f.said
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // ctrl-C is for the front end
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("the kernel does not start: %w; `kernel doctor` says more", err)
	}
	f.cmd = cmd
	go func() { cmd.Wait(); close(f.ended) }()
	return f.connect(ctx, c)
}

// connect waits until the kernel listens and its outputs arrive.
func (f *Frontend) connect(ctx context.Context, c connection) error {
	ctx, cancel := context.WithTimeoutCause(ctx, connectTime, fmt.Errorf("the kernel does not answer after %s", connectTime))
	defer cancel()
	dealer := func(ctx context.Context, network, address string) (*zmtp.Peer, error) {
		return zmtp.Dial(ctx, network, address, []byte(f.session))
	}
	for _, to := range []struct {
		peer **zmtp.Peer
		port int
		open func(ctx context.Context, network, address string) (*zmtp.Peer, error)
	}{{&f.iopub, c.IOPubPort, zmtp.Subscribe}, {&f.shell, c.ShellPort, dealer}, {&f.control, c.ControlPort, dealer}} {
		network, address := c.address(to.port)
		for {
			var err error
			if *to.peer, err = to.open(ctx, network, address); err == nil {
				break
			}
			select {
			case <-f.ended:
				return f.why()
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	go f.receive(f.shell, f.takeReply)
	go f.receive(f.control, f.takeReply)
	go f.receive(f.iopub, f.takeOutput)
	// Outputs of a kernel that does not welcome who subscribes are known to arrive when one has.
	for {
		if _, _, err := f.request(f.shell, "kernel_info_request", struct{}{}); err != nil {
			return f.gone(err)
		}
		select {
		case <-f.heard:
			return nil
		case <-f.ended:
			return f.why()
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(primeTime):
		}
	}
}

func (f *Frontend) receive(p *zmtp.Peer, take func(m *message)) {
	for {
		frames, err := p.Receive()
		if err != nil {
			return
		}
		if m, err := decode(frames, f.key); err == nil {
			take(m)
		}
	}
}

func (f *Frontend) takeReply(m *message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if waits := f.replies[m.parentID()]; waits != nil {
		waits <- m // there is room for the one that comes
		delete(f.replies, m.parentID())
	}
}

func (f *Frontend) takeOutput(m *message) {
	f.hear.Do(func() { close(f.heard) })
	select {
	case f.outputs <- m:
	case <-f.ended:
	}
}

// request sends a request and returns its id and where the reply comes.
func (f *Frontend) request(to *zmtp.Peer, kind string, content any) (id string, reply <-chan *message, err error) {
	m := newMessage(f.session, "frontend", kind, nil, content)
	waits := make(chan *message, 1)
	f.mu.Lock()
	f.replies[m.head.ID] = waits
	f.mu.Unlock()
	return m.head.ID, waits, to.Send(m.encode(f.key))
}

// Execute runs a cell and calls see for all that it puts out. When ctx ends, the cell is interrupted, and Execute waits until
// it has ended. The number is the one that Jupyter shows beside the cell. The error is a [CellError] if the cell has failed.
func (f *Frontend) Execute(ctx context.Context, code string, see func(Output)) (count int, err error) {
	id, reply, err := f.request(f.shell, "execute_request", map[string]any{
		"code": code, "silent": false, "store_history": true, "allow_stdin": false, "stop_on_error": true, "user_expressions": struct{}{},
	})
	if err != nil {
		return 0, f.gone(err)
	}
	interrupt := ctx.Done()
	var answer *message
	for idle := false; answer == nil || !idle; {
		select {
		case answer = <-reply:
			reply = nil
		case m := <-f.outputs:
			if m.parentID() != id {
				continue
			}
			if m.head.Type == "status" {
				idle = idle || isIdle(m)
				continue
			}
			see(Output{m.head.Type, m.content})
		case <-interrupt:
			interrupt = nil
			if err := f.Interrupt(); err != nil {
				return 0, err
			}
		case <-f.ended:
			return 0, f.why()
		}
	}
	var c struct {
		Status string `json:"status"`
		Count  int    `json:"execution_count"`
		CellError
	}
	if err := answer.read(&c); err != nil {
		return 0, err
	}
	if c.Status != "ok" {
		return c.Count, &c.CellError
	}
	return c.Count, nil
}

// Interrupt interrupts the running cell; the second interrupt kills it.
func (f *Frontend) Interrupt() error {
	_, _, err := f.request(f.control, "interrupt_request", struct{}{})
	return f.gone(err)
}

// Close ends the kernel and everything that it has started.
func (f *Frontend) Close() {
	if f.control != nil {
		f.request(f.control, "shutdown_request", map[string]bool{"restart": false})
	}
	if f.cmd != nil {
		if f.control != nil {
			select {
			case <-f.ended:
			case <-time.After(10 * time.Second):
			}
		}
		endGroup(f.cmd.Process.Pid, 5*time.Second)
		<-f.ended
	}
	for _, p := range []*zmtp.Peer{f.shell, f.control, f.iopub} {
		if p != nil {
			p.Close()
		}
	}
	os.RemoveAll(f.dir)
}

// gone replaces an error of a connection by the reason, if the kernel has ended.
func (f *Frontend) gone(err error) error {
	if err == nil {
		return nil
	}
	select {
	case <-f.ended:
		return f.why()
	case <-time.After(time.Second):
		return fmt.Errorf("the kernel does not listen: %w", err)
	}
}

// why says how the kernel has ended, with the last that it said.
func (f *Frontend) why() error {
	if text := string(bytes.TrimSpace([]byte(f.said.last()))); text != "" {
		return errors.New("the kernel has ended: " + excerpt.Line(text, longestLine))
	}
	return errors.New("the kernel has ended")
}
