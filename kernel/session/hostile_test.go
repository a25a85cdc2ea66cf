package session_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/internal/testneed"
	"github.com/seed-516990b0/golxmert/internal/testwait"
	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// speaks is the header of whoever speaks as the session does.
var speaks = fmt.Sprintf("%s: %d\r\n", wire.ProtocolHeader, wire.Protocol)

// raw makes a connection of its own to the session.
func (r resident) raw() net.Conn {
	r.t.Helper()
	c, err := net.Dial("unix", filepath.Join(r.dir, "socket"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(testwait.Patience(r.t))); err != nil {
		r.t.Fatal(err)
	}
	return c
}

func TestGarbageOnTheSocketChangesNothing(t *testing.T) {
	r := newResident(t)
	c := r.dial("a")
	_, there, b := both(t, c, goldens(t)[0])
	pid := r.pid(c)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 60 {
		junk := make([]byte, 1+random.IntN(5000))
		for k := range junk {
			junk[k] = byte(random.Uint32())
		}
		switch i % 6 {
		case 1:
			junk = append([]byte("POST /run HTTP/1.1\r\nHost: x\r\n"), junk...)
		case 2:
			junk = append([]byte(fmt.Sprintf("POST /run HTTP/1.1\r\nHost: x\r\n"+speaks+"Content-Length: %d\r\n\r\n", len(junk))), junk...)
		case 3:
			junk = append([]byte(fmt.Sprintf("PUT /values/%%ff HTTP/1.1\r\nHost: x\r\n"+speaks+"Lxmert-Type: \"\\\r\nContent-Length: %d\r\n\r\n", len(junk))), junk...)
		case 4:
			junk = append([]byte(fmt.Sprintf("POST /batch HTTP/1.1\r\nHost: x\r\n"+speaks+"Content-Length: %d\r\n\r\n{\"questions\":", len(junk)+13)), junk...)
		case 5:
			junk = append([]byte(fmt.Sprintf("POST /draw HTTP/1.1\r\nHost: x\r\n"+speaks+"Content-Length: %d\r\n\r\n", len(junk))), junk...)
		}
		conn := r.raw()
		conn.Write(junk) // it may be closed by then
		conn.(*net.UnixConn).CloseWrite()
		io.Copy(io.Discard, conn)
	}
	if _, err := there.Run(t.Context(), b, lxmert.Request{Want: lxmert.All("out.qa")}); err != nil {
		t.Error(err)
	}
	if r.pid(c) != pid {
		t.Error("it was started again")
	}
}

func TestCallsAreBounded(t *testing.T) {
	r := newResident(t)
	c := r.dial("a")
	for name, x := range map[string]struct{ head, want string }{
		"a huge body":       {"POST /run HTTP/1.1\r\nHost: x\r\n" + speaks + "Content-Length: 999999999999\r\n\r\n", "400 "},
		"a huge JSON":       {"POST /open HTTP/1.1\r\nHost: x\r\n" + speaks + "Content-Length: 99999999\r\n\r\n", "400 "},
		"no length":         {"POST /run HTTP/1.1\r\nHost: x\r\n" + speaks + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "400 "},
		"a huge header":     {"GET /hello HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", "431 "},
		"no protocol":       {"GET /runs HTTP/1.1\r\nHost: x\r\n\r\n", "503 "}, // it makes room for one that understands
		"no such call":      {"GET /etc/passwd HTTP/1.1\r\nHost: x\r\n" + speaks + "\r\n", "404 "},
		"up the folders":    {"GET /values/../../etc HTTP/1.1\r\nHost: x\r\n" + speaks + "\r\n", "307 "},
		"logs of a million": {"GET /logs?bytes=-1 HTTP/1.1\r\nHost: x\r\n" + speaks + "\r\n", "400 "},
	} {
		pid := r.pid(c) // starts it, if the case before has ended it
		conn := r.raw()
		go io.WriteString(conn, x.head)
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "HTTP/1.1 "+x.want) {
			t.Errorf("%s: %q, %v", name, line, err)
		}
		if name == "no protocol" {
			testwait.Until(t, "the session ends", func() bool { return gone(pid) })
		}
	}
}

