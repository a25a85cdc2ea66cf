package proxy

import (
	"errors"
	"net"
	"regexp"
	"strings"
	"time"

	"github.com/seed-516990b0/golxmert/kernel/proxy/zmtp"
)

// This file takes what GoNB says, until its connections end.

// fromGoNB reads one of GoNB's connections.
func (k *kernel) fromGoNB(p *zmtp.Peer, take func(m *message)) {
	for {
		frames, err := p.Receive()
		if err != nil {
			return
		}
		m, err := decode(frames, k.gonb.key)
		if err != nil {
			k.Log.Printf("GoNB: %v", err)
			continue
		}
		take(m)
	}
}

// running is the execution that a message of GoNB's belongs to, nil if it is none.
func (k *kernel) running(m *message) *execution {
	id := m.parentID()
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.byID[id]
}

func (k *kernel) receiveReplies() {
	k.fromGoNB(k.gonb.shell, func(m *message) {
		e := k.running(m)
		if e == nil || m.head.Type != "execute_reply" {
			return // an answer to what the kernel has asked for itself
		}
		select {
		case e.reply <- m:
		default:
		}
	})
}

// receiveQuestions passes on what GoNB asks the user, to whom the running cell came from.
func (k *kernel) receiveQuestions() {
	k.fromGoNB(k.gonb.stdin, func(m *message) {
		e := k.running(m)
		if e == nil || e.request.message == nil {
			return
		}
		m.parent = e.request.header
		m.route = e.request.route
		if err := k.stdin.Send(m.encode(k.key)); err != nil && !errors.Is(err, net.ErrClosed) {
			k.Log.Printf("a question of the cell reaches nobody: %v", err)
		}
	})
}

// receiveAnnouncements passes on outputs; heard is called for the first sign of GoNB, and any other.
func (k *kernel) receiveAnnouncements(heard func()) {
	k.fromGoNB(k.gonb.iopub, func(m *message) {
		heard()
		e := k.running(m)
		switch m.head.Type {
		case "status":
			if e != nil && isIdle(m) {
				e.becomeIdle()
			}
		case "execute_input", "error": // the kernel has its own
		case "comm_open", "comm_close", "comm_msg":
			k.comms.see(m)
			k.pass(m, e)
		case "stream":
			if e != nil {
				e.hear(m)
				e.noteRemoval(m)
			}
			if e != nil && !e.ask.Silent {
				k.passStream(m, e)
			}
		default:
			if e != nil {
				e.hear(m)
			}
			if e != nil && !e.ask.Silent {
				e.mu.Lock()
				k.release(e)
				e.mu.Unlock()
				k.pass(m, e)
			}
		}
	})
}

// hear tells whoever has sent the code what it says and displays.
func (e *execution) hear(m *message) {
	if e.listen != nil {
		e.listen(m)
	}
}

func isIdle(m *message) bool {
	var c struct {
		State string `json:"execution_state"`
	}
	return m.read(&c) == nil && c.State == "idle"
}

func (e *execution) becomeIdle() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.isIdle {
		e.isIdle = true
		close(e.idle)
	}
}

// pass publishes a message of GoNB's as one that belongs to the request which Jupyter knows.
func (k *kernel) pass(m *message, e *execution) {
	if e != nil && e.request.message != nil {
		m.parent = e.request.header
	}
	k.publishMessage(m)
}

// reasonMark begins the line by which a program of package lx says, as the last thing that it does, why it ends.
const reasonMark = "lx: "

// usualReasonTime is how long such a line is held back when nothing follows: longer than a program takes to end. On a
// machine where it takes longer the line is shown twice.
const usualReasonTime = 300 * time.Millisecond

// reasonOf is what a text says that begins with reasonMark, without how the program ended; "": it says nothing.
func reasonOf(text string) string {
	text, ok := strings.CutPrefix(text, reasonMark)
	if !ok {
		return ""
	}
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSpace(line)
}

// reason is why a program of package lx has ended. The execution's lock is held.
func (e *execution) reason() string {
	if reason := reasonOf(e.held); reason != "" {
		return reason
	}
	return reasonOf(e.stderr.last()) // it has been shown, as the program took its time to end
}

// splitReason cuts off a last line that may say why the program ends: if it does, the cell's error says it. The
// execution's lock is held.
func (k *kernel) splitReason(e *execution, text string) (before, held string) {
	at := strings.LastIndexByte(strings.TrimSuffix(text, "\n"), '\n') + 1
	if !strings.HasPrefix(text[at:], reasonMark) {
		return text, ""
	}
	held = text[at:]
	time.AfterFunc(k.reasonTime, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.held == held {
			k.release(e)
		}
	})
	return text[:at], held
}

// exitText is all that GoNB says about a program that did not end well.
var exitText = regexp.MustCompile(`^(\^C\n)?(exit status \d+|signal: .*)\n?$`)

// passStream passes on text. Places in GoNB's file become places in cells. How the program ended is held back: if it is
// the last line, the error says it better.
func (k *kernel) passStream(m *message, e *execution) {
	var c struct {
		Name string `json:"name"`
		Text string `json:"text"`
	}
	if err := m.read(&c); err != nil {
		k.Log.Printf("GoNB: %v", err)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if c.Name == "stderr" {
		if exitText.MatchString(c.Text) {
			if reasonOf(e.held) == "" {
				k.release(e)
			}
			e.held += c.Text
			return
		}
		c.Text, e.held = k.splitTrace(e.held + c.Text)
		if e.held == "" {
			c.Text, e.held = k.splitReason(e, c.Text)
		}
		c.Text = k.locate(e, c.Text)
		e.stderr.Write([]byte(c.Text))
	} else {
		k.release(e)
	}
	if c.Text == "" {
		return
	}
	m.content = encodeJSON(c)
	k.pass(m, e)
}

// release publishes what passStream has held back. The execution's lock is held.
func (k *kernel) release(e *execution) {
	if e.held == "" {
		return
	}
	text := k.locate(e, e.held)
	e.held = ""
	e.stderr.Write([]byte(text))
	k.publishStream(e, "stderr", text)
}

func (k *kernel) publishStream(e *execution, name, text string) {
	if e.request.message != nil && !e.ask.Silent {
		k.publish("stream", e.request.header, map[string]string{"name": name, "text": text})
	}
}

// streamWriter writes to a cell's output.
type streamWriter struct {
	k    *kernel
	e    *execution
	name string
}

func (w streamWriter) Write(p []byte) (int, error) {
	w.k.publishStream(w.e, w.name, string(p))
	return len(p), nil
}
