package proxy

import (
	"context"
	"sync"
)

// queue holds the requests to run cells that wait for their turn.
type queue struct {
	mu      sync.Mutex
	waiting []origin
	filled  chan struct{} // has an entry when somebody waits
}

func newQueue() *queue { return &queue{filled: make(chan struct{}, 1)} }

func (q *queue) put(m origin) {
	q.mu.Lock()
	q.waiting = append(q.waiting, m)
	q.mu.Unlock()
	select {
	case q.filled <- struct{}{}:
	default:
	}
}

// next waits for the request whose turn it is; ok is false when ctx has ended.
func (q *queue) next(ctx context.Context) (m origin, ok bool) {
	for {
		q.mu.Lock()
		if len(q.waiting) > 0 {
			m, q.waiting = q.waiting[0], q.waiting[1:]
			q.mu.Unlock()
			return m, true
		}
		q.mu.Unlock()
		select {
		case <-q.filled:
		case <-ctx.Done():
			return origin{}, false
		}
	}
}

// empty takes all that wait.
func (q *queue) empty() []origin {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.waiting
	q.waiting = nil
	return all
}
