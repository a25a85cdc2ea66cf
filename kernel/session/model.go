package session

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// compute is the backend, opened when something first needs it.
type compute struct {
	spec string
	log  *logFile

	mu      sync.Mutex
	backend *backend.Backend
}

// open returns the backend. One that does not open is tried again the next time.
func (c *compute) open(ctx context.Context) (*backend.Backend, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.backend != nil {
		return c.backend, nil
	}
	b, err := backend.Open(ctx, c.spec, c.log)
	if err != nil {
		return nil, err
	}
	c.backend = b
	return b, nil
}

// describe is the backend in one line; "": not opened.
func (c *compute) describe() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.backend == nil {
		return ""
	}
	return fmt.Sprintf("%s, %d devices (%s)", c.backend.Kind, len(c.backend.Devices), c.backend.Why)
}

func (c *compute) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.backend != nil {
		c.backend.Finalize()
		c.backend = nil
	}
	return nil
}

// models are the open models.
type models struct {
	compute *compute
	memory  *memory
	log     *logFile

	work sync.WaitGroup // models that are being opened or closed
	mu   sync.Mutex
	open map[modelKey]*openModel
}

// modelKey is what makes two models the same.
type modelKey struct {
	weights, config string // paths
	bfloat16        bool
	allowUnused     bool
}

// openModel is a model that is open, or is being opened until ready is closed.
type openModel struct {
	key   modelKey
	ready chan struct{}
	model *lxrt.Model
	err   error
	bytes int64
	notes []string    // what a user should know about the weights
	files []fileStamp // what it was opened from

	users int
	used  time.Time
	stale bool // its files have changed; the last user closes it
}

// fileStamp tells whether a file is still the one that was read.
type fileStamp struct {
	path    string
	size    int64
	changed time.Time
}

func stampOf(path string) fileStamp {
	s := fileStamp{path: path}
	if info, err := os.Stat(path); err == nil {
		s.size, s.changed = info.Size(), info.ModTime()
	}
	return s
}

func newModels(c *compute, m *memory, log *logFile) *models {
	return &models{compute: c, memory: m, log: log, open: map[modelKey]*openModel{}}
}

// acquire returns an open model, opening it if need be, or again if its files have changed. release must follow.
func (s *models) acquire(ctx context.Context, spec client.Spec) (m *openModel, release func(), err error) {
	path, err := weights.Resolve(spec.Weights)
	if err != nil {
		return nil, nil, err
	}
	key := modelKey{path, spec.Config, spec.BFloat16, spec.AllowUnused}
	s.mu.Lock()
	m = s.open[key]
	if m != nil && m.model != nil && m.changed() {
		s.log.printf("%s has changed and is opened again", path)
		s.forget(m)
		m = nil
	}
	isNew := m == nil
	if isNew {
		m = &openModel{key: key, ready: make(chan struct{})}
		s.open[key] = m
	}
	m.users++
	m.used = time.Now()
	s.mu.Unlock()
	release = sync.OnceFunc(func() { s.release(m) })
	if isNew {
		// Whoever gives up leaves the opening to the others.
		s.work.Go(func() { s.load(context.WithoutCancel(ctx), m) })
	}
	select {
	case <-m.ready:
	case <-ctx.Done():
		release()
		return nil, nil, ctx.Err()
	}
	if m.err != nil {
		release()
		return nil, nil, m.err
	}
	return m, release, nil
}

// changed says whether the files are others than those that were opened. A file that is gone is none: what is loaded
// stays good.
func (m *openModel) changed() bool {
	return slices.ContainsFunc(m.files, func(f fileStamp) bool {
		at := stampOf(f.path)
		return !at.changed.IsZero() && at != f
	})
}

// load opens a model and publishes it.
func (s *models) load(ctx context.Context, m *openModel) {
	began := time.Now()
	var notes strings.Builder
	model, bytes, files, err := s.read(ctx, m.key, &notes)
	s.mu.Lock()
	defer s.mu.Unlock()
	m.model, m.bytes, m.files, m.err = model, bytes, files, err
	m.notes = strings.FieldsFunc(notes.String(), func(r rune) bool { return r == '\n' })
	if err != nil && s.open[m.key] == m {
		delete(s.open, m.key)
	}
	close(m.ready)
	if err == nil {
		s.log.printf("opened %s, %d MB, in %.2f s", m.key.weights, mb(bytes), time.Since(began).Seconds())
	}
}

