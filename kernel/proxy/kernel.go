package proxy

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/seed-516990b0/golxmert/kernel/internal/cellbuild"
	"github.com/seed-516990b0/golxmert/kernel/proxy/zmtp"
)

// kernel is the running proxy.
type kernel struct {
	*Options
	magics  []Magic
	key     []byte
	session string

	shell, control, stdin, heartbeat *zmtp.Router
	iopub                            *zmtp.Publisher
	private                          *private
	input                            *input
	watchdog                         *watchdog
	gonb                             *gonb
	ready                            chan struct{} // closed when GoNB answers, or has failed to: see gonbErr
	gonbErr                          error
	queue                            *queue
	declared                         *declarations
	language                         *language
	types                            typeCache
	remarked                         map[string]bool // commands of IPython's that the user has been told of
	history                          *history
	comms                            *comms
	noAutoGet                        bool      // see module.go; this and the next are for the goroutine that runs cells
	shellEnd                         uint64    // when the last cell with shell lines has ended: see [clock]
	stopping                         chan bool // receives once when the kernel is to end; whether it will be restarted

	mu      sync.Mutex
	current *execution            // what runs, nil: nothing
	byID    map[string]*execution // by the ids that GoNB knows them by
}

// origin is a message with the socket that it came by, which is where its reply goes.
type origin struct {
	*message
	from *zmtp.Router
}

// Run serves the kernel that a connection file describes until it is told to end: by a shutdown request, SIGTERM or
// SIGHUP, the end of the Jupyter that has started it (JPY_PARENT_PID), or the end of ctx. SIGINT interrupts the running cell. Errors say that the kernel could not start, or that
// GoNB ended by itself.
func Run(ctx context.Context, connectionFile string, opt Options) error {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	full, err := opt.defaults()
	if err != nil {
		return err
	}
	c, err := readConnection(connectionFile)
	if err != nil {
		return err
	}
	k := &kernel{
		Options: full, magics: allMagics(opt.Magics), key: []byte(c.Key), session: rand.Text(),
		ready: make(chan struct{}), queue: newQueue(), declared: newDeclarations(), history: &history{}, comms: newComms(),
		stopping: make(chan bool, 1), remarked: map[string]bool{}, byID: map[string]*execution{},
	}
	if err := k.open(c, connectionFile); err != nil {
		return err
	}
	defer k.close()
	return k.serve(ctx, signals)
}

// open takes everything that the kernel needs.
func (k *kernel) open(c connection, connectionFile string) (err error) {
	listeners, err := c.listen()
	if err != nil {
		return err
	}
	k.shell = zmtp.ListenRouter(listeners[0], k.Log.Printf)
	k.control = zmtp.ListenRouter(listeners[1], k.Log.Printf)
	k.stdin = zmtp.ListenRouter(listeners[2], k.Log.Printf)
	k.iopub = zmtp.ListenPublisher(listeners[3], k.Log.Printf, k.welcome)
	k.heartbeat = zmtp.ListenRouter(listeners[4], k.Log.Printf)
	defer func() {
		if err != nil {
			k.close()
		}
	}()
	if k.private, err = newPrivate(); err != nil {
		return err
	}
	if k.input, err = newInput(k.private); err != nil {
		return err
	}
	if k.watchdog, err = startWatchdog(k.Program, k.private.dir); err != nil {
		return err
	}
	if k.gonb, err = startGoNB(k.private, k.watchdog, k.Options, connectionFile); err != nil {
		return err
	}
	k.language = newLanguage(k)
	return nil
}

// close ends what open began, in the other order. It can be called after any part of open.
func (k *kernel) close() {
	if k.language != nil {
		k.language.close()
	}
	if k.gonb != nil {
		k.gonb.stop()
	}
	for _, r := range []*zmtp.Router{k.shell, k.control, k.stdin, k.heartbeat} {
		r.Close()
	}
	k.iopub.Close()
	if k.private != nil {
		k.private.remove()
	}
	if k.watchdog != nil {
		k.watchdog.end()
	}
}

