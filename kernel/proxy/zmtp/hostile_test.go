package zmtp

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/internal/testwait"
)

// hello is what a peer sends before its first message.
func hello(kind string) []byte {
	return appendCommand(greeting[:], "READY", appendProperty(nil, "Socket-Type", []byte(kind)))
}

func TestWhatIsNotZMTPEndsItsOwnConnectionOnly(t *testing.T) {
	r, address, log := router(t)
	huge := binary.BigEndian.AppendUint64([]byte{flagLong}, 1<<62)
	old := greeting
	old[10] = 2
	curve := greeting
	copy(curve[12:], "CURVE")
	broken := greeting
	broken[9] = 0
	for name, text := range map[string][]byte{
		"http":                  []byte("GET / HTTP/1.1\r\n\r\n"),
		"an old version":        old[:],
		"another mechanism":     curve[:],
		"a broken signature":    broken[:],
		"no READY":              append(greeting[:], 0, 1, 'x'),
		"another command":       appendCommand(greeting[:], "HELLO", nil),
		"an error":              appendCommand(greeting[:], "ERROR", []byte("\x02no")),
		"a nameless command":    appendFrame(greeting[:], flagCommand, nil),
		"a cut command":         appendFrame(greeting[:], flagCommand, []byte{9, 'x'}),
		"cut properties":        appendCommand(greeting[:], "READY", []byte("\x0bSocket-Type\xff\xff\xff\xffx")),
		"cut names":             appendCommand(greeting[:], "READY", []byte{200}),
		"a long READY":          append(append([]byte{}, greeting[:]...), append([]byte{flagCommand | flagLong}, 0, 0, 0, 0, 1, 0, 0, 0)...),
		"the wrong kind":        hello("SUB"),
		"a long name":           appendCommand(greeting[:], "READY", appendProperty(appendProperty(nil, "Socket-Type", []byte("DEALER")), "Identity", make([]byte, 300))),
		"a frame without end":   append(hello("DEALER"), huge...),
		"unknown flags":         append(hello("DEALER"), 0x80, 0),
		"a command with more":   append(hello("DEALER"), flagCommand|flagMore, 1, 'x'),
		"a command in between":  append(hello("DEALER"), flagMore, 1, 'x', flagCommand, 2, 1, 'x'),
		"far too many frames":   append(hello("DEALER"), bytes.Repeat([]byte{flagMore, 0}, maxFrames+1)...),
		"half a message":        append(hello("DEALER"), 0, 5, 'x'),
		"more than may be read": append(hello("DEALER"), binary.BigEndian.AppendUint64([]byte{flagLong}, MaxMessage+1)...),
	} {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(text); err != nil {
			t.Fatal(err)
		}
		if name == "half a message" {
			c.(*net.TCPConn).CloseWrite()
		}
		c.SetReadDeadline(time.Now().Add(testwait.Patience(t)))
		if _, err := io.Copy(io.Discard, c); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s: the connection stays open: %v", name, err)
		}
		c.Close()
	}
	p := dialTo(t, address, "good")
	if err := p.Send(Message{[]byte("hello")}); err != nil {
		t.Fatal(err)
	}
	if m, err := r.Receive(t.Context()); err != nil || string(m[1]) != "hello" {
		t.Errorf("%q, %v", m, err)
	}
	if n := strings.Count(log(), "was dropped"); n != 21 || strings.Contains(log(), "timeout") { // it takes no time limit to see these
		t.Errorf("%d lines in the log, expected 21:\n%s", n, log())
	}
}

func TestSilentConnectionHoldsNobodyUp(t *testing.T) {
	r, address, _ := router(t)
	for range 20 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	p := dialTo(t, address, "good")
	if err := p.Send(Message{[]byte("hello")}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestClaimedLengthAllocatesNothing(t *testing.T) {
	text := binary.BigEndian.AppendUint64([]byte{flagLong}, MaxMessage)
	text = append(text, "and then little"...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, err := readMessage(bufio.NewReader(bytes.NewReader(text)))
	runtime.ReadMemStats(&after)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v", err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes were allocated for %d that came", n, len(text))
	}
}

func FuzzReadMessage(f *testing.F) {
	f.Add(encode(Message{[]byte("a"), {}, bytes.Repeat([]byte("b"), 300)}))
	f.Add(appendCommand(nil, "PING", []byte("\x00\x01x")))
	f.Add([]byte{flagLong, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, text []byte) {
		r := bufio.NewReader(bytes.NewReader(text))
		for {
			m, name, err := readMessage(r)
			if err != nil {
				return
			}
			if name == "" {
				back, _, err := readMessage(bufio.NewReader(bytes.NewReader(encode(m))))
				if err != nil || !reflect.DeepEqual(back, m) {
					t.Fatalf("%q was read as %q, %v", m, back, err)
				}
			}
		}
	})
}

func FuzzReadProperties(f *testing.F) {
	f.Add(appendProperty(appendProperty(nil, "Socket-Type", []byte("DEALER")), "Identity", nil))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := readProperties(text)
		if err != nil && !errors.Is(err, ErrProtocol) || err == nil && len(text) > 0 && len(p) == 0 {
			t.Errorf("%v, %v", p, err)
		}
	})
}
