package testneed

import (
	"os"
	"runtime"
	"syscall"
	"testing"
)

// Unprivileged makes the system refuse files to the test's goroutine as it refuses them to any user, until the test ends.
func Unprivileged(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	runtime.LockOSThread()
	err := syscall.Setfsuid(65534)
	Require(t, "root", err == nil, "becoming somebody else")
	t.Cleanup(func() {
		if err := syscall.Setfsuid(0); err == nil { // a thread that stays somebody else ends with its goroutine
			runtime.UnlockOSThread()
		}
	})
}
