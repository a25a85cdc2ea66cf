package proxy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/seed-516990b0/golxmert/kernel/proxy/zmtp"
)

// executeRequest is the content of an execute_request. What is left out has the value that Jupyter specifies.
type executeRequest struct {
	Code         string `json:"code"`
	Silent       bool   `json:"silent"`
	StoreHistory *bool  `json:"store_history"`
	StopOnError  *bool  `json:"stop_on_error"`
	AllowStdin   *bool  `json:"allow_stdin"`
}

// stores says whether the cell gets a number. Silent ones never do.
func (r executeRequest) stores() bool { return !r.Silent && (r.StoreHistory == nil || *r.StoreHistory) }

func (r executeRequest) stopsOnError() bool {
	return !r.Silent && (r.StopOnError == nil || *r.StopOnError)
}

// execution is one cell that runs or has run.
type execution struct {
	request origin // without a message: the kernel's own
	ask     executeRequest
	cell    cell
	id      string // of the request to GoNB
	count   int    // the number that notebooks show

	ctx    context.Context // ends with an interrupt
	cancel context.CancelFunc
	reply  chan *message // GoNB's
	idle   chan struct{} // closed when GoNB has announced all there is
	done   chan struct{} // closed when the request is answered
	told   chan struct{} // closed when what runs has been interrupted
	kill   chan struct{} // closed when the cell is to be killed
	began  uint64        // see [clock]

	mu          sync.Mutex
	isIdle      bool
	killed      string         // why the cell is killed; "": it is not
	interrupted int            // how often
	ran         bool           // an interrupt has met the cell's own program, which is the last thing that a cell does
	stopped     bool           // an interrupt has met something else
	removals    []removal      // what its commands have taken out of the declarations
	listen      func(*message) // hears what GoNB says and displays; nil: nobody does
	getCause    string         // why a module that it wants could not be had; "": it could, or was not wanted
	held        string         // the last of standard error, if it says how the program ended or is half a line of a trace
	stderr      tail           // what explains a panic
	answers     chan<- string  // where what the user types goes, nil: nothing is asked
}

// failure is why a cell failed, as Jupyter shows it.
type failure struct {
	name, value string
	trace       []string
}

// enqueue puts a cell into the queue.
func (k *kernel) enqueue(m origin) { k.queue.put(m) }

// execute runs cells, one after the other.
func (k *kernel) execute(ctx context.Context) {
	for {
		m, ok := k.queue.next(ctx)
		if !ok {
			return
		}
		k.run(ctx, m)
	}
}

func (k *kernel) newExecution(request origin, ask executeRequest) *execution {
	e := &execution{
		request: request, ask: ask, cell: parseCell(ask.Code),
		reply: make(chan *message, 1), idle: make(chan struct{}), done: make(chan struct{}), told: make(chan struct{}), kill: make(chan struct{}), began: clock(), stderr: tail{limit: 64 << 10},
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e
}

// run runs one cell and answers its request.
func (k *kernel) run(ctx context.Context, m origin) {
	var ask executeRequest
	if err := m.read(&ask); err != nil {
		k.Log.Print(err)
		k.answer(m, "execute_reply", func() any { return failed(failure{"protocol", err.Error(), nil}, k.history.count()) })
		return
	}
	k.afterShell()
	e := k.newExecution(m, ask)
	defer e.cancel()
	if e.cell.runsShell() {
		defer func() { k.shellEnd = clock() }()
	}
	stop := context.AfterFunc(ctx, e.cancel)
	defer stop()
	k.mu.Lock()
	k.current = e
	k.mu.Unlock()
	k.status("busy", m.header)
	if ask.stores() {
		e.count = k.history.add(ask.Code)
	} else {
		e.count = k.history.count()
	}
	if !ask.Silent {
		k.publish("execute_input", m.header, map[string]any{"code": ask.Code, "execution_count": e.count})
	}
	f := k.explainNoRoom(k.perform(ctx, e))
	if ctx.Err() != nil {
		f = &failure{"interrupted", "the kernel is shutting down", nil}
	}
	if e.wasInterrupted() {
		k.stopLeft(e)
	}
	k.finish(e, f)
}

func (e *execution) wasInterrupted() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.interrupted > 0
}

