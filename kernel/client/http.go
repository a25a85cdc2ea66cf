package client

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/textproto"
	"strconv"
	"strings"
)

// This file is as much of HTTP/1.1 (RFC 9112) as one call over a unix socket needs. net/http would do it, too, and brings
// TLS, HTTP/2, proxies, cookies, certificates and their mathematics into every cell of a notebook, a third of what is linked
// for it.

// maxAnswerHeader bounds the status line and the header of an answer, in bytes.
const maxAnswerHeader = 64 << 10

// answer is what a call brings. Its body must be closed.
type answer struct {
	status int
	reason string // the status as the session words it
	header textproto.MIMEHeader
	length int64 // of the body in bytes, -1: not known before its end
	body   io.ReadCloser
}

// exchange sends a call over a connection of its own, which the answer's body owns; it is closed if there is none. When
// ctx ends, so does the connection, whoever reads from it.
func exchange(ctx context.Context, conn net.Conn, method, path string, header map[string]string, data []byte) (*answer, error) {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	a, err := converse(conn, method, path, header, data)
	if err != nil {
		stop()
		conn.Close()
		return nil, err
	}
	a.body = closing{a.body, func() error { stop(); return conn.Close() }}
	return a, nil
}

// closing is a body with a Close of its own.
type closing struct {
	io.Reader
	close func() error
}

func (c closing) Close() error { return c.close() }

func converse(conn net.Conn, method, path string, header map[string]string, data []byte) (*answer, error) {
	var head bytes.Buffer
	fmt.Fprintf(&head, "%s %s HTTP/1.1\r\nHost: session\r\nConnection: close\r\n", method, path)
	for name, value := range header {
		if strings.ContainsAny(name+value, "\r\n\x00") {
			return nil, fmt.Errorf("a header that cannot be sent: %q", name+": "+value)
		}
		fmt.Fprintf(&head, "%s: %s\r\n", name, value)
	}
	if data != nil || method != "GET" {
		fmt.Fprintf(&head, "Content-Length: %d\r\n", len(data))
	}
	head.WriteString("\r\n")
	// The session may answer before it has read everything, a call that is too large for instance, and reads no more then.
	sent := make(chan error, 1)
	go func() {
		_, err := (&net.Buffers{head.Bytes(), data}).WriteTo(conn)
		sent <- err
	}()
	a, err := readAnswer(conn)
	if err == nil {
		return a, nil
	}
	select {
	case failed := <-sent:
		if failed != nil {
			err = failed
		}
	default:
	}
	return nil, err
}

func readAnswer(conn io.Reader) (*answer, error) {
	limit := &io.LimitedReader{R: conn, N: maxAnswerHeader}
	in := bufio.NewReader(limit)
	text := textproto.NewReader(in)
	broken := func(err error) error {
		if limit.N == 0 {
			return fmt.Errorf("an answer whose header takes more than %d KB", maxAnswerHeader>>10)
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("an answer that breaks off: %w", err)
	}
	for {
		line, err := text.ReadLine()
		if err != nil {
			return nil, broken(err)
		}
		version, rest, _ := strings.Cut(line, " ")
		code, _, _ := strings.Cut(rest, " ")
		a := &answer{reason: rest, length: -1}
		if a.status, err = strconv.Atoi(code); err != nil || !strings.HasPrefix(version, "HTTP/1.") || a.status < 100 || a.status > 999 {
			return nil, fmt.Errorf("an answer that is not HTTP: %.60q", line)
		}
		if a.header, err = text.ReadMIMEHeader(); err != nil {
			return nil, broken(err)
		}
		if a.status < 200 { // only says that the session goes on
			continue
		}
		limit.N = math.MaxInt64
		return a, a.setBody(in)
	}
}

// setBody finds out where the body ends.
func (a *answer) setBody(in *bufio.Reader) error {
	length := a.header.Get("Content-Length")
	switch coding := a.header.Get("Transfer-Encoding"); {
	case a.status == 204 || a.status == 304:
		a.length, a.body = 0, io.NopCloser(bytes.NewReader(nil))
	case strings.EqualFold(coding, "chunked"):
		a.body = io.NopCloser(&chunks{in: in})
	case coding != "":
		return fmt.Errorf("an answer in the coding %.40q", coding)
	case length == "":
		return errors.New("an answer that does not say how long it is")
	default:
		n, err := strconv.ParseUint(length, 10, 63)
		if err != nil {
			return fmt.Errorf("an answer of length %.40q", length)
		}
		a.length, a.body = int64(n), io.NopCloser(&exactly{in, int64(n)})
	}
	return nil
}

// exactly reads n bytes; an end before that is an error.
type exactly struct {
	in   io.Reader
	left int64
}

func (e *exactly) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.in.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	if errors.Is(err, io.EOF) && e.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// chunks reads a body that comes in pieces, each after its length in hexadecimal, up to one of length 0.
type chunks struct {
	in    *bufio.Reader
	piece *exactly
	err   error
}

func (c *chunks) Read(p []byte) (int, error) {
	for c.err == nil {
		if c.piece == nil {
			c.err = c.next()
			continue
		}
		n, err := c.piece.Read(p)
		switch {
		case n > 0 || len(p) == 0:
			return n, nil
		case errors.Is(err, io.EOF):
			c.piece = nil
			if end, err := c.line(); err != nil {
				c.err = err
			} else if end != "" {
				c.err = fmt.Errorf("an answer with %.20q between two pieces", end)
			}
		case err != nil:
			c.err = err
		}
	}
	return 0, c.err
}

// next begins the next piece. io.EOF: that was the last.
func (c *chunks) next() error {
	size, err := c.line()
	if err != nil {
		return err
	}
	size, _, _ = strings.Cut(size, ";")
	n, err := strconv.ParseUint(strings.TrimSpace(size), 16, 63)
	if err != nil {
		return fmt.Errorf("an answer with a piece of length %.20q", size)
	}
	if n > 0 {
		c.piece = &exactly{c.in, int64(n)}
		return nil
	}
	for { // fields after the body mean nothing here
		if line, err := c.line(); err != nil {
			return err
		} else if line == "" {
			return io.EOF
		}
	}
}

func (c *chunks) line() (string, error) {
	line, err := c.in.ReadSlice('\n')
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return string(bytes.TrimRight(line, "\r\n")), err
}
