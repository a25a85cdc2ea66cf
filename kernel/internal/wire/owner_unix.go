//go:build unix

package wire

import (
	"os"
	"syscall"
)

// ownedByUser says whether a file belongs to the user of this process.
func ownedByUser(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
