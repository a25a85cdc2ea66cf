package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/internal/lru"
	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/torch"
	"github.com/seed-516990b0/golxmert/lxmert/train"
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

// memory is that of the devices, where the backend is open and says.
func (c *compute) memory() client.DeviceMemory {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.backend == nil {
		return client.DeviceMemory{}
	}
	m, _ := c.backend.Memory()
	return client.DeviceMemory{InUse: m.InUse, Peak: m.Peak, Limit: m.Limit}
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

// models are the open models. Close them when nobody uses them.
type models struct {
	compute *compute
	memory  *memory
	log     *logFile
	open    lru.Cache[modelKey, *openModel]
}

// modelKey is what makes two models the same.
type modelKey struct {
	weights, config string // paths
	engine          string // "": on the session's backend
	bfloat16        bool
	allowUnused     bool
}

// engine is a model that has something to free.
type engine interface {
	lxmert.Engine
	io.Closer
}

// openModel is a model that is open.
type openModel struct {
	key   modelKey
	model engine
	bytes int64
	notes []string    // what a user should know about the weights
	files []fileStamp // what it was opened from
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
	s := &models{compute: c, memory: m, log: log}
	s.open.Fresh = func(_ modelKey, m *openModel) bool {
		changed := m.changed()
		if changed {
			log.printf("%s has changed and is opened again", m.key.weights)
		}
		return !changed
	}
	s.open.Free = func(_ modelKey, m *openModel) error {
		s.discard(m)
		return nil
	}
	return s
}

// acquire returns an open model, opening it if need be, or again if its files have changed. release must follow.
func (s *models) acquire(ctx context.Context, spec client.Spec) (m *openModel, release func(), err error) {
	path, err := weights.Resolve(spec.Weights)
	if err != nil {
		return nil, nil, err
	}
	key := modelKey{path, spec.Config, spec.Engine, spec.BFloat16, spec.AllowUnused}
	switch spec.Engine {
	case client.GoMLX:
		key.engine = ""
	case "", client.Torch:
	default:
		return nil, nil, &wire.Fault{Kind: wire.Usage, Message: fmt.Sprintf("session: there is no engine %q; there are %q and %q", excerpt.Cut(spec.Engine, longestEcho), client.GoMLX, client.Torch)}
	}
	return s.open.Get(ctx, key, func() (*openModel, error) { return s.load(context.WithoutCancel(ctx), key) })
}

// changed says whether the files differ from those that were opened. A file that is gone is none: what is loaded
// stays good.
func (m *openModel) changed() bool {
	return slices.ContainsFunc(m.files, func(f fileStamp) bool {
		at := stampOf(f.path)
		return !at.changed.IsZero() && at != f
	})
}

// load opens a model.
func (s *models) load(ctx context.Context, key modelKey) (_ *openModel, err error) {
	taken := int64(0)
	defer func() {
		if r := recover(); r != nil { // of a file that nobody has thought of
			err = fmt.Errorf("session: opening %s: %v", key.weights, r)
		}
		if err != nil {
			s.memory.give(taken)
		}
	}()
	began := time.Now()
	m := &openModel{key: key}
	for _, path := range []string{key.weights, key.config} {
		if path != "" {
			m.files = append(m.files, stampOf(path))
		}
	}
	// The file's shapes say how much room is needed.
	cfg, err := sizes(key.weights, key.config)
	if err != nil {
		return nil, err
	}
	m.bytes = 4 * int64(cfg.NumParams())
	if key.bfloat16 {
		m.bytes /= 2
	}
	if err := s.memory.take(m.bytes, key.weights); err != nil {
		return nil, err
	}
	taken = m.bytes
	var notes strings.Builder
	if m.model, err = s.openEngine(ctx, key, lxrt.Options{BFloat16: key.bfloat16, AllowUnused: key.allowUnused, Log: &notes}); err != nil {
		return nil, err
	}
	m.notes = strings.FieldsFunc(notes.String(), func(r rune) bool { return r == '\n' })
	s.log.printf("opened %s, %d MB, in %.2f s", key.weights, mb(m.bytes), time.Since(began).Seconds())
	return m, nil
}

// openEngine opens weights with what computes.
func (s *models) openEngine(ctx context.Context, key modelKey, opt lxrt.Options) (engine, error) {
	if key.engine == client.Torch {
		m, err := torch.Open(key.weights, key.config, opt)
		if errors.Is(err, torch.ErrNotBuilt) {
			err = &wire.Fault{Kind: wire.NoEngine, Message: withoutTorch}
		}
		return m, err
	}
	b, err := s.compute.open(ctx)
	if err != nil {
		return nil, err
	}
	return lxrt.Open(b, key.weights, key.config, opt)
}

// withoutTorch says how a session gets the engine.
const withoutTorch = "session: this kernel was built without libtorch: `lxmert backend install libtorch` brings it; then source the env.sh that it names, " +
	"run `go run -p 1 -tags gotch ./kernel install` in the folder of this project's source, and `kernel session stop`"

// sizes reads the sizes of a model without opening it.
func sizes(path, config string) (lxmert.Config, error) {
	m, err := weights.OpenModel(path, config)
	if err != nil {
		return lxmert.Config{}, err
	}
	return m.Config, m.Close()
}

// random is a model of the sizes of another whose weights are drawn as before any training. It takes as much memory as that one
// would in float32, until it is discarded.
func (s *models) random(ctx context.Context, like *openModel) (m *lxrt.Model, discard func(), err error) {
	cfg := like.model.Config()
	x := &openModel{key: modelKey{weights: like.key.weights + " with random weights"}, bytes: 4 * int64(cfg.NumParams())}
	if err := s.memory.take(x.bytes, x.key.weights); err != nil {
		return nil, nil, err
	}
	b, err := s.compute.open(ctx)
	if err == nil {
		m, err = lxrt.New(b.Backend, cfg, &train.Initial{Config: cfg, Seed: 1, Range: train.InitialRange}, lxrt.Options{})
	}
	if err != nil {
		s.memory.give(x.bytes)
		return nil, nil, err
	}
	x.model = m
	return m, func() { s.discard(x) }, nil
}

// discard closes a model that nobody uses.
func (s *models) discard(m *openModel) {
	s.log.printf("closing %s, %d MB", m.key.weights, mb(m.bytes))
	if err := m.model.Close(); err != nil {
		s.log.printf("closing %s: %v", m.key.weights, err)
	}
	s.memory.give(m.bytes)
}

// list describes the open models, the one that was used last first.
func (s *models) list() []client.OpenModel {
	list := []client.OpenModel{}
	for _, e := range s.open.Entries() {
		o := client.OpenModel{Weights: e.Key.weights, DType: "float32", Bytes: e.Value.bytes, Used: e.Used, Users: e.Users}
		if e.Key.bfloat16 {
			o.DType = "bfloat16"
		}
		if e.Key.engine != "" {
			o.DType += " on libtorch"
		}
		list = append(list, o)
	}
	return list
}
