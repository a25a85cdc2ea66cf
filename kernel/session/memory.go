package session

import (
	"context"
	"fmt"
	"sync"

	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
)

// memory keeps account of what models and kept values take.
type memory struct {
	mu    sync.Mutex
	limit int64
	used  int64
	// reclaim closes what is not in use, the least recently used first, and says whether there was something.
	reclaim func() (some bool)
}

// take counts n more bytes, after making room for them if need be. what is for the error, which is a fault of kind Full.
func (m *memory) take(n int64, what string) error {
	for {
		m.mu.Lock()
		if m.used+n <= m.limit {
			m.used += n
			m.mu.Unlock()
			return nil
		}
		used := m.used
		m.mu.Unlock()
		if n > m.limit || m.reclaim == nil || !m.reclaim() {
			return &wire.Fault{Kind: wire.Full, Message: fmt.Sprintf("session: %s takes %d MB, and %d of the %d MB that the session may take are in use; "+
				"`kernel session stop` and LXMERT_SESSION_MEMORY=%dMB give it more, or delete values that are kept", what, mb(n), mb(used), mb(m.limit), mb(used+n)+1)}
		}
	}
}

func (m *memory) give(n int64) {
	m.mu.Lock()
	m.used -= n
	m.mu.Unlock()
}

func (m *memory) inUse() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used
}

// mb rounds up.
func mb(n int64) int64 { return (n + 1<<20 - 1) >> 20 }

// budget bounds the bytes of all calls that are being read or computed.
type budget struct {
	mu      sync.Mutex
	free    int64
	waiting []*claim // in order
}

type claim struct {
	n   int64
	let chan struct{}
}

func newBudget(n int64) *budget { return &budget{free: n} }

// take waits until n bytes are free; n must not be above the whole.
func (b *budget) take(ctx context.Context, n int64) error {
	b.mu.Lock()
	c := &claim{n, make(chan struct{})}
	b.waiting = append(b.waiting, c)
	b.admit()
	b.mu.Unlock()
	select {
	case <-c.let:
		return nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, w := range b.waiting {
		if w == c {
			b.waiting = append(b.waiting[:i], b.waiting[i+1:]...)
			b.admit()
			return ctx.Err()
		}
	}
	b.free += n
	b.admit()
	return ctx.Err()
}

func (b *budget) give(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += n
	b.admit()
}

func (b *budget) admit() {
	for len(b.waiting) > 0 && b.waiting[0].n <= b.free {
		b.free -= b.waiting[0].n
		close(b.waiting[0].let)
		b.waiting = b.waiting[1:]
	}
}
