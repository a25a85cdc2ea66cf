package dataset

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// ErrClosed is returned by a [Loader] that was closed.
var ErrClosed = errors.New("dataset: the loader is closed")

// Loader prepares things, such as batches, on other goroutines and hands them out in order. It belongs to one goroutine,
// except for Wait, and must be closed.
type Loader[T any] struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	ready  chan chan loaded[T] // in order
	all    sync.WaitGroup
	wait   atomic.Int64 // nanoseconds
	err    error        // what Next returns from here on
}

type loaded[T any] struct {
	value T
	err   error
}

// NewLoader calls load for 0, 1, …, n-1, on up to workers goroutines at a time (at least one), and never further ahead of
// what [Loader.Next] returns or waits for than there are workers. The context that load is given ends with ctx, with
// [Loader.Close], and with the first error that Next returns.
func NewLoader[T any](ctx context.Context, n, workers int, load func(ctx context.Context, i int) (T, error)) *Loader[T] {
	workers = max(1, min(workers, n))
	ctx, cancel := context.WithCancelCause(ctx)
	l := &Loader[T]{ctx: ctx, cancel: cancel, ready: make(chan chan loaded[T], workers)}
	type job struct {
		i    int
		done chan loaded[T]
	}
	jobs := make(chan job)
	l.all.Add(1 + workers)
	go func() {
		defer l.all.Done()
		defer close(jobs)
		defer close(l.ready)
		for i := range n {
			done := make(chan loaded[T], 1)
			select {
			case l.ready <- done:
			case <-ctx.Done():
				return
			}
			select {
			case jobs <- job{i, done}:
			case <-ctx.Done():
				return
			}
		}
	}()
	for range workers {
		go func() {
			defer l.all.Done()
			for j := range jobs {
				value, err := load(ctx, j.i)
				j.done <- loaded[T]{value, err}
			}
		}()
	}
	return l
}

// Next returns the next thing, or the error of loading it, or the context's. After the last one it returns [io.EOF].
// After an error it returns that error again.
func (l *Loader[T]) Next() (T, error) {
	var none T
	if l.err != nil {
		return none, l.err
	}
	started := time.Now()
	value, err := l.take()
	l.wait.Add(int64(time.Since(started)))
	if err != nil {
		l.err = err
		l.cancel(err)
		return none, err
	}
	return value, nil
}

func (l *Loader[T]) take() (T, error) {
	var none T
	if l.ctx.Err() != nil {
		return none, context.Cause(l.ctx)
	}
	select {
	case done, ok := <-l.ready:
		if !ok {
			if l.ctx.Err() != nil {
				return none, context.Cause(l.ctx)
			}
			return none, io.EOF
		}
		select {
		case x := <-done:
			return x.value, x.err
		case <-l.ctx.Done():
		}
	case <-l.ctx.Done():
	}
	return none, context.Cause(l.ctx)
}

// Wait is how long Next has waited in all: the time in which a training step could not begin for want of data.
func (l *Loader[T]) Wait() time.Duration { return time.Duration(l.wait.Load()) }

// Close stops the loader and returns when none of its goroutines is left. Next then returns [ErrClosed]. Closing again
// does nothing.
func (l *Loader[T]) Close() {
	l.cancel(ErrClosed)
	l.all.Wait()
	l.err = ErrClosed
}
