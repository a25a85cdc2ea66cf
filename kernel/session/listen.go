package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// lock takes the lock that the one session of a folder holds. A session that is just ending is waited for.
func (s *Server) lock(ctx context.Context) (*os.File, error) {
	f, err := os.OpenFile(s.place.Lock, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	for tries := 0; ; tries++ {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return f, nil
		case errors.Is(err, syscall.EINTR):
			continue
		case !errors.Is(err, syscall.EWOULDBLOCK):
			f.Close()
			return nil, fmt.Errorf("session: locking %s: %w", s.place.Lock, err)
		}
		if c, err := net.Dial("unix", s.place.Socket); err == nil {
			c.Close()
			f.Close()
			return nil, ErrRunning
		}
		if tries == lockTries {
			f.Close()
			return nil, fmt.Errorf("session: another one holds %s but does not answer; end its process", s.place.Lock)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(lockPause):
		}
	}
}

// A session that ends may have a training step to finish.
const (
	lockPause = 10 * time.Millisecond
	lockTries = int(20 * time.Second / lockPause)
)

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

// listener lets in connections of this user, so many at a time.
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
