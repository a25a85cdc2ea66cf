// Package testwait is the one way in which tests wait for what happens beside them: in other goroutines, processes and
// browsers.
//
// Nothing that a test claims depends on how fast the machine is. What it waits for comes in the end, on a machine that does
// many other things too; how long a test waits only decides when one that hangs is given up.
package testwait

import (
	"bytes"
	"context"
	"runtime/pprof"
	"testing"
	"time"
)

// Limit is how long a test waits at most. Whole notebooks take a minute on a usual machine, all else takes seconds.
const Limit = 30 * time.Minute

// Patience is how long a test may still wait: [Limit], or less if go test ends its program before. Half a minute is left
// for the test to end what it has started, which go test would leave behind.
func Patience(t testing.TB) time.Duration {
	if d, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		if end, ok := d.Deadline(); ok {
			left := time.Until(end)
			return min(Limit, left-min(30*time.Second, left/2))
		}
	}
	return Limit
}

// Context ends with the test, or when there is no [Patience] left.
func Context(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), Patience(t))
	t.Cleanup(cancel)
	return ctx
}

// Until waits until something holds, which it asks again and again. The test fails and ends, with the stacks of all
// goroutines, when there is no [Patience] left.
func Until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	limit := Patience(t)
	for end := time.Now().Add(limit); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			giveUp(t, what, limit)
		}
	}
}

// Receive waits for a value of a channel, or for its end, which is the zero value. It fails as [Until] does.
func Receive[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	limit := Patience(t)
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case v := <-from:
		return v
	case <-late.C:
		giveUp(t, what, limit)
		panic("a test goes on after it has failed")
	}
}

func giveUp(t testing.TB, what string, after time.Duration) {
	t.Helper()
	var stacks bytes.Buffer
	pprof.Lookup("goroutine").WriteTo(&stacks, 2)
	t.Fatalf("%s: not within %s\n%s", what, after.Round(time.Second), &stacks)
}
