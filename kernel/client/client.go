package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// SavingEnv is the environment variable that names a file, for the programs of cells: an interrupted program that has made
// it is not killed after five seconds, as it saves its work, but after a minute.
const SavingEnv = wire.SavingEnv

// AsideSuffix is what the kernel puts after the name of the file that a cell's program was compiled from, main.go, while
// the program runs. A program that reads its own source finds it under this name, or under its own where another kernel
// runs it.
const AsideSuffix = wire.AsideSuffix

// Environment variables that say what [Options] leave open.
const (
	ProgramEnv  = "LXMERT_SESSION_COMMAND" // the program to start as the session
	NotebookEnv = "LXMERT_NOTEBOOK"        // the name of the notebook, for the queue
	DirEnv      = wire.DirEnv              // the folder of the session
)

// Options say which session to talk to. The zero value is the user's own.
type Options struct {
	// Dir is the folder of the session's socket; "": what LXMERT_SESSION_DIR says, or the user's folder for such things.
	Dir string
	// Program is started as "PROGRAM session serve" if no session is there; "": what LXMERT_SESSION_COMMAND says, or the
	// installed kernel.
	Program string
	// NoStart makes it an error that there is no session, see [ErrNoSession].
	NoStart bool
	// Notebook is on whose behalf calls are made: notebooks take turns. "": what LXMERT_NOTEBOOK says, or this process.
	Notebook string
	// Log is told when a session is started, and remarks about what was asked, one line each. Nil: nobody is.
	Log io.Writer
	// Wait is how long a session may take to start; 0: two minutes.
	Wait time.Duration
}

// Errors that a caller may want to tell apart. Each is one line that says what to do.
var (
	ErrNoSession = errors.New("no session is running")
	ErrDied      = errors.New("the session ended while it worked on this call")
	ErrVersion   = errors.New("the session is of another build")
	ErrNotFound  = errors.New("not found")
	ErrUsage     = errors.New("usage")
	ErrExists    = errors.New("there already")
	ErrFull      = errors.New("no room")
	ErrNoEngine  = errors.New("no such engine")
	ErrEnding    = errors.New("the session is ending")
)

// Client talks to a session, over a connection of its own for each call: there is nothing to close. Its methods may be
// called from several goroutines.
type Client struct {
	opt    Options
	place  wire.Place
	folder string // working directory, for relative names
}

// Dial finds the session of this user, or starts one and waits until it answers. Errors wrap [ErrNoSession],
// [ErrVersion], or say why the session does not start. With ErrVersion the client is good for [Client.Shutdown] only.
func Dial(ctx context.Context, opt Options) (*Client, error) {
	place, err := wire.Find(opt.Dir)
	if err != nil {
		return nil, err
	}
	folder, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	if opt.Notebook == "" {
		opt.Notebook = os.Getenv(NotebookEnv)
	}
	if opt.Notebook == "" {
		opt.Notebook = "process " + strconv.Itoa(os.Getpid())
	}
	if opt.Log == nil {
		opt.Log = io.Discard
	}
	if opt.Wait == 0 {
		opt.Wait = 2 * time.Minute
	}
	c := &Client{opt: opt, place: place, folder: folder}
	_, err = c.hello(ctx)
	return c, err
}

// Hello is how a session introduces itself.
type Hello struct {
	Protocol int       `json:"protocol"`
	Version  string    `json:"version"` // of the library that it was built with
	PID      int       `json:"pid"`
	Program  string    `json:"program"`
	Started  time.Time `json:"started"`
	Log      string    `json:"log"` // the file of its log
}

func (c *Client) hello(ctx context.Context) (h Hello, err error) {
	return h, c.getJSON(ctx, "/hello", &h)
}

// body is what a call sends; it is made anew for each attempt.
type body struct {
	data   []byte
	kind   string // Content-Type
	header map[string]string
}

func jsonBody(v any) (*body, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	return &body{data: text, kind: "application/json"}, nil
}

