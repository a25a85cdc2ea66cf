package lxrt

import (
	"sync"

	"github.com/seed-516990b0/golxmert/lxmert/internal/program"
)

// programLimit is how many compiled graphs a model keeps. Each takes a few megabytes; a session that changes requests
// all the time would otherwise grow without bound.
const programLimit = 64

// programCache keeps the compiled graphs that were used last.
type programCache struct {
	mu      sync.Mutex
	limit   int
	clock   int
	entries map[string]*programEntry
}

// programEntry is a program that is compiled, or is being compiled until ready is closed.
type programEntry struct {
	key     string
	ready   chan struct{}
	program *program.Program
	err     error
	users   int
	used    int // the cache's clock when it was last asked for
}

func (c *programCache) init(limit int) { c.limit, c.entries = limit, map[string]*programEntry{} }

// acquire returns the entry of a key and whether the caller must compile it and call done. The entry is kept until the
// caller releases it.
func (c *programCache) acquire(key string) (entry *programEntry, isNew bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock++
	entry = c.entries[key]
	if entry == nil {
		c.evict()
		entry, isNew = &programEntry{key: key, ready: make(chan struct{})}, true
		c.entries[key] = entry
	}
	entry.users++
	entry.used = c.clock
	return entry, isNew
}

// done publishes a compilation. A failed one is forgotten, so that the next caller tries again.
func (c *programCache) done(e *programEntry, p *program.Program, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.program, e.err = p, err
	if err != nil {
		delete(c.entries, e.key)
	}
	close(e.ready)
}

func (c *programCache) release(e *programEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.users--
}

// evict makes room for one more entry, as far as others are free to go.
func (c *programCache) evict() {
	for len(c.entries) >= c.limit {
		var oldest *programEntry
		for _, e := range c.entries {
			if e.users == 0 && e.program != nil && (oldest == nil || e.used < oldest.used) {
				oldest = e
			}
		}
		if oldest == nil {
			return
		}
		delete(c.entries, oldest.key)
		oldest.program.Free()
	}
}

// free releases all programs. Nobody may use them any more.
func (c *programCache) free() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		if e.program != nil {
			e.program.Free()
		}
	}
	c.entries = map[string]*programEntry{}
}
