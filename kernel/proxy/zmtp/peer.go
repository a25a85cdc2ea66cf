package zmtp

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"sync"
)

// Peer is a connection to a socket that listens. One goroutine may receive while others send.
type Peer struct {
	conn net.Conn
	r    *bufio.Reader
	mu   sync.Mutex // held while writing
}

// Dial connects to a ROUTER socket as a DEALER of the given name.
func Dial(ctx context.Context, network, address string, identity []byte) (*Peer, error) {
	return dial(ctx, network, address, "DEALER", identity)
}

// Subscribe connects to a PUB socket and asks for everything.
func Subscribe(ctx context.Context, network, address string) (*Peer, error) {
	p, err := dial(ctx, network, address, "SUB", nil)
	if err != nil {
		return nil, err
	}
	if err := p.Send(Message{{1}}); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func dial(ctx context.Context, network, address, kind string, identity []byte) (*Peer, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	p := &Peer{conn: c, r: bufio.NewReader(c)}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	if _, err := handshake(c, p.r, kind, identity); err != nil {
		c.Close()
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	return p, nil
}

// Send writes a message.
func (p *Peer) Send(m Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := p.conn.Write(encode(m))
	return err
}

// Receive waits for the next message. It ends with an error when the connection does.
func (p *Peer) Receive() (Message, error) {
	for {
		m, name, err := readMessage(p.r)
		if err != nil {
			return nil, err
		}
		if name == "" {
			return m, nil
		}
		if name == "PING" && len(m[0]) >= 2 {
			p.mu.Lock()
			_, err := p.conn.Write(appendCommand(nil, "PONG", m[0][2:]))
			p.mu.Unlock()
			if err != nil {
				return nil, err
			}
		}
	}
}

// Close ends the connection.
func (p *Peer) Close() error { return p.conn.Close() }