func TestAClientOfAnotherBuildIsToldWhatToDo(t *testing.T) {
	r, w := newResident(t), newWork(t)
	c := r.dial("a")
	pid := r.pid(c)
	run := w.start(c, "vqa", w.args("x", "--epochs", endless)...)
	ask := func() string {
		conn := r.raw()
		if _, err := io.WriteString(conn, "GET /runs HTTP/1.1\r\nHost: x\r\nLxmert-Protocol: 99\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(conn)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if text := ask(); !strings.HasPrefix(text, "HTTP/1.1 426 ") || !strings.Contains(text, fmt.Sprintf("process %d is of another build", pid)) || !strings.Contains(text, "kernel session stop") {
		t.Errorf("a session with work to do says %s", text)
	}
	conn := r.raw()
	if _, err := io.WriteString(conn, "DELETE /values/x HTTP/1.1\r\nHost: x\r\nLxmert-Protocol: 99\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 426 ") {
		t.Errorf("a change by another build: %q, %v", line, err)
	}
	conn = r.raw()
	if _, err := io.WriteString(conn, "POST /shutdown HTTP/1.1\r\nHost: x\r\nLxmert-Protocol: 99\r\nContent-Length: 0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 200 ") {
		t.Errorf("another build ends it: %q, %v", line, err)
	}
	testwait.Until(t, "the session ends", func() bool { return gone(pid) })
	if now, err := c.Run(t.Context(), run.ID); err != nil || now.State != client.Stopped {
		t.Errorf("its run is %+v, %v", now, err)
	}
}

func TestAnotherUserIsRefused(t *testing.T) {
	testneed.Require(t, "root", os.Getuid() == 0, "only root can be somebody else")
	r := newResident(t)
	c := r.dial("a")
	// Copied to where the other user can run it.
	public, err := os.MkdirTemp("/tmp", "lxp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(public) })
	if err := os.Chmod(public, 0o755); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(public, "program")
	copyProgram(t, program)
	other := func() string {
		cmd := exec.Command(program, "-test.run=^TestOtherUserChild$", "-test.v")
		cmd.Env = append(os.Environ(), "LXMERT_OTHER_USER_CHILD="+filepath.Join(r.dir, "socket"), "TMPDIR=/tmp")
		cmd.Dir = public
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	if out := other(); !strings.Contains(out, "permission denied") {
		t.Errorf("the folder does not keep the other user out: %s", out)
	}
	// Even where the folder does not: its own user is asked at each connection.
	for path, mode := range map[string]os.FileMode{r.dir: 0o777, filepath.Join(r.dir, "socket"): 0o777} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if out := other(); !strings.Contains(out, "the session hangs up") {
		t.Errorf("the other user is answered: %s", out)
	}
	if _, err := c.Status(t.Context()); err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Errorf("a client trusts a folder that others can enter: %v", err)
	}
	if err := os.Chmod(r.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	if err := c.Logs(t.Context(), &log, 1<<20); err != nil || !strings.Contains(log.String(), "refused a connection of user 65534") {
		t.Errorf("the log says %s, %v", &log, err)
	}
}

// TestOtherUserChild is not a test of its own: it is another user's process.
func TestOtherUserChild(t *testing.T) {
	socket := os.Getenv("LXMERT_OTHER_USER_CHILD")
	if socket == "" {
		t.Skip("runs only as a child of another test")
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Log(err)
		return
	}
	io.WriteString(conn, "GET /hello HTTP/1.1\r\nHost: x\r\n"+speaks+"\r\n")
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Log("the session hangs up")
		return
	}
	t.Logf("the session answers %s", r.Status)
}
