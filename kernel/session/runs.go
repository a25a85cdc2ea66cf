package session

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/task"
	"github.com/seed-516990b0/golxmert/lxmert/task/cli"
)

// runs are the training runs that are known, at most one of them under way.
type runs struct {
	dir      string
	compute  *compute
	memory   *memory
	activity *activity
	log      *logFile
	queue    *queue
	work     sync.WaitGroup

	mu     sync.Mutex
	byID   map[string]*run
	closed bool
}

func newRuns(dir string, c *compute, m *memory, a *activity, log *logFile) *runs {
	return &runs{dir: dir, compute: c, memory: m, activity: a, log: log, queue: newQueue(1), byID: map[string]*run{}}
}

// maxRecords is how many records of runs that have ended are kept. What the runs themselves have written is theirs.
const maxRecords = 200

// load reads the records of earlier sessions. One that cannot be read is a line in the log.
func (s *runs) load() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range entries {
		r, err := openRun(filepath.Join(s.dir, e.Name()), s.log)
		if err != nil {
			s.log.printf("the record of run %s: %v", e.Name(), err)
			continue
		}
		if r != nil {
			s.byID[r.info.ID] = r
		}
	}
	s.prune()
	return nil
}

// prune forgets the oldest records. s.mu is held.
func (s *runs) prune() {
	var ended []client.Run
	for _, r := range s.byID {
		if info := r.now(); info.State.Ended() {
			ended = append(ended, info)
		}
	}
	slices.SortFunc(ended, func(a, b client.Run) int { return b.Created.Compare(a.Created) })
	for _, info := range ended[min(len(ended), maxRecords):] {
		if err := os.RemoveAll(s.byID[info.ID].dir); err != nil {
			s.log.printf("the record of run %s: %v", info.ID, err)
		}
		delete(s.byID, info.ID)
	}
}

// find returns a run by its id, or by the folder of its files, relative to in. Of several that one has, it is the latest
// that trains, as predictions with its weights write into the same folder; else the latest.
func (s *runs) find(id, in string) (*run, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.byID[id]; ok {
		return r, nil
	}
	folder := id
	if !filepath.IsAbs(folder) && filepath.IsAbs(in) {
		folder = filepath.Join(in, folder)
	}
	var found *run
	var best client.Run
	for _, r := range s.byID {
		info := r.now()
		if !filepath.IsAbs(folder) || info.Output != filepath.Clean(folder) {
			continue
		}
		if found == nil || predicts(best.Args) && !predicts(info.Args) || predicts(best.Args) == predicts(info.Args) && info.Created.After(best.Created) {
			found, best = r, info
		}
	}
	if found == nil {
		return nil, s.notFound(id)
	}
	return found, nil
}

// predicts says whether the flags of a run are those of a prediction.
func predicts(args []string) bool {
	return slices.ContainsFunc(args, func(a string) bool { return a == "--test" || strings.HasPrefix(a, "--test=") })
}

// notFound says which runs there are. s.mu is held.
func (s *runs) notFound(id string) error {
	ids := slices.SortedFunc(maps.Keys(s.byID), func(a, b string) int { return s.byID[b].now().Created.Compare(s.byID[a].now().Created) })
	there := "there is none yet"
	if len(ids) > 0 {
		there = "the latest are " + strings.Join(ids[:min(len(ids), 3)], ", ")
	}
	return &wire.Fault{Kind: wire.NotFound, Message: fmt.Sprintf("session: there is no run %q; %s", excerpt.Cut(id, longestEcho), there)}
}

// list describes the runs, the latest first.
func (s *runs) list(active bool) []client.Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []client.Run{}
	for _, r := range s.byID {
		if info := r.now(); !active || !info.State.Ended() {
			list = append(list, info)
		}
	}
	slices.SortFunc(list, func(a, b client.Run) int { return b.Created.Compare(a.Created) })
	return list
}

// active is the number of runs that have not ended.
func (s *runs) active() int { return len(s.list(true)) }