// finish answers a cell's request, with a failure or nil, and the requests that this aborts.
func (k *kernel) finish(e *execution, f *failure) {
	k.mu.Lock()
	if k.current != e { // somebody else has already said that it failed
		k.mu.Unlock()
		return
	}
	k.current = nil
	k.mu.Unlock()
	close(e.done)
	content := any(map[string]any{"status": "ok", "execution_count": e.count, "payload": []any{}, "user_expressions": struct{}{}})
	var aborted []origin
	if f != nil {
		content = failed(*f, e.count)
		if !e.ask.Silent {
			k.publish("error", e.request.header, map[string]any{"ename": f.name, "evalue": f.value, "traceback": nonNil(f.trace)})
		}
	}
	if f != nil && e.ask.stopsOnError() || e.wasInterrupted() {
		aborted = k.queue.empty()
	}
	k.reply(e.request, "execute_reply", content)
	k.status("idle", e.request.header)
	for _, m := range aborted {
		// Without a number: JupyterLab would show one beside the cell, as if it had run.
		k.answer(m, "execute_reply", func() any { return map[string]string{"status": "aborted"} })
	}
}

func failed(f failure, count int) map[string]any {
	return map[string]any{
		"status": "error", "ename": f.name, "evalue": f.value, "traceback": nonNil(f.trace), "execution_count": count, "payload": []any{}, "user_expressions": struct{}{},
	}
}

// nonNil is a list that JSON shows as one, also when it is empty.
func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// failCurrent answers the running cell because GoNB is no longer there to do it.
func (k *kernel) failCurrent(err error) {
	k.mu.Lock()
	e := k.current
	k.mu.Unlock()
	if e != nil {
		k.finish(e, &failure{"kernel", err.Error(), []string{err.Error()}})
	}
}

// perform runs our own commands and hands the rest to GoNB.
func (k *kernel) perform(ctx context.Context, e *execution) (f *failure) {
	if c := e.cell.fault(); c != nil {
		return failureOf("command", []complaint{*c})
	}
	if list := syntaxErrors(e.cell); len(list) > 0 {
		return failureOf("syntax error", list)
	}
	if c := k.declared.lost(e.cell, k.moduleName()); c != nil {
		return failureOf("declaration", []complaint{*c})
	}
	k.remarkOnPython(e)
	began := time.Now()
	defer func() {
		if f == nil {
			k.stopWatch(e, began)
			k.publishResult(e)
		}
	}()
	for i, kind := range e.cell.kinds {
		if kind != lxLine {
			continue
		}
		err := runMagic(e.ctx, k.magics, e.cell.command(i), streamWriter{k, e, "stdout"})
		if e.ctx.Err() != nil {
			return &failure{"interrupted", "the command was interrupted", nil}
		}
		if err != nil {
			return &failure{"command", fmt.Sprintf("line %d: %v", i+1, err), []string{fmt.Sprintf("line %d: %v", i+1, err)}}
		}
	}
	if strings.TrimSpace(e.compose(k, showing{}).String()) == "" {
		return nil
	}
	select {
	case <-k.ready:
	case <-e.ctx.Done():
		return &failure{"interrupted", "the cell was interrupted before it began", nil}
	}
	err := k.gonbErr
	if err == nil {
		err = k.gonb.prepare(k.Prelude)
	}
	if err != nil {
		return &failure{"kernel", err.Error(), []string{err.Error()}}
	}
	if err := k.settle(ctx); err != nil {
		return &failure{"kernel", err.Error(), []string{err.Error()}}
	}
	if e.ctx.Err() != nil {
		return &failure{"interrupted", "the cell was interrupted before it began", nil}
	}
	reply, err := k.sendCell(ctx, e)
	if err != nil {
		return &failure{"kernel", err.Error(), []string{err.Error()}}
	}
	return k.judge(e, reply)
}

