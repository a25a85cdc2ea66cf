package zmtp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// maxConnections bounds what a port's visitors can take of this process.
const maxConnections = 512

// Logf writes one line about something that was dropped, in the manner of log.Printf.
type Logf func(format string, args ...any)

// server accepts the connections of one port.
type server struct {
	kind     string
	listener net.Listener
	logf     Logf
	serve    func(p *peer) // until the connection ends

	mu     sync.Mutex
	conns  map[net.Conn]bool
	closed bool
	done   sync.WaitGroup
}

// peer is a connection that has said who it is.
type peer struct {
	identity []byte
	conn     net.Conn
	r        *bufio.Reader
	out      *outbox
}

func newServer(l net.Listener, kind string, logf Logf) *server {
	if logf == nil {
		logf = func(string, ...any) {}
	}
	return &server{kind: kind, listener: l, logf: logf, conns: map[net.Conn]bool{}}
}

func (s *server) start(serve func(p *peer)) {
	s.serve = serve
	s.done.Go(s.accept)
}

func (s *server) accept() {
	for {
		c, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// No descriptors left, most likely: it passes.
			s.logf("%s: %v", s.listener.Addr(), err)
			time.Sleep(100 * time.Millisecond)
			continue
		}
		if !s.add(c) {
			c.Close()
			continue
		}
		s.done.Go(func() {
			defer s.remove(c)
			if err := s.handle(c); err != nil {
				s.logf("%s: a connection from %s was dropped: %v", s.listener.Addr(), c.RemoteAddr(), err)
			}
		})
	}
}

func (s *server) handle(c net.Conn) error {
	p := &peer{conn: c, r: bufio.NewReader(c), out: newOutbox()}
	identity, err := handshake(c, p.r, s.kind, nil)
	if err != nil {
		if errors.Is(err, io.EOF) { // somebody looked whether the port is open
			return nil
		}
		return err
	}
	p.identity = identity
	var writing sync.WaitGroup
	writing.Go(func() {
		p.out.run(c)
		c.Close()
	})
	s.serve(p)
	p.out.close()
	c.SetWriteDeadline(time.Now().Add(time.Second)) // it no longer listens; the rest is a courtesy
	writing.Wait()
	return nil
}

func (s *server) add(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.conns) >= maxConnections {
		return false
	}
	s.conns[c] = true
	return true
}

func (s *server) remove(c net.Conn) {
	c.Close()
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
}

// receive reads messages until the connection ends, and answers pings.
func (s *server) receive(p *peer, got func(m Message), command func(name string, body []byte)) {
	for {
		m, name, err := readMessage(p.r)
		if err != nil {
			if errors.Is(err, ErrProtocol) || errors.Is(err, io.ErrUnexpectedEOF) {
				s.logf("%s: a connection from %s was dropped: %v", s.listener.Addr(), p.conn.RemoteAddr(), err)
			}
			return
		}
		switch {
		case name == "":
			got(m)
		case name == "PING" && len(m[0]) >= 2:
			// The body is a time to live of two bytes, which is ours to ignore, and a context to send back.
			p.out.put(appendCommand(nil, "PONG", m[0][2:]), 0)
		case command != nil:
			command(name, m[0])
		}
	}
}

// close ends all connections, after what is queued was written, and waits for their goroutines.
func (s *server) close(peers []*peer) error {
	err := s.listener.Close()
	limit := time.Now().Add(time.Second)
	for _, p := range peers {
		p.conn.SetWriteDeadline(limit)
		p.out.close()
	}
	s.mu.Lock()
	s.closed = true
	waiting := make([]net.Conn, 0, len(s.conns))
	for c := range s.conns {
		waiting = append(waiting, c)
	}
	s.mu.Unlock()
	known := map[net.Conn]bool{}
	for _, p := range peers {
		known[p.conn] = true
	}
	for _, c := range waiting {
		if !known[c] {
			c.Close()
		}
	}
	s.done.Wait()
	if err != nil {
		return fmt.Errorf("closing %s: %w", s.listener.Addr(), err)
	}
	return nil
}
