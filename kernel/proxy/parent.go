package proxy

import (
	"context"
	"os"
	"strconv"
	"time"
)

// parentEnv is how Jupyter tells a kernel which process has started it.
const parentEnv = "JPY_PARENT_PID"

// parentPoll is how often a kernel looks whether its parent is still there.
const parentPoll = time.Second

// orphaned is closed when the Jupyter that has started this kernel is gone, in whatever way: nobody could end the kernel
// any more. A kernel that somebody else has started, or something in between, never is an orphan.
func orphaned(ctx context.Context) <-chan struct{} {
	gone := make(chan struct{})
	parent, err := strconv.Atoi(os.Getenv(parentEnv))
	if err != nil || parent != os.Getppid() {
		return gone
	}
	go func() {
		again := time.NewTicker(parentPoll)
		defer again.Stop()
		for os.Getppid() == parent {
			select {
			case <-again.C:
			case <-ctx.Done():
				return
			}
		}
		close(gone)
	}()
	return gone
}
