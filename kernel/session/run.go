package session

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/seed-516990b0/golxmert/internal/atomicfile"
	"github.com/seed-516990b0/golxmert/internal/filelock"
	"github.com/seed-516990b0/golxmert/internal/smallfile"
	"github.com/seed-516990b0/golxmert/kernel/client"
)

// run is a training run and its record: run.json, what it is, and events.jsonl, what happened. Followers are woken
// whenever something does.
type run struct {
	dir string
	log *logFile

	mu       sync.Mutex
	info     client.Run
	events   []client.Event
	read     bool           // events are those of the file
	file     *os.File       // that events are appended to; nil: nothing is written
	lock     *filelock.Lock // held while the run is active
	progress int            // how often info.Progress has changed
	woken    chan struct{}
	cancel   func(why string) // nil: the run is not active
	stopping bool             // it was told to stop
	ended    chan struct{}    // closed when the run is no longer active
}

const (
	recordFile = "run.json"
	eventFile  = "events.jsonl"
	lockFile   = "lock"
)

// newRun makes the record of a run.
func newRun(runs string, info client.Run, log *logFile) (*run, error) {
	for {
		suffix := make([]byte, 2)
		rand.Read(suffix) // never fails
		info.ID = fmt.Sprintf("%s-%s-%x", info.Task, info.Created.Format("20060102-150405"), suffix)
		dir := filepath.Join(runs, info.ID)
		err := os.Mkdir(dir, 0o700)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("session: the record of the run: %w", err)
		}
		r := &run{dir: dir, log: log, info: info, read: true, woken: make(chan struct{})}
		if err := r.save(); err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
		return r, nil
	}
}

// openRun reads the record of a run of an earlier session. One that was active then is lost. nil: it is another session's,
// which is still there.
func openRun(dir string, log *logFile) (*run, error) {
	text, err := smallfile.Read(filepath.Join(dir, recordFile), 1<<20, "the record of a run")
	if err != nil {
		return nil, err
	}
	r := &run{dir: dir, log: log, woken: make(chan struct{})}
	if err := json.Unmarshal(text, &r.info); err != nil {
		return nil, err
	}
	if r.info.ID != filepath.Base(dir) {
		return nil, fmt.Errorf("it is called %.80q", r.info.ID)
	}
	if r.info.State.Ended() {
		return r, nil
	}
	if ok, err := r.take(); err != nil || !ok {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.info.Error, r.info.Ended = "the session ended while it ran", time.Now()
	r.change(client.Lost)
	r.drop()
	return r, nil
}

// take locks the record; ok is false if another session has it.
func (r *run) take() (ok bool, err error) {
	r.lock, err = filelock.Try(filepath.Join(r.dir, lockFile))
	if held := new(filelock.HeldError); errors.As(err, &held) {
		return false, nil
	}
	return err == nil, err
}

// drop closes the record's files. r.mu is held.
func (r *run) drop() {
	if r.file != nil {
		r.file.Close()
	}
	r.lock.Close()
	r.file, r.lock = nil, nil
}

// save replaces run.json.
func (r *run) save() error {
	text, err := json.MarshalIndent(r.info, "", "  ")
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	if err := atomicfile.Write(filepath.Join(r.dir, recordFile), 0o600, append(text, '\n')); err != nil {
		return fmt.Errorf("session: the record of the run: %w", err)
	}
	return nil
}

// change gives the run a state and records it. r.mu is held. A record that cannot be written is a line in the log: the
// run goes on.
func (r *run) change(s client.State) {
	r.info.State = s
	if err := r.save(); err != nil {
		r.log.printf("run %s: %v", r.info.ID, err)
	}
	info := r.info
	r.add(client.Event{State: s, Run: &info})
}

// print records a line that the run printed.
func (r *run) print(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(client.Event{Line: &line})
}

// measure records a line of metrics.jsonl.
func (r *run) measure(line json.RawMessage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(client.Event{Metrics: line})
}

// report sets how far the run is.
func (r *run) report(p client.Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.info.Progress = &p
	r.progress++
	r.wake()
}

func (r *run) wake() {
	close(r.woken)
	r.woken = make(chan struct{})
}

// maxEvents is how many events are kept in memory. A run that has more loses every other line of metrics, the oldest
// halves first; the file has them all.
const maxEvents = 50_000

// add records an event. r.mu is held.
func (r *run) add(e client.Event) {
	r.load()
	e.Seq, e.Time = 1, time.Now()
	if n := len(r.events); n > 0 {
		e.Seq = r.events[n-1].Seq + 1
	}
	r.events = append(r.events, e)
	if len(r.events) > maxEvents {
		odd := false
		r.events = slices.DeleteFunc(r.events, func(e client.Event) bool {
			odd = !odd
			return odd && e.Metrics != nil
		})
	}
	r.wake()
	if r.file == nil {
		return
	}
	text, err := json.Marshal(e)
	if err == nil {
		_, err = r.file.Write(append(text, '\n'))
	}
	if err != nil {
		r.log.printf("run %s: its events are no longer recorded: %v", r.info.ID, err)
		r.file.Close()
		r.file = nil
	}
}

// load reads the events of the record and opens it to append to. r.mu is held.
func (r *run) load() {
	if r.file != nil {
		return
	}
	f, err := os.OpenFile(filepath.Join(r.dir, eventFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil && !r.read {
		r.events, err = readEvents(f)
	}
	if err == nil {
		_, err = f.Seek(0, 2)
	}
	if err != nil {
		r.log.printf("run %s: its record: %v", r.info.ID, err)
		f.Close()
		f = nil
	}
	r.read, r.file = true, f
}

// maxEventFile bounds a record of events, in bytes.
const maxEventFile = 1 << 30

// readEvents reads a record and cuts off a last line that was not written to its end.
func readEvents(f *os.File) ([]client.Event, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxEventFile {
		return nil, fmt.Errorf("%s has %d MB", f.Name(), info.Size()>>20)
	}
	d := json.NewDecoder(f)
	var events []client.Event
	var end int64
	for {
		var e client.Event
		if d.Decode(&e) != nil {
			break
		}
		events = append(events, e)
		end = d.InputOffset()
	}
	if end > 0 {
		end++ // the line's end
	}
	if end > info.Size() {
		_, err = f.WriteAt([]byte{'\n'}, info.Size())
		return events, err
	}
	return events, f.Truncate(end)
}

// since returns the events after one, and the run if its progress differs from that of the given count. Woken is
// closed when there is more.
func (r *run) since(seq int64, progress int) (events []client.Event, latest *client.Progress, count int, ended bool, woken <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.read {
		r.load()
		if r.cancel == nil {
			r.drop()
		}
	}
	i, _ := slices.BinarySearchFunc(r.events, seq+1, func(e client.Event, seq int64) int { return int(e.Seq - seq) })
	events = slices.Clone(r.events[i:])
	if r.progress != progress && r.info.Progress != nil {
		latest = r.info.Progress
	}
	return events, latest, r.progress, r.cancel == nil, r.woken
}

func (r *run) now() client.Run {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.info
}

// interrupt stops the run, if it is active, without waiting.
func (r *run) interrupt(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cancel != nil {
		r.stopping = true
		r.cancel(why)
	}
}

// stopped waits until the run has ended, if it was told to stop.
func (r *run) stopped(ctx context.Context) error {
	r.mu.Lock()
	waits, ended := r.cancel != nil && r.stopping, r.ended
	r.mu.Unlock()
	if !waits {
		return nil
	}
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
