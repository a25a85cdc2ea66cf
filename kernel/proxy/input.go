package proxy

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// GoNB gives every program that it starts a pipe as standard input whose other end it never closes, so that a program
// that reads from it waits forever. Here programs read from "stdin" in the kernel's own folder instead: a named pipe
// while a cell runs whose front end lets it ask, and otherwise a link to a file with nothing in it. The program of a cell
// opens it before anything else, as a file beside its own says (see [prologue]), and so do shell lines (see
// [redirection]). Nobody is asked before a program is seen to wait for the pipe.

// input is the standard input of cells.
type input struct {
	path string // what programs open

	mu    sync.Mutex
	pipe  *os.File // the kernel's end; nil: input is at its end
	blind bool     // whether a program waits for input cannot be told, as has been seen
}

const (
	// firstInputPoll and lastInputPoll bound the time between two looks whether a program waits for input: the longer none
	// has, the less often the kernel looks.
	firstInputPoll = 20 * time.Millisecond
	lastInputPoll  = 200 * time.Millisecond
	// inputEndDelay is how long an interrupted program has to end before it finds its input at its end.
	inputEndDelay = 300 * time.Millisecond
	// endOfInput is the answer of front ends that can end the input: Jupyter's console sends it for ctrl-D.
	endOfInput = "\x04"
)

// newInput makes an input that is at its end.
func newInput(p *private) (*input, error) {
	in := &input{path: p.path("stdin")}
	if err := in.place(nothing); err != nil {
		return nil, fmt.Errorf("the input of cells: %w; TMPDIR names another place", err)
	}
	return in, nil
}

// nothing puts what is at its end at once at a path.
func nothing(path string) error { return os.Symlink(os.DevNull, path) }

// place puts something at the input's path, in place of what is there.
func (in *input) place(put func(path string) error) error {
	next := in.path + ".next"
	if err := put(next); err != nil {
		return err
	}
	return os.Rename(next, in.path)
}

// open makes it a pipe until [input.end]. It stays at its end where it cannot be told whether a program waits for it.
func (in *input) open() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.blind || !seesReaders {
		return nil
	}
	var pipe *os.File
	err := in.place(func(path string) (err error) {
		if err = makePipe(path); err == nil {
			pipe, err = os.OpenFile(path, os.O_RDWR, 0) // no program that opens it has to wait for one that writes
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("the input of cells: %w", err)
	}
	in.pipe = pipe
	return nil
}

// end ends the input, for those who read it and for those who have yet to open it.
func (in *input) end() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.pipe == nil {
		return
	}
	if in.place(nothing) != nil {
		os.Remove(in.path) // a pipe that nobody writes to could not even be opened
	}
	in.pipe.Close()
	in.pipe = nil
}

// write hands text to whoever reads.
func (in *input) write(text string) error {
	in.mu.Lock()
	pipe := in.pipe
	in.mu.Unlock()
	if pipe == nil {
		return errInputEnded
	}
	_, err := pipe.WriteString(text)
	if errors.Is(err, os.ErrClosed) {
		return errInputEnded // nobody has read it until the cell's end
	}
	return err
}

// awaited says whether a process below root waits for what is typed. The error says that it cannot be told.
func (in *input) awaited(root int) (bool, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.pipe == nil {
		return false, errInputEnded
	}
	waits, err := pipeAwaited(in.pipe, root)
	in.blind = err != nil
	return waits, err
}

// errInputEnded says that nothing more is typed.
var errInputEnded = errors.New("the input has ended")

// mayAsk says whether the front end of a cell lets it ask its user.
func (e *execution) mayAsk() bool {
	return e.request.message != nil && e.ask.AllowStdin != nil && *e.ask.AllowStdin
}

// feed asks the front end of a cell for input whenever a program waits for some, until done is closed. A program that an
// interrupt does not end finds its input at its end.
func (k *kernel) feed(e *execution, done <-chan struct{}) {
	defer k.input.end()
	defer func() {
		if e.ctx.Err() == nil {
			return
		}
		select {
		case <-done:
			return
		case <-e.told:
		}
		select {
		case <-done:
		case <-time.After(inputEndDelay):
		}
	}()
	for pause := firstInputPoll; ; pause = min(pause*5/4, lastInputPoll) {
		select {
		case <-done:
			return
		case <-e.ctx.Done():
			return
		case <-time.After(pause):
		}
		waits, err := k.input.awaited(k.gonb.pid)
		if err == nil && waits {
			err = k.question(e, done)
			pause = firstInputPoll
		}
		if err != nil {
			if !errors.Is(err, errInputEnded) {
				k.Log.Printf("the input of a cell is at its end: %v", err)
			}
			return
		}
	}
}

// question asks for a line and hands it on.
func (k *kernel) question(e *execution, done <-chan struct{}) error {
	m := newMessage(k.session, "kernel", "input_request", e.request.header, map[string]any{"prompt": "", "password": e.cell.hidesInput()})
	m.route = e.request.route
	answers := make(chan string, 1)
	e.asks(answers)
	defer e.asks(nil)
	if err := k.stdin.Send(m.encode(k.key)); err != nil {
		return fmt.Errorf("nobody can be asked: %w", err)
	}
	select {
	case line := <-answers:
		if line == endOfInput {
			return errInputEnded
		}
		return k.input.write(line + "\n")
	case <-done:
	case <-e.ctx.Done():
	}
	return errInputEnded
}

// asks says where the answer to a question goes; nil: none is open.
func (e *execution) asks(answers chan<- string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answers = answers
}

// takeAnswer takes what a user has typed, if it answers a question of the cell's.
func (e *execution) takeAnswer(m *message) bool {
	var c struct {
		Value string `json:"value"`
	}
	if m.head.Type != "input_reply" || m.read(&c) != nil {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.answers == nil {
		return false
	}
	e.answers <- c.Value // there is room for one, and no more is taken
	e.answers = nil
	return true
}
