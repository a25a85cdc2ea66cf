//go:build gotch

package torch

import (
	"context"
	"fmt"
	"runtime"
	"sync"
)

// owner is the one thread of the process that calls libtorch, which keeps state of its own for each thread and one last error
// for all.
var owner = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// call has the owner call f and waits for it, or until ctx is cancelled: f is told by the same ctx, and done comes after it in any
// case. What libtorch finds wrong is an error.
func call(ctx context.Context, f func() error, done func()) error {
	outcome := make(chan error, 1)
	job := func() {
		defer done()
		outcome <- caught(f)
	}
	select {
	case owner() <- job:
	case <-ctx.Done():
		done()
		return ctx.Err()
	}
	select {
	case err := <-outcome:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// failure is what stops a computation: libtorch's error, or that of a context.
type failure struct{ error }

// caught calls f and returns what stops it.
func caught(f func() error) (err error) {
	defer func() {
		switch x := recover().(type) {
		case nil:
		case failure:
			err = x.error
		default:
			panic(x)
		}
	}()
	return f()
}

func fail(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }
