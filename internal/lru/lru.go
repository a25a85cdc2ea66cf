// Package lru shares values that are expensive to make and to keep, such as open files, compiled programs and models,
// among those who use them at the same time, and keeps the ones that were used last.
package lru

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Cache makes a value when it is first asked for, gives it to all who ask for its key, counts them, and frees it when it
// has to go and the last of them has let go of it, which then waits for that. The fields are set before the first use. All methods may be called from
// several goroutines.
type Cache[K comparable, V any] struct {
	// Limit is how many values are kept. There are more only while all of them are in use. 0: any number.
	Limit int
	// Fresh says whether a value that is there may be given to one more; otherwise it is made again. Nil: it always may.
	Fresh func(key K, value V) bool
	// Free is called once with each value, when nobody uses it and nobody will. Nil: there is nothing to do.
	Free func(key K, value V) error

	mu     sync.Mutex
	items  map[K]*item[V]
	clock  uint64
	closed bool
	failed error // of Free
	making sync.WaitGroup
}

// item is a value that is there, or is being made until ready is closed.
type item[V any] struct {
	ready    chan struct{}
	value    V
	err      error
	panicked any

	users int
	clock uint64 // the cache's, when it was last asked for or let go of
	used  time.Time
	gone  bool // out of the cache: its last user frees it
}

// Entry describes a value that is there.
type Entry[K comparable, V any] struct {
	Key   K
	Value V
	Users int
	Used  time.Time // when it was last asked for or let go of
}

// ErrClosed is returned by a cache that was closed.
var ErrClosed = errors.New("lru: the cache is closed")

var errNothing = errors.New("lru: the goroutine that made the value has ended without one")

// Get returns the value of a key, which produce makes if it is not there, and which stays until release is called. Callers
// that ask for the same key at the same time wait for one call of produce, in a goroutine of its own: one whose ctx ends
// leaves it to the others. When it fails they all get its error, or its panic, and the next one tries again.
func (c *Cache[K, V]) Get(ctx context.Context, key K, produce func() (V, error)) (value V, release func(), err error) {
	for {
		if err := ctx.Err(); err != nil {
			return value, nil, err
		}
		it, isNew, err := c.take(key, produce)
		if err != nil {
			return value, nil, err
		}
		release := sync.OnceFunc(func() { c.release(key, it) })
		select {
		case <-it.ready:
		case <-ctx.Done():
			release()
			return value, nil, ctx.Err()
		}
		switch {
		case it.panicked != nil:
			release()
			panic(it.panicked)
		case it.err != nil:
			release()
			return value, nil, it.err
		case isNew || c.Fresh == nil || c.Fresh(key, it.value):
			return it.value, release, nil
		}
		c.remove(key, it)
		release()
	}
}

// take returns the item of a key with one more user. A new one is being made.
func (c *Cache[K, V]) take(key K, produce func() (V, error)) (it *item[V], isNew bool, err error) {
	var evicted []Entry[K, V]
	defer func() { c.free(evicted...) }() // without the lock
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, false, ErrClosed
	}
	it = c.items[key]
	if it == nil {
		for c.Limit > 0 && len(c.items) >= c.Limit {
			e, ok := c.evict()
			if !ok {
				break
			}
			evicted = append(evicted, e)
		}
		it, isNew = &item[V]{ready: make(chan struct{}), err: errNothing}, true
		if c.items == nil {
			c.items = map[K]*item[V]{}
		}
		c.items[key] = it
		c.making.Go(func() { c.produce(key, it, produce) })
	}
	it.users++
	c.touch(it)
	return it, isNew, nil
}

// produce makes an item's value. One that fails is out of the cache before anybody hears of it.
func (c *Cache[K, V]) produce(key K, it *item[V], produce func() (V, error)) {
	defer func() {
		it.panicked = recover()
		if it.panicked != nil || it.err != nil {
			c.mu.Lock()
			delete(c.items, key)
			c.mu.Unlock()
		}
		close(it.ready)
	}()
	it.value, it.err = produce()
}

func (c *Cache[K, V]) touch(it *item[V]) {
	c.clock++
	it.clock, it.used = c.clock, time.Now()
}

func (it *item[V]) there() bool {
	select {
	case <-it.ready:
		return it.err == nil && it.panicked == nil
	default:
		return false
	}
}

func (c *Cache[K, V]) release(key K, it *item[V]) {
	c.mu.Lock()
	it.users--
	c.touch(it)
	last := it.gone && it.users == 0
	c.mu.Unlock()
	if last {
		c.free(Entry[K, V]{Key: key, Value: it.value})
	}
}

// remove takes an item that somebody uses out of the cache, if it still is there.
func (c *Cache[K, V]) remove(key K, it *item[V]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.items[key] == it {
		delete(c.items, key)
		it.gone = true
	}
}

// evict takes the value out that was used longest ago, of those that nobody uses. c.mu is held.
func (c *Cache[K, V]) evict() (e Entry[K, V], ok bool) {
	var oldest *item[V]
	for key, it := range c.items {
		if it.users == 0 && it.there() && (oldest == nil || it.clock < oldest.clock) {
			oldest, e.Key = it, key
		}
	}
	if oldest == nil {
		return e, false
	}
	delete(c.items, e.Key)
	e.Value = oldest.value
	return e, true
}

func (c *Cache[K, V]) free(entries ...Entry[K, V]) {
	for _, e := range entries {
		if c.Free == nil {
			continue
		}
		if err := c.Free(e.Key, e.Value); err != nil {
			c.mu.Lock()
			c.failed = errors.Join(c.failed, err)
			c.mu.Unlock()
		}
	}
}

// Evict frees the value that was used longest ago, of those that nobody uses. ok is false if there is none.
func (c *Cache[K, V]) Evict() (ok bool) {
	c.mu.Lock()
	e, ok := c.evict()
	c.mu.Unlock()
	if ok {
		c.free(e)
	}
	return ok
}

// Entries are the values that are there, the one that was used last first.
func (c *Cache[K, V]) Entries() []Entry[K, V] {
	c.mu.Lock()
	defer c.mu.Unlock()
	var entries []Entry[K, V]
	at := map[K]uint64{}
	for key, it := range c.items {
		if it.there() {
			entries = append(entries, Entry[K, V]{key, it.value, it.users, it.used})
			at[key] = it.clock
		}
	}
	slices.SortFunc(entries, func(a, b Entry[K, V]) int {
		if at[a.Key] > at[b.Key] {
			return -1
		}
		return 1
	})
	return entries
}

// Close waits until nothing is being made, and frees all values; those that are in use when their last user lets go of
// them. It returns what Free has said so far.
func (c *Cache[K, V]) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.making.Wait()
	c.mu.Lock()
	var idle []Entry[K, V]
	for key, it := range c.items {
		if it.gone = true; it.users == 0 {
			idle = append(idle, Entry[K, V]{Key: key, Value: it.value})
		}
	}
	c.items = nil
	c.mu.Unlock()
	c.free(idle...)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}