// maxStarts is how often a call finds no session, or one that is ending, before it gives up.
const maxStarts = 3

// call makes a call, starting the session if need be. The answer is a successful one; its body must be closed.
func (c *Client) call(ctx context.Context, method, path string, b *body) (*answer, error) {
	for starts := 0; ; starts++ {
		r, err := c.send(ctx, method, path, b)
		var fault *wire.Fault
		switch {
		case err == nil && r.status < 300:
			return r, nil
		case err == nil:
			fault = wire.ReadFault(r.reason, r.body)
			r.body.Close()
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if fault.Kind != wire.Ending {
				return nil, asError(fault)
			}
			err = asError(fault)
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, wire.ErrNotPrivate):
			return nil, err
		case !isRefused(err):
			return nil, c.died(err)
		}
		switch {
		case c.opt.NoStart && fault != nil:
			return nil, err
		case c.opt.NoStart:
			return nil, fmt.Errorf("%w; `kernel session start` starts it", ErrNoSession)
		case starts == maxStarts:
			return nil, fmt.Errorf("session: it was started and has gone again: %w", c.died(err))
		case fault != nil: // it makes room for the next
			err = c.waitGone(ctx, 0)
		default:
			err = c.start(ctx)
		}
		if err != nil {
			return nil, err
		}
	}
}

// send makes a call over a connection of its own: a new one takes microseconds, and its failure says that nothing was sent
// yet.
func (c *Client) send(ctx context.Context, method, path string, b *body) (*answer, error) {
	if err := c.place.Check(); err != nil {
		return nil, err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", c.place.Socket)
	if err != nil {
		return nil, err
	}
	header := map[string]string{wire.ProtocolHeader: strconv.Itoa(wire.Protocol), wire.ClientHeader: wire.HeaderText(c.opt.Notebook)}
	var data []byte
	if b != nil {
		maps.Copy(header, b.header)
		header["Content-Type"] = b.kind
		data = b.data
	}
	return exchange(ctx, conn, method, path, header, data)
}

// isRefused says that there was nobody to send the call to.
func isRefused(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial" || errors.Is(err, os.ErrNotExist) || errors.Is(err, wire.ErrNotPrivate)
}

// asError turns a fault into the error that callers know.
func asError(f *wire.Fault) error {
	known := map[wire.Kind]error{
		wire.Batch: lxmert.ErrBatch, wire.NotFound: ErrNotFound, wire.Usage: ErrUsage, wire.Exists: ErrExists, wire.Full: ErrFull, wire.NoEngine: ErrNoEngine,
		wire.Ending: ErrEnding, wire.Ended: ErrDied, wire.Version: ErrVersion, wire.Canceled: context.Canceled,
	}[f.Kind]
	if known == nil {
		return f
	}
	return &kindError{f.Message, known}
}

// kindError has the session's words and a kind that errors.Is finds.
type kindError struct {
	message string
	kind    error
}

func (e *kindError) Error() string { return e.message }
func (e *kindError) Unwrap() error { return e.kind }

func (c *Client) getJSON(ctx context.Context, path string, into any) error {
	return c.callJSON(ctx, "GET", path, nil, into)
}

// callJSON makes a call whose answer is JSON; into nil: there is none.
func (c *Client) callJSON(ctx context.Context, method, path string, b *body, into any) error {
	r, err := c.call(ctx, method, path, b)
	if err != nil {
		return err
	}
	defer r.body.Close()
	data, err := c.read(ctx, r)
	if err != nil || into == nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("session: its answer to %s: %w", path, err)
	}
	return nil
}

// read reads an answer to its end.
func (c *Client) read(ctx context.Context, r *answer) ([]byte, error) {
	var b bytes.Buffer
	if r.length > 0 {
		b.Grow(int(r.length) + bytes.MinRead)
	}
	if _, err := b.ReadFrom(r.body); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, c.died(err)
	}
	return b.Bytes(), nil
}
