package proxy

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"strconv"
	"sync"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
)

// lsp is a connection to a language server: JSON-RPC 2.0 with a length before each message.
type lsp struct {
	writing sync.Mutex
	out     io.WriteCloser

	mu      sync.Mutex // never held while writing: the other side may wait for us to read
	next    int
	waiting map[int]chan<- rpcMessage
	err     error // why the connection has ended
}

// rpcMessage is a request, a notification or a response.
type rpcMessage struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *rpcError       `json:"error,omitempty"`
}

type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *rpcError) Error() string { return "gopls: " + excerpt.Line(e.Message, longestLine) }

// maxRPC is the longest message that is accepted from a server, in bytes.
const maxRPC = 64 << 20

func newLSP(out io.WriteCloser, in io.Reader) *lsp {
	l := &lsp{out: out, waiting: map[int]chan<- rpcMessage{}}
	go l.receive(in)
	return l
}

// call asks and waits for the answer.
func (l *lsp) call(ctx context.Context, method string, params, result any) error {
	answer := make(chan rpcMessage, 1)
	l.mu.Lock()
	l.next++
	id := l.next
	l.waiting[id] = answer
	err := l.err
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.waiting, id)
		l.mu.Unlock()
	}()
	if err == nil {
		err = l.write(rpcMessage{ID: json.RawMessage(strconv.Itoa(id)), Method: method, Params: encodeJSON(params)})
	}
	if err != nil {
		return err
	}
	select {
	case m, ok := <-answer:
		switch {
		case !ok:
			return errEnded
		case m.Error != nil:
			return m.Error
		case result == nil || m.Result == nil:
			return nil
		}
		return json.Unmarshal(m.Result, result)
	case <-ctx.Done():
		l.notify("$/cancelRequest", map[string]int{"id": id})
		return ctx.Err()
	}
}

// errEnded says that the server is gone.
var errEnded = errors.New("gopls has ended")

// notify says something that has no answer.
func (l *lsp) notify(method string, params any) error {
	return l.write(rpcMessage{Method: method, Params: encodeJSON(params)})
}

func (l *lsp) write(m rpcMessage) error {
	m.Version = "2.0"
	text := encodeJSON(m)
	l.writing.Lock()
	defer l.writing.Unlock()
	_, err := fmt.Fprintf(l.out, "Content-Length: %d\r\n\r\n%s", len(text), text)
	return err
}

// receive hands on answers until the connection ends.
func (l *lsp) receive(in io.Reader) {
	r := newReader(in)
	for {
		m, err := readRPC(r)
		if err != nil {
			l.mu.Lock()
			l.err = errEnded
			for id, answer := range l.waiting {
				close(answer)
				delete(l.waiting, id)
			}
			l.mu.Unlock()
			return
		}
		switch {
		case m.Method != "" && m.ID != nil:
			go l.refuse(m)
		case m.Method == "":
			l.deliver(m)
		}
	}
}

func (l *lsp) deliver(m rpcMessage) {
	id, err := strconv.Atoi(string(m.ID))
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if answer, ok := l.waiting[id]; ok {
		delete(l.waiting, id)
		answer <- m
	}
}

// refuse answers what a server asks its client: there is nothing to configure, and progress is not shown.
func (l *lsp) refuse(m rpcMessage) {
	result := json.RawMessage("null")
	if m.Method == "workspace/configuration" {
		var ask struct {
			Items []json.RawMessage `json:"items"`
		}
		if json.Unmarshal(m.Params, &ask) == nil {
			result = encodeJSON(make([]any, len(ask.Items)))
		}
	}
	l.write(rpcMessage{ID: m.ID, Result: result}) // that it has ended is seen when reading
}

func newReader(in io.Reader) *textproto.Reader { return textproto.NewReader(bufio.NewReader(in)) }

func readRPC(r *textproto.Reader) (m rpcMessage, err error) {
	head, err := r.ReadMIMEHeader()
	if err != nil {
		return m, err
	}
	n, err := strconv.Atoi(head.Get("Content-Length"))
	if err != nil || n < 0 || n > maxRPC {
		return m, fmt.Errorf("gopls: a message of length %.20q", head.Get("Content-Length"))
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r.R, text); err != nil {
		return m, err
	}
	return m, json.Unmarshal(text, &m)
}
