package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/seed-516990b0/golxmert/internal/filelock"
)

// lock takes the lock that the one session of a folder holds. A session that is just ending is waited for.
func (s *Server) lock(ctx context.Context) (*filelock.Lock, error) {
	late := time.Now().Add(lockWait)
	lock, err := filelock.Wait(ctx, s.place.Lock, func(held *filelock.HeldError, _ bool) error {
		if c, err := net.Dial("unix", s.place.Socket); err == nil {
			c.Close()
			return ErrRunning
		}
		if time.Now().After(late) {
			return fmt.Errorf("%w but does not answer; end it", held)
		}
		return nil
	})
	if err == nil || errors.Is(err, ErrRunning) {
		return lock, err
	}
	return nil, fmt.Errorf("session: %w", err)
}

// lockWait is how long a session that no longer answers may take to end: it may have a training step to finish.
const lockWait = 20 * time.Second

// listen opens the socket, over what a session that was killed may have left.
func (s *Server) listen() (net.Listener, error) {
	if err := os.Remove(s.place.Socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("session: %w", err)
	}
	l, err := net.Listen("unix", s.place.Socket)
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	// That the socket is gone says that the session is: it is removed last.
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := os.Chmod(s.place.Socket, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("session: %w", err)
	}
	return &listener{Listener: l, log: s.log, slots: make(chan struct{}, maxConnections)}, nil
}

// maxConnections bounds the connections at one time. Others wait.
const maxConnections = 128

// listener lets in connections of this user, up to a number at a time.
type listener struct {
	net.Listener
	log   *logFile
	slots chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if uid, known := peer(c); known && uid != os.Geteuid() {
			l.log.printf("refused a connection of user %d", uid)
			c.Close()
			continue
		}
		l.slots <- struct{}{}
		return &conn{Conn: c, release: func() { <-l.slots }}, nil
	}
}

// conn gives its slot back when it is closed.
type conn struct {
	net.Conn
	once    sync.Once
	release func()
}

func (c *conn) Close() error {
	c.once.Do(c.release)
	return c.Conn.Close()
}
