//go:build linux || darwin

package filelock

import (
	"errors"
	"os"
	"syscall"
)

// Try locks an open file; ok is false while another process, or another opening of the file, has the lock. The system
// lets go of it when the file is closed or the process ends, however it ends. File systems without locks, as some
// clusters have, give it to everybody.
func Try(f *os.File) (ok bool) {
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false
		default:
			return true
		}
	}
}