// read opens a model; notes gets what a user should know about its weights, a line each.
func (s *models) read(ctx context.Context, key modelKey, notes io.Writer) (m *lxrt.Model, bytes int64, files []fileStamp, err error) {
	defer func() {
		if r := recover(); r != nil { // of a file that nobody has thought of
			err = fmt.Errorf("session: opening %s: %v", key.weights, r)
		}
	}()
	for _, path := range []string{key.weights, key.config} {
		if path != "" {
			files = append(files, stampOf(path))
		}
	}
	b, err := s.compute.open(ctx)
	if err != nil {
		return nil, 0, nil, err
	}
	// The file's shapes say how much room is needed.
	cfg, err := sizes(key.weights, key.config)
	if err != nil {
		return nil, 0, nil, err
	}
	bytes = 4 * int64(cfg.NumParams())
	if key.bfloat16 {
		bytes /= 2
	}
	if err := s.memory.take(bytes, key.weights); err != nil {
		return nil, 0, nil, err
	}
	m, err = lxrt.Open(b, key.weights, key.config, lxrt.Options{BFloat16: key.bfloat16, AllowUnused: key.allowUnused, Log: notes})
	if err != nil {
		s.memory.give(bytes)
		return nil, 0, nil, err
	}
	return m, bytes, files, nil
}

// sizes reads the sizes of a model without opening it.
func sizes(path, config string) (lxmert.Config, error) {
	m, err := weights.OpenModel(path, config)
	if err != nil {
		return lxmert.Config{}, err
	}
	return m.Config, m.Close()
}

func (s *models) release(m *openModel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.users--
	m.used = time.Now()
	if m.stale && m.users == 0 {
		s.discard(m)
	}
}

// forget takes a model out, and closes it once nobody uses it.
func (s *models) forget(m *openModel) {
	delete(s.open, m.key)
	m.stale = true
	if m.users == 0 {
		s.discard(m)
	}
}

// discard closes a model that nobody uses.
func (s *models) discard(m *openModel) {
	if m.model == nil {
		return
	}
	// Close waits for a computation whose caller has gone, so it must not hold the others up.
	model := m.model
	m.model = nil
	s.work.Go(func() {
		if err := model.Close(); err != nil {
			s.log.printf("closing %s: %v", m.key.weights, err)
		}
		s.memory.give(m.bytes)
	})
}

// evict closes the model that was used longest ago, of those that nobody uses.
func (s *models) evict() bool {
	s.mu.Lock()
	var oldest *openModel
	for _, m := range s.open {
		if m.users == 0 && m.model != nil && (oldest == nil || m.used.Before(oldest.used)) {
			oldest = m
		}
	}
	if oldest == nil {
		s.mu.Unlock()
		return false
	}
	s.log.printf("closing %s, %d MB", oldest.key.weights, mb(oldest.bytes))
	delete(s.open, oldest.key)
	model := oldest.model
	oldest.model = nil
	s.mu.Unlock()
	if err := model.Close(); err != nil {
		s.log.printf("closing %s: %v", oldest.key.weights, err)
	}
	s.memory.give(oldest.bytes)
	return true
}

// list describes the open models.
func (s *models) list() []client.OpenModel {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []client.OpenModel{}
	for key, m := range s.open {
		if m.model == nil {
			continue
		}
		o := client.OpenModel{Weights: key.weights, DType: "float32", Bytes: m.bytes, Used: m.used, Users: m.users}
		if key.bfloat16 {
			o.DType = "bfloat16"
		}
		list = append(list, o)
	}
	slices.SortFunc(list, func(a, b client.OpenModel) int { return b.Used.Compare(a.Used) })
	return list
}

// close closes all models; nobody uses them any more.
func (s *models) close() {
	s.work.Wait()
	for s.evict() {
	}
	s.work.Wait()
}
