package proxy

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/seed-516990b0/golxmert/kernel/proxy/zmtp"
)

// fakeGoNB answers like GoNB, without a compiler. A cell is one comment: //print TEXT, //fail, //shell COMMAND, //die.
func fakeGoNB(file string) error {
	c, err := readConnection(file)
	if err != nil {
		return err
	}
	listeners, err := c.listen()
	if err != nil {
		return err
	}
	g := &fake{key: []byte(c.Key), shell: zmtp.ListenRouter(listeners[0], nil), iopub: zmtp.ListenPublisher(listeners[3], nil, nil)}
	zmtp.ListenRouter(listeners[1], nil)
	zmtp.ListenRouter(listeners[2], nil)
	if err := os.Mkdir(filepath.Join(os.TempDir(), "gonb_0123abcd"), 0o700); err != nil {
		return err
	}
	signal.Notify(make(chan os.Signal, 8), os.Interrupt) // it goes on
	for {
		frames, err := g.shell.Receive(context.Background())
		if err != nil {
			return err
		}
		m, err := decode(frames, g.key)
		if err != nil {
			return err
		}
		if strings.HasSuffix(m.head.Type, "_request") {
			g.answer(m)
		}
	}
}

type fake struct {
	key   []byte
	shell *zmtp.Router
	iopub *zmtp.Publisher
	count int
}

func (g *fake) publish(to *message, kind string, content any) {
	m := newMessage(to.head.Session, "fake", kind, to.header, content)
	m.route = [][]byte{[]byte(kind)}
	g.iopub.Send(m.encode(g.key))
}

func (g *fake) answer(m *message) {
	g.publish(m, "status", map[string]string{"execution_state": "busy"})
	defer g.publish(m, "status", map[string]string{"execution_state": "idle"})
	reply := map[string]any{"status": "ok"}
	if m.head.Type == "execute_request" {
		reply = g.execute(m)
	}
	r := newMessage(m.head.Session, "fake", strings.Replace(m.head.Type, "_request", "_reply", 1), m.header, reply)
	r.route = m.route
	g.shell.Send(r.encode(g.key))
}

func (g *fake) execute(m *message) map[string]any {
	var ask executeRequest
	if err := m.read(&ask); err != nil {
		return map[string]any{"status": "error", "ename": "fake", "evalue": err.Error(), "traceback": []string{}}
	}
	g.count++
	reply := map[string]any{"status": "ok", "execution_count": g.count, "user_expressions": struct{}{}}
	verb, rest, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(ask.Code), "//"), " ")
	switch verb {
	case "print":
		g.publish(m, "stream", map[string]string{"name": "stdout", "text": rest})
	case "fail":
		g.publish(m, "error", map[string]any{"ename": "ERROR", "evalue": "failed", "traceback": []string{"failed"}})
		reply["status"], reply["ename"], reply["evalue"], reply["traceback"] = "error", "ERROR", "failed", []string{"failed"}
	case "shell":
		cmd := exec.Command("/bin/sh", "-c", rest)
		cmd.Stdout = io.Discard
		if err := cmd.Run(); err != nil {
			g.publish(m, "stream", map[string]string{"name": "stderr", "text": err.Error() + "\n"})
		}
	case "die":
		fmt.Fprintln(os.Stderr, "the fake dies")
		os.Exit(7)
	}
	return reply
}