// start checks the command line of a run, records the run and queues it. Of the run its task, flags, folder, notebook and point are
// taken.
func (s *runs) start(ask client.Run) (client.Run, error) {
	info := client.Run{Task: ask.Task, Folder: ask.Folder, Notebook: ask.Notebook, Point: ask.Point, State: client.Queued, Created: time.Now()}
	if !filepath.IsAbs(info.Folder) {
		return client.Run{}, &wire.Fault{Kind: wire.Usage, Message: fmt.Sprintf("session: %q is not an absolute path of a folder", excerpt.Cut(info.Folder, longestEcho))}
	}
	var err error
	if info.Args, err = cli.ExpandToy(ask.Args); err != nil {
		return client.Run{}, err
	}
	l, err := parseLine(info.Task, info.Args)
	if err != nil {
		return client.Run{}, err
	}
	if info.Output = l.Options.Output; !filepath.IsAbs(info.Output) {
		info.Output = filepath.Join(info.Folder, info.Output)
	}
	info.Output = filepath.Clean(info.Output)
	if o := l.Options; o.Test == "" && !l.Plan && !o.Resume && !o.Overwrite {
		if err := vacant(info.Output); err != nil {
			return client.Run{}, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, other := range s.byID {
		if o := other.now(); o.Output == info.Output && !o.State.Ended() {
			return client.Run{}, &wire.Fault{Kind: wire.Exists, Message: fmt.Sprintf("session: run %s is writing to %s; wait for it, stop it, or choose another --output", o.ID, o.Output)}
		}
	}
	if s.closed {
		return client.Run{}, errEnding
	}
	r, err := newRun(s.dir, info, s.log)
	if err != nil {
		return client.Run{}, err
	}
	if err := s.launch(r, info.Args); err != nil {
		return client.Run{}, errors.Join(err, os.RemoveAll(r.dir))
	}
	s.byID[r.info.ID] = r
	s.prune()
	return r.now(), nil
}

var errEnding = &wire.Fault{Kind: wire.Ending, Message: "session: it is ending; the next call starts another one"}

// findTraining is the task that a name stands for.
func findTraining(name string) (*dataset.Task, error) {
	t, err := dataset.FindTraining(excerpt.Cut(name, longestEcho))
	if err != nil {
		return nil, &wire.Fault{Kind: wire.Usage, Message: "session" + strings.TrimPrefix(err.Error(), "dataset")}
	}
	return t, nil
}

// parseLine reads the command line of a task.
func parseLine(name string, args []string) (*cli.Line, error) {
	t, err := findTraining(name)
	if err != nil {
		return nil, err
	}
	l, err := cli.Parse(t, args)
	if err != nil {
		return nil, lineFault(name, err)
	}
	return l, nil
}

// lineFault is an error of package cli about the command line of a task.
func lineFault(name string, err error) *wire.Fault {
	return &wire.Fault{Kind: wire.Usage, Message: fmt.Sprintf("%s: %s", name, strings.TrimPrefix(err.Error(), cli.ErrUsage.Error()+": "))}
}

// vacant says whether a new run may begin in a folder; training asks again.
func vacant(dir string) error {
	for _, name := range []string{"state.safetensors", "BEST.pth", "LAST.pth", "run.json"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return &wire.Fault{Kind: wire.Exists, Message: fmt.Sprintf("session: %s holds a run already; go on with --resume, choose another --output, or lose it with --overwrite", dir)}
		}
	}
	return nil
}

// resume queues a run again that has ended before its end. One that was told to stop is waited for.
func (s *runs) resume(ctx context.Context, r *run) (client.Run, error) {
	if err := r.stopped(ctx); err != nil {
		return client.Run{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return client.Run{}, errEnding
	}
	info := r.now()
	if !info.State.Ended() || info.State == client.Done {
		return info, nil
	}
	for _, other := range s.byID {
		if o := other.now(); o.Output == info.Output && !o.State.Ended() {
			return client.Run{}, &wire.Fault{Kind: wire.Exists, Message: fmt.Sprintf("session: run %s is writing to %s; wait for it, or stop it", o.ID, o.Output)}
		}
	}
	args := info.Args
	if !predicts(args) {
		args = cli.Again(args)
	}
	if err := s.launch(r, args); err != nil {
		return client.Run{}, err
	}
	return r.now(), nil
}

// launch lets a run go. s.mu is held.
func (s *runs) launch(r *run, args []string) error {
	l, err := parseLine(r.info.Task, args)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if ok, err := r.take(); err != nil || !ok {
		return errors.Join(fmt.Errorf("session: another session has run %s", r.info.ID), err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	r.cancel = func(why string) { cancel(errors.New(why)) }
	r.ended, r.stopping = make(chan struct{}), false
	r.info.Error, r.info.Again, r.info.Result, r.info.Progress, r.info.Ended = "", "", nil, nil, time.Time{}
	r.change(client.Queued)
	done := s.activity.begin()
	s.work.Go(func() {
		defer done()
		defer cancel(nil)
		s.execute(ctx, r, l)
	})
	return nil
}

// stop interrupts a run and waits until it has ended.
func (s *runs) stop(ctx context.Context, r *run, why string) error {
	r.interrupt(why)
	return r.stopped(ctx)
}

// close stops all runs and waits until their states are saved.
func (s *runs) close() {
	s.mu.Lock()
	s.closed = true
	all := make([]*run, 0, len(s.byID))
	for _, r := range s.byID {
		all = append(all, r)
	}
	s.mu.Unlock()
	for _, r := range all {
		r.interrupt("the session ends")
	}
	s.work.Wait()
}

// score makes the result of a prediction.
func score(scored []task.Scored) []client.Score {
	var out []client.Score
	for _, x := range scored {
		c := client.Score{Splits: x.Splits, File: x.File, Questions: x.Questions}
		if x.HasScore {
			c.Score = &x.Score
		}
		for _, k := range x.Kinds {
			c.Kinds = append(c.Kinds, client.Kind(k))
		}
		out = append(out, c)
	}
	return out
}
