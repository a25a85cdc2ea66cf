// Package resident says how much memory this process has in RAM, and how much there is.
package resident

import (
	"os"
	"strconv"
	"strings"
)

// Bytes is the memory that this process has in RAM; 0 where the system does not say, which only Linux does.
func Bytes() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
