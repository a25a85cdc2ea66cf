package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/seed-516990b0/golxmert/internal/resident"
	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
)

// Options are the choices of a server. The zero value works.
type Options struct {
	Dir     string        // folder of the socket; "": see [client.Options]
	Backend string        // as [backend.Open] takes it
	Memory  int64         // bytes that models, kept values and training may take; 0: half of the machine's
	Idle    time.Duration // end after this long without calls and runs; 0: an hour, negative: never
	Calls   int           // calls that are computed at once; 0: DefaultCalls
	MaxBody int64         // bytes of a call; 0: a gigabyte
	// Slow is how long a caller may take to send a megabyte; 0: ten seconds.
	Slow time.Duration
}

// DefaultCalls is how many calls are computed at once: with two, nobody waits for somebody else's compilation.
const DefaultCalls = 2

// ErrRunning is returned by [Server.Serve] when there is a session already.
var ErrRunning = errors.New("session: another one is running")

// Server is a resident session.
type Server struct {
	opt     Options
	place   wire.Place
	started time.Time
	program program
	log     *logFile

	calls   *queue
	bodies  *budget
	compute compute
	memory  *memory
	models  *models
	shelf   *shelf
	values  *values
	runs    *runs

	activity activity
	gate     gate
	ending   chan struct{} // closed when the server is to end
	end      func()        // closes it
}

// New prepares a server; nothing is opened yet.
func New(opt Options) (*Server, error) {
	place, err := wire.Find(opt.Dir)
	if err != nil {
		return nil, err
	}
	if opt.Memory == 0 {
		opt.Memory = resident.Machine() / 2
	}
	if opt.Idle == 0 {
		opt.Idle = time.Hour
	}
	if opt.Calls == 0 {
		opt.Calls = DefaultCalls
	}
	if opt.MaxBody == 0 {
		opt.MaxBody = 1 << 30
	}
	if opt.Slow == 0 {
		opt.Slow = 10 * time.Second
	}
	s := &Server{opt: opt, place: place, started: time.Now(), program: thisProgram(), log: newLogFile(place.Log), ending: make(chan struct{})}
	s.end = sync.OnceFunc(func() { close(s.ending) })
	s.calls = newQueue(opt.Calls)
	s.bodies = newBudget(max(opt.MaxBody, opt.Memory/4))
	s.compute = compute{spec: opt.Backend, log: s.log}
	s.memory = &memory{limit: opt.Memory}
	s.models = newModels(&s.compute, s.memory, s.log)
	s.memory.reclaim = s.models.open.Evict
	s.shelf = newShelf()
	s.values = newValues(s.memory)
	s.runs = newRuns(place.Runs, &s.compute, s.memory, &s.activity, s.log)
	return s, nil
}

// Serve answers calls until ctx is cancelled, a client asks for the end, or nobody has wanted anything for long. Then
// runs are stopped with their state saved, and everything is closed. It returns [ErrRunning] if there is a session
// already.
func (s *Server) Serve(ctx context.Context) error {
	if err := s.place.Prepare(); err != nil {
		return err
	}
	lock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer lock.Close() // last: the next session waits for it
	s.log.inherit(s.place.LastOut)
	listener, err := s.listen()
	if err != nil {
		return err
	}
	if err := s.runs.load(); err != nil {
		return errors.Join(err, listener.Close(), os.Remove(s.place.Socket))
	}
	s.log.printf("session %d begins: %s, memory limit %d MB", os.Getpid(), s.program.version, s.opt.Memory>>20)

	base, cancel := context.WithCancel(context.Background())
	defer cancel()
	server := &http.Server{
		Handler: s.handler(), BaseContext: func(net.Listener) context.Context { return base },
		ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: s.log.logger(),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	why := ""
	select {
	case <-ctx.Done():
		why = "it was told to"
	case <-s.ending:
		why = "it was asked to"
	case why = <-s.watch(base):
	case err = <-failed:
		why = err.Error()
	}
	s.log.printf("session %d ends: %s", os.Getpid(), why)
	empty := s.gate.close() // whoever calls now is told to wait for the next session
	s.end()
	s.runs.close() // runs that are followed end, and so do their followers' calls
	cancel()
	return errors.Join(err, s.close(server, empty))
}

const (
	// grace is how long calls may take to notice that the session ends, and computations that nobody waits for to end.
	grace = 5 * time.Second
	// lastAnswerTime is how long those who have called are still answered when the socket is gone for others.
	lastAnswerTime = 50 * time.Millisecond
)

// close waits for the calls under way and closes everything, the socket last.
func (s *Server) close(server *http.Server, empty <-chan struct{}) (err error) {
	closed := make(chan error, 1)
	go func() {
		<-empty
		closed <- errors.Join(s.models.open.Close(), s.shelf.close(), s.compute.close())
	}()
	select {
	case err = <-closed:
	case <-time.After(grace): // the end of the process ends it
		s.log.printf("a computation does not end")
	}
	s.log.printf("session %d has ended", os.Getpid())
	s.log.close()
	err = errors.Join(err, os.Remove(s.place.Socket))
	time.Sleep(lastAnswerTime)
	return errors.Join(err, server.Close())
}

// gate lets calls in until it is closed.
type gate struct {
	mu     sync.Mutex
	inside int
	empty  chan struct{} // nil: the gate is open
}

// enter says whether a call may begin; leave must follow then.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.empty != nil {
		return false
	}
	g.inside++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.inside == 0 && g.empty != nil {
		close(g.empty)
	}
}

func (g *gate) closed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.empty != nil
}

// close no longer lets anybody in; empty is closed when the last one has left.
func (g *gate) close() (empty <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.empty = make(chan struct{})
	if g.inside == 0 {
		close(g.empty)
	}
	return g.empty
}

// watch says so when the session is no longer of use.
func (s *Server) watch(ctx context.Context) <-chan string {
	why := make(chan string, 1)
	go func() {
		every := 5 * time.Second
		if s.opt.Idle > 0 {
			every = min(every, s.opt.Idle/4+time.Millisecond)
		}
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			s.log.trim(s.place.LastOut)
			idle := s.activity.idle()
			limit := s.opt.Idle
			if s.program.replaced() && (limit < 0 || limit > outdatedIdle) {
				limit = outdatedIdle
			}
			if limit > 0 && idle >= limit {
				why <- fmt.Sprintf("nobody wanted anything for %s", limit)
				return
			}
		}
	}()
	return why
}

// outdatedIdle is how long a session whose program was replaced waits for another call.
const outdatedIdle = 10 * time.Second

// activity counts what goes on, for the end of idle sessions.
type activity struct {
	mu    sync.Mutex
	count int
	last  time.Time // when the last of it ended
}

// begin counts a call or a run; the function that it returns ends it.
func (a *activity) begin() (end func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.count++
	return sync.OnceFunc(func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.count--
		a.last = time.Now()
	})
}

// idle is for how long nothing has gone on.
func (a *activity) idle() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.count > 0 {
		return 0
	}
	if a.last.IsZero() {
		a.last = time.Now()
	}
	return time.Since(a.last)
}
