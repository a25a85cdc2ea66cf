//go:build linux || darwin

package diskspace

import "syscall"

// Free is how many bytes this user may still write in a folder; known is false where the system does not say.
func Free(dir string) (bytes int64, known bool) {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true
}