// serve works until the kernel is to end.
func (k *kernel) serve(ctx context.Context, signals <-chan os.Signal) error {
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	work.Go(func() { k.receive(ctx, k.shell, "shell", k.handleShell) })
	work.Go(func() { k.receive(ctx, k.control, "control", k.handleControl) })
	work.Go(func() { k.receive(ctx, k.stdin, "stdin", k.handleStdin) })
	work.Go(func() { k.echo(ctx) })
	work.Go(func() { k.begin(ctx) })
	work.Go(func() { k.execute(ctx) })
	k.publish("status", nil, map[string]string{"execution_state": "starting"})
	orphaned := orphaned(ctx)
	for {
		select {
		case <-orphaned:
			k.Log.Print("the Jupyter that has started this kernel is gone: the kernel ends")
			return nil
		case sig := <-signals:
			if sig == os.Interrupt {
				k.interrupt()
				continue
			}
			return nil
		case <-k.stopping:
			return nil
		case <-ctx.Done():
			return nil
		case <-k.gonb.ended:
			err := k.gonb.why()
			k.failCurrent(err)
			return err
		}
	}
}

// receive hands on what comes by a socket. What is not a message, or not signed with the key, is dropped.
func (k *kernel) receive(ctx context.Context, from *zmtp.Router, name string, handle func(ctx context.Context, m origin)) {
	for {
		frames, err := from.Receive(ctx)
		if err != nil {
			return
		}
		m, err := decode(frames, k.key)
		if err != nil {
			k.Log.Printf("dropped what came to the %s port: %v", name, err)
			continue
		}
		handle(ctx, origin{m, from})
	}
}

// echo answers heartbeats.
func (k *kernel) echo(ctx context.Context) {
	for {
		m, err := k.heartbeat.Receive(ctx)
		if err != nil {
			return
		}
		k.heartbeat.Send(m) // who asked may be gone
	}
}

// handleShell takes messages in their order. Only cells wait for each other.
func (k *kernel) handleShell(ctx context.Context, m origin) {
	switch m.head.Type {
	case "execute_request":
		k.enqueue(m)
	case "comm_open", "comm_msg", "comm_close":
		k.handleComm(m)
	default:
		k.handleAnywhere(ctx, m)
	}
}

// handleControl takes messages that are meant to overtake cells.
func (k *kernel) handleControl(ctx context.Context, m origin) {
	switch m.head.Type {
	case "interrupt_request":
		k.answer(m, "interrupt_reply", func() any {
			k.interrupt()
			return map[string]string{"status": "ok"}
		})
	case "shutdown_request":
		k.handleShutdown(m)
	default:
		k.handleAnywhere(ctx, m)
	}
}

// handleAnywhere takes what may come by either socket and is answered at once.
func (k *kernel) handleAnywhere(ctx context.Context, m origin) {
	switch m.head.Type {
	case "kernel_info_request":
		k.answer(m, "kernel_info_reply", func() any { return kernelInfo() })
	case "is_complete_request":
		k.answer(m, "is_complete_reply", func() any { return isComplete(m.message) })
	case "history_request":
		k.language.warm(ctx)
		k.answer(m, "history_reply", func() any { return k.history.reply(m.message) })
	case "comm_info_request":
		k.language.warm(ctx)
		k.answer(m, "comm_info_reply", func() any { return k.comms.reply(m.message) })
	case "complete_request":
		go k.answer(m, "complete_reply", func() any { return k.language.complete(ctx, m.message) })
	case "inspect_request":
		go k.answer(m, "inspect_reply", func() any { return k.language.inspect(ctx, m.message) })
	case "shutdown_request":
		k.handleShutdown(m)
	case "execute_request":
		k.enqueue(m)
	default:
		k.Log.Printf("a message that is not understood: %.60q", m.head.Type)
	}
}

func (k *kernel) handleShutdown(m origin) {
	var c struct {
		Restart bool `json:"restart"`
	}
	if err := m.read(&c); err != nil {
		k.Log.Printf("dropped: %v", err)
		return
	}
	k.answer(m, "shutdown_reply", func() any {
		reply := map[string]any{"status": "ok", "restart": c.Restart}
		k.publish("shutdown_reply", m.header, reply)
		return reply
	})
	select {
	case k.stopping <- c.Restart:
	default:
	}
}

