package resident

import (
	"os"
	"strconv"
	"strings"
)

// Machine is the memory of this machine, or of the container that this process runs in, in bytes.
func Machine() int64 {
	total := int64(8 << 30) // where the system does not say
	if n := field("/proc/meminfo", "MemTotal"); n > 0 {
		total = n
	}
	for _, path := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if text, err := os.ReadFile(path); err == nil {
			if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 {
				total = min(total, n)
			}
		}
	}
	return total
}
