package zmtp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/internal/testwait"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// router is a router with a log.
func router(t *testing.T) (r *Router, address string, log func() string) {
	t.Helper()
	var mu sync.Mutex
	var lines strings.Builder
	l := listen(t)
	r = ListenRouter(l, func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(&lines, format+"\n", args...)
	})
	t.Cleanup(func() { r.Close() })
	return r, l.Addr().String(), func() string {
		mu.Lock()
		defer mu.Unlock()
		return lines.String()
	}
}

func dialTo(t *testing.T, address, name string) *Peer {
	t.Helper()
	p, err := Dial(t.Context(), "tcp", address, []byte(name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func TestMessagesArriveAsTheyWereSent(t *testing.T) {
	r, address, _ := router(t)
	p := dialTo(t, address, "me")
	for _, m := range []Message{
		{[]byte("one")}, {[]byte("a"), {}, []byte("c")}, {{}}, {bytes.Repeat([]byte("x"), 255)}, {bytes.Repeat([]byte("x"), 256)},
		{bytes.Repeat([]byte("long"), 1<<20), []byte("behind")},
	} {
		if err := p.Send(m); err != nil {
			t.Fatal(err)
		}
		got, err := r.Receive(t.Context())
		if err != nil || string(got[0]) != "me" || !reflect.DeepEqual(got[1:], m) {
			t.Fatalf("%d frames of %q arrived as %d of %q, %v", len(m), first(m), len(got)-1, first(got), err)
		}
		if err := r.Send(got); err != nil {
			t.Fatal(err)
		}
		if back, err := p.Receive(); err != nil || !reflect.DeepEqual(back, m) {
			t.Fatalf("%d frames came back as %d, %v", len(m), len(back), err)
		}
	}
}

func first(m Message) []byte {
	if len(m) == 0 {
		return nil
	}
	return m[0][:min(len(m[0]), 20)]
}

func TestRouterTellsPeersApart(t *testing.T) {
	r, address, _ := router(t)
	a, b, anonymous := dialTo(t, address, "a"), dialTo(t, address, "b"), dialTo(t, address, "")
	for _, p := range []*Peer{a, b, anonymous} {
		if err := p.Send(Message{[]byte("hello")}); err != nil {
			t.Fatal(err)
		}
	}
	names := map[string]bool{}
	for range 3 {
		m, err := r.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		names[string(m[0])] = true
		if err := r.Send(Message{m[0], m[0]}); err != nil {
			t.Fatal(err)
		}
	}
	if len(names) != 3 || !names["a"] || !names["b"] {
		t.Errorf("names %v", names)
	}
	if m, err := a.Receive(); err != nil || string(m[0]) != "a" {
		t.Errorf("a received %q, %v", m, err)
	}
	if m, err := b.Receive(); err != nil || string(m[0]) != "b" {
		t.Errorf("b received %q, %v", m, err)
	}
	if err := r.Send(Message{[]byte("nobody"), nil}); !errors.Is(err, ErrNoPeer) {
		t.Errorf("error %v of a message to nobody", err)
	}
}

func TestPeerThatReconnectsTakesItsNameAlong(t *testing.T) {
	r, address, _ := router(t)
	old := dialTo(t, address, "me")
	if err := old.Send(Message{[]byte("1")}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := dialTo(t, address, "me")
	if err := again.Send(Message{[]byte("2")}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Send(Message{[]byte("me"), []byte("answer")}); err != nil {
		t.Fatal(err)
	}
	if m, err := again.Receive(); err != nil || string(m[0]) != "answer" {
		t.Errorf("%q, %v", m, err)
	}
	if _, err := old.Receive(); err == nil {
		t.Error("the old connection still receives")
	}
}

func TestSubscribersGetWhatTheyAskedFor(t *testing.T) {
	l := listen(t)
	p := ListenPublisher(l, nil, nil)
	defer p.Close()
	all, err := Subscribe(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	some, err := dial(t.Context(), "tcp", l.Addr().String(), "SUB", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer some.Close()
	for _, m := range []Message{{[]byte("\x01a")}, {[]byte("\x01b")}, {[]byte("\x00b")}, {{}}, {[]byte("x")}} {
		if err := some.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := some.conn.Write(appendCommand(nil, "SUBSCRIBE", []byte("c"))); err != nil {
		t.Fatal(err)
	}
	ready := func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		n := 0
		for _, s := range p.subscribers {
			s.mu.Lock()
			n += len(s.topics)
			s.mu.Unlock()
		}
		return n == 3
	}
	testwait.Until(t, "the subscriptions arrive", ready)
	for _, topic := range []string{"b", "a1", "d", "c"} {
		p.Send(Message{[]byte(topic), []byte("body")})
	}
	p.Send(nil)
	for _, want := range []struct {
		from   *Peer
		topics []string
	}{{all, []string{"b", "a1", "d", "c"}}, {some, []string{"a1", "c"}}} {
		for _, topic := range want.topics {
			if m, err := want.from.Receive(); err != nil || len(m) != 2 || string(m[0]) != topic {
				t.Errorf("%q, %v, expected %s", m, err, topic)
			}
		}
	}
}

func TestSubscribersAreWelcomed(t *testing.T) {
	l := listen(t)
	p := ListenPublisher(l, nil, func(topic []byte) Message { return Message{topic, []byte("welcome")} })
	defer p.Close()
	some, err := dial(t.Context(), "tcp", l.Addr().String(), "SUB", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer some.Close()
	// Welcomed by message and by command, and no second time.
	for _, m := range []Message{{[]byte("\x01a")}, {[]byte("\x01a")}} {
		if err := some.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := some.conn.Write(appendCommand(nil, "SUBSCRIBE", []byte("c"))); err != nil {
		t.Fatal(err)
	}
	for _, topic := range []string{"a", "c"} {
		if m, err := some.Receive(); err != nil || len(m) != 2 || string(m[0]) != topic || string(m[1]) != "welcome" {
			t.Errorf("%q, %v, expected a welcome to %s", m, err, topic)
		}
	}
	// From then on nothing is missed.
	p.Send(Message{[]byte("c"), []byte("body")})
	if m, err := some.Receive(); err != nil || len(m) != 2 || string(m[1]) != "body" {
		t.Errorf("%q, %v, expected what was sent", m, err)
	}
}

func TestPingIsAnswered(t *testing.T) {
	_, address, _ := router(t)
	p := dialTo(t, address, "me")
	if _, err := p.conn.Write(appendCommand(nil, "PING", []byte("\x00\x10context"))); err != nil {
		t.Fatal(err)
	}
	body, name, err := readMessage(p.r)
	if err != nil || name != "PONG" || string(body[0]) != "context" {
		t.Errorf("%q %q, %v", name, body, err)
	}
}

func TestSubscriberThatDoesNotReadHoldsUpNoOther(t *testing.T) {
	l := listen(t)
	p := ListenPublisher(l, nil, nil)
	defer p.Close()
	var peers []*Peer
	for range 2 {
		s, err := Subscribe(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		peers = append(peers, s)
	}
	read := make(chan int)
	go func() {
		n := 0
		for {
			m, err := peers[1].Receive()
			if err != nil || string(m[0]) == "end" {
				read <- n
				return
			}
			n++
		}
	}()
	testwait.Until(t, "both have subscribed", func() bool {
		subscribed := 0
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, s := range p.subscribers {
			if s.wants(nil) {
				subscribed++
			}
		}
		return subscribed == 2
	})
	const size, count = 1 << 20, 40 // less than an outbox holds, more than a connection does
	for range count {
		p.Send(Message{make([]byte, size)})
	}
	p.Send(Message{[]byte("end")})
	if n := testwait.Receive(t, "the other one reads all", read); n != count {
		t.Errorf("the other one read %d of %d messages", n, count)
	}
}

func TestFullOutboxWaitsThenRefusesUntilItIsEmpty(t *testing.T) {
	o := newOutbox()
	big := make([]byte, outboxSize)
	if err := o.put(big, 0); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := o.put([]byte("x"), 50*time.Millisecond); !errors.Is(err, errFull) || time.Since(begin) < 50*time.Millisecond {
		t.Errorf("error %v after %s", err, time.Since(begin))
	}
	begin = time.Now()
	if err := o.put([]byte("x"), time.Hour); !errors.Is(err, errFull) {
		t.Errorf("error %v after %s of a slow reader's box", err, time.Since(begin))
	}
	a, b := net.Pipe()
	go io.Copy(io.Discard, b)
	go o.run(a)
	testwait.Until(t, "the box is empty", func() bool { return o.put([]byte("x"), 0) == nil })
	o.close()
	if err := o.put([]byte("x"), 0); !errors.Is(err, net.ErrClosed) {
		t.Errorf("error %v of a closed box", err)
	}
}

func TestCloseWritesWhatWasSentAndEndsAllGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	r := ListenRouter(l, nil)
	p, err := Dial(t.Context(), "unix", l.Addr().String(), []byte("me"))
	if err != nil {
		t.Fatal(err)
	}
	silent, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	if err := p.Send(Message{[]byte("hello")}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Send(Message{[]byte("me"), []byte("last words")}); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if m, err := p.Receive(); err != nil || string(m[0]) != "last words" {
		t.Errorf("%q, %v", m, err)
	}
	if _, err := r.Receive(context.Background()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("error %v of a closed router", err)
	}
	p.Close()
	testwait.Until(t, fmt.Sprintf("%d goroutines are left, as before", before), func() bool { return runtime.NumGoroutine() <= before })
}