// compose composes a cell for GoNB, and remembers how.
func (e *execution) compose(k *kernel, s showing) composed {
	e.cell.sent = e.cell.composeForGoNB(redirection{path: k.input.path, mayAsk: e.mayAsk()}, s)
	return e.cell.sent
}

// sendCell hands a cell to GoNB, once more if it could not be built without modules that can be got, and once more if its
// last expression turns out to have no value to show. The reply is the last.
func (k *kernel) sendCell(ctx context.Context, e *execution) (*message, error) {
	s := k.findShowing(ctx, e)
	if err := errors.Join(k.placeShowFile(s), k.placeImports(e.cell), k.startWatch(e)); err != nil {
		return nil, err
	}
	reply, err := k.sendWithInput(ctx, e, e.compose(k, s).String())
	if err != nil {
		return nil, err
	}
	k.noteAutoGet(e.cell)
	if packages, lacks := lacksModule(reply); lacks && !k.noAutoGet && e.ctx.Err() == nil {
		if reply, err = k.getAndSend(ctx, e, reply, packages); err != nil {
			return nil, err
		}
	}
	if !s.failed(reply) || !e.expectAnother() {
		return reply, nil
	}
	if err := k.placeShowFile(showing{}); err != nil {
		return nil, err
	}
	return k.sendWithInput(ctx, e, e.compose(k, showing{}).again())
}

// expectAnother makes an execution ready for another reply, unless it has been interrupted.
func (e *execution) expectAnother() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.interrupted > 0 || e.ctx.Err() != nil {
		return false
	}
	e.reply, e.idle, e.isIdle = make(chan *message, 1), make(chan struct{}), false
	return true
}

// getAndSend gets modules for a cell that could not be built without them and sends it once more. The reply is the last.
func (k *kernel) getAndSend(ctx context.Context, e *execution, reply *message, packages []string) (*message, error) {
	cause, err := k.getModules(ctx, e, packages)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	e.getCause = cause
	e.mu.Unlock()
	if cause != "" || !e.expectAnother() {
		return reply, nil
	}
	return k.sendWithInput(ctx, e, e.cell.sent.again())
}

// sendWithInput is send for a cell whose programs may read what its user types.
func (k *kernel) sendWithInput(ctx context.Context, e *execution, code string) (*message, error) {
	os.Remove(k.saving()) // an earlier cell's
	if e.mayAsk() {
		if err := k.input.open(); err != nil {
			return nil, err
		}
		done := make(chan struct{})
		var feeding sync.WaitGroup
		feeding.Go(func() { k.feed(e, done) })
		defer feeding.Wait()
		defer close(done)
		defer k.input.end()
	}
	defer k.gonb.putBack()
	return k.send(ctx, e, code)
}

// send hands code to GoNB and waits until it has run.
func (k *kernel) send(ctx context.Context, e *execution, code string) (*message, error) {
	m := newMessage(k.gonb.session, "kernel", "execute_request", nil, map[string]any{
		// GoNB numbers them all, so that a number of its own stands for one cell.
		"code": code, "silent": e.ask.Silent, "store_history": true, "stop_on_error": true,
		"allow_stdin": e.mayAsk(), "user_expressions": struct{}{},
	})
	e.id = m.head.ID
	k.mu.Lock()
	k.byID[e.id] = e
	k.mu.Unlock()
	defer func() {
		k.mu.Lock()
		delete(k.byID, e.id)
		k.mu.Unlock()
	}()
	if err := k.gonb.send(k.gonb.shell, m); err != nil {
		return nil, err
	}
	var reply *message
	for idle := e.idle; reply == nil || idle != nil; {
		select {
		case reply = <-e.reply:
		case <-idle:
			idle = nil
		case <-k.gonb.ended:
			return nil, k.gonb.why()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return reply, nil
}

// send hands a message to GoNB, signed with its key.
func (g *gonb) send(to *zmtp.Peer, m *message) error {
	own := *m
	own.route = nil
	if err := to.Send(own.encode(g.key)); err != nil {
		return fmt.Errorf("GoNB does not listen: %w", err)
	}
	return nil
}