// handleStdin passes on what the user has typed: to the kernel's own question, or else to GoNB's.
func (k *kernel) handleStdin(_ context.Context, m origin) {
	k.mu.Lock()
	e := k.current
	k.mu.Unlock()
	if e != nil && e.takeAnswer(m.message) {
		return
	}
	select {
	case <-k.ready:
	default:
		return // nobody has asked yet
	}
	if k.gonbErr == nil {
		k.gonb.send(k.gonb.stdin, m.message)
	}
}

// answer handles a request that runs no cell: busy, the reply, idle. While a cell runs the state of the kernel stays
// busy for those who watch it.
func (k *kernel) answer(m origin, kind string, content func() any) {
	k.status("busy", m.header)
	k.reply(m, kind, content())
	k.status("idle", m.header)
	k.mu.Lock()
	running := k.current
	k.mu.Unlock()
	if running != nil && running.request.message != nil {
		k.status("busy", running.request.header)
	}
}

// reply sends the reply to a request.
func (k *kernel) reply(to origin, kind string, content any) {
	m := newMessage(k.session, to.head.Username, kind, to.header, content)
	m.route = to.route
	if err := to.from.Send(m.encode(k.key)); err != nil && !errors.Is(err, zmtp.ErrNoPeer) && !errors.Is(err, net.ErrClosed) {
		k.Log.Printf("%s: %v", kind, err)
	}
}

// publish sends a message to everybody who watches the kernel.
func (k *kernel) publish(kind string, parent json.RawMessage, content any) {
	m := newMessage(k.session, "kernel", kind, parent, content)
	k.publishMessage(m)
}

// welcome tells a new subscriber that it hears everything from now on.
func (k *kernel) welcome(topic []byte) zmtp.Message {
	m := newMessage(k.session, "kernel", "iopub_welcome", nil, map[string]string{"subscription": string(topic)})
	m.route = [][]byte{topic}
	return m.encode(k.key)
}

func (k *kernel) publishMessage(m *message) {
	m.route = [][]byte{[]byte("kernel." + m.head.Type)}
	k.iopub.Send(m.encode(k.key))
}

func (k *kernel) status(state string, parent json.RawMessage) {
	k.publish("status", parent, map[string]string{"execution_state": state})
}

// begin waits for GoNB, makes it ready, and then takes what it says until it ends.
func (k *kernel) begin(ctx context.Context) {
	k.gonbErr = k.prime(ctx)
	close(k.ready)
	switch {
	case k.gonbErr == nil && k.Prelude != "":
		k.types.learn(ctx, k, true, "fmt", "flag", "os") // what every cell is compiled with
	case k.gonbErr != nil && ctx.Err() == nil:
		k.Log.Print(k.gonbErr)
	}
}

// primeTime is how long a request waits for a sign that a kernel's announcements arrive.
const primeTime = 200 * time.Millisecond

// prime connects to GoNB, makes sure that its announcements arrive, and sets it up.
func (k *kernel) prime(ctx context.Context) error {
	if err := k.gonb.connect(ctx); err != nil {
		return err
	}
	heard := make(chan struct{}, 1)
	go k.receiveReplies()
	go k.receiveAnnouncements(func() {
		select {
		case heard <- struct{}{}:
		default:
		}
	})
	go k.receiveQuestions()
	for waiting := true; waiting; {
		k.gonb.send(k.gonb.shell, newMessage(k.gonb.session, "kernel", "kernel_info_request", nil, struct{}{}))
		select {
		case <-heard:
			waiting = false
		case <-time.After(primeTime):
		case <-k.gonb.ended:
			return k.gonb.why()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := k.gonb.findWork(); err != nil {
		return err
	}
	if err := k.gonb.prepare(k.Prelude); err != nil {
		return err
	}
	if err := k.gonb.addPrologue(k.input); err != nil {
		return fmt.Errorf("the module of cells: %w", err)
	}
	setUp := "%noautoget\n%goflags"
	for _, f := range cellbuild.Flags() {
		setUp += " " + strconv.Quote(f)
	}
	e := k.newExecution(origin{}, executeRequest{Code: setUp, Silent: true})
	if _, err := k.send(ctx, e, setUp); err != nil {
		return fmt.Errorf("setting up GoNB: %w", err)
	}
	return nil
}
