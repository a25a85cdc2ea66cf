//go:build !linux

package testneed

import (
	"os"
	"testing"
)

// Unprivileged skips a test of the administrator, whom no folder refuses.
func Unprivileged(t testing.TB) {
	t.Helper()
	if os.Geteuid() == 0 {
		t.Skip("run as the administrator")
	}
}
