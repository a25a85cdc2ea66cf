package session

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// queue lets in a number of calls at once. Those that wait take turns by whom they work for, so that a notebook with a hundred calls
// holds up another one with a single call by one of these at most.
type queue struct {
	mu      sync.Mutex
	free    int
	waiting map[string][]*ticket // by notebook, in order
	turns   []string             // notebooks that wait, the next one first
	working map[*ticket]bool
}

// ticket is a place in the queue.
type ticket struct {
	client string
	label  string
	let    chan struct{} // closed when it is this one's turn
}

func newQueue(width int) *queue {
	return &queue{free: width, waiting: map[string][]*ticket{}, working: map[*ticket]bool{}}
}

// enter waits for its turn; leave must follow. The error is ctx's.
func (q *queue) enter(ctx context.Context, client, label string) (leave func(), err error) {
	q.mu.Lock()
	t := &ticket{client: client, label: label, let: make(chan struct{})}
	if len(q.waiting[client]) == 0 {
		q.turns = append(q.turns, client)
	}
	q.waiting[client] = append(q.waiting[client], t)
	q.admit()
	q.mu.Unlock()
	leave = sync.OnceFunc(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.free++
		delete(q.working, t)
		q.admit()
	})
	select {
	case <-t.let:
		return leave, nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	given := !q.drop(t)
	q.mu.Unlock()
	if given { // its turn came at the same moment
		leave()
	}
	return nil, ctx.Err()
}

// admit lets in whose turn it is.
func (q *queue) admit() {
	for q.free > 0 && len(q.turns) > 0 {
		client := q.turns[0]
		q.turns = q.turns[1:]
		t := q.waiting[client][0]
		q.waiting[client] = q.waiting[client][1:]
		if len(q.waiting[client]) > 0 {
			q.turns = append(q.turns, client)
		} else {
			delete(q.waiting, client)
		}
		q.free--
		q.working[t] = true
		close(t.let)
	}
}

// drop takes a ticket out of the queue; ok is false if it is no longer in it.
func (q *queue) drop(t *ticket) (ok bool) {
	i := slices.Index(q.waiting[t.client], t)
	if i < 0 {
		return false
	}
	q.waiting[t.client] = slices.Delete(q.waiting[t.client], i, i+1)
	if len(q.waiting[t.client]) == 0 {
		delete(q.waiting, t.client)
		q.turns = slices.DeleteFunc(q.turns, func(client string) bool { return client == t.client })
	}
	return true
}

// state says what is worked on, and how many wait, by notebook.
func (q *queue) state() (working []string, waiting map[string]int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	working = []string{}
	for t := range maps.Keys(q.working) {
		working = append(working, t.label+" for "+t.client)
	}
	slices.Sort(working)
	waiting = map[string]int{}
	for client, tickets := range q.waiting {
		waiting[client] = len(tickets)
	}
	return working, waiting
}
