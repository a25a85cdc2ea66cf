package zmtp

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"net"
	"slices"
	"sync"
	"time"
)

// ErrNoPeer is returned for a message to somebody who is not connected.
var ErrNoPeer = errors.New("the receiver is not connected")

// Router is a ROUTER socket: it receives messages from many peers, and sends each to the peer it names.
type Router struct {
	server *server
	in     chan Message
	end    chan struct{}

	mu    sync.Mutex
	peers map[string]*peer
}

// ListenRouter serves a listener, which the router then owns.
func ListenRouter(l net.Listener, logf Logf) *Router {
	r := &Router{server: newServer(l, "ROUTER", logf), in: make(chan Message), end: make(chan struct{}), peers: map[string]*peer{}}
	r.server.start(r.serve)
	return r
}

func (r *Router) serve(p *peer) {
	if len(p.identity) == 0 {
		// Names that begin with a zero byte are those that routers give.
		p.identity = append([]byte{0}, rand.Text()...)
	}
	id := string(p.identity)
	r.mu.Lock()
	if old := r.peers[id]; old != nil {
		old.conn.Close() // it has reconnected before its old connection was seen to end
	}
	r.peers[id] = p
	r.mu.Unlock()
	r.server.receive(p, func(m Message) {
		select {
		case r.in <- append(Message{p.identity}, m...):
		case <-r.end:
		}
	}, nil)
	r.mu.Lock()
	if r.peers[id] == p {
		delete(r.peers, id)
	}
	r.mu.Unlock()
}

// Receive waits for a message. Its first frame says who sent it. The error is that of ctx, or [net.ErrClosed].
func (r *Router) Receive(ctx context.Context) (Message, error) {
	select {
	case m := <-r.in:
		return m, nil
	case <-r.end:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Send sends a message to whom its first frame names. It waits only when that peer has left far too much unread, and
// then ends its connection.
func (r *Router) Send(m Message) error {
	if len(m) == 0 {
		return ErrNoPeer
	}
	r.mu.Lock()
	p := r.peers[string(m[0])]
	r.mu.Unlock()
	if p == nil {
		return ErrNoPeer
	}
	err := p.out.put(encode(m[1:]), 10*time.Second)
	if errors.Is(err, errFull) {
		p.conn.Close()
	}
	return err
}

// Close ends all connections; what has been sent is written first, for at most a second.
func (r *Router) Close() error {
	close(r.end)
	r.mu.Lock()
	peers := slices.Collect(maps.Values(r.peers))
	r.mu.Unlock()
	return r.server.close(peers)
}
