package resident

import (
	"os"
	"strconv"
	"strings"
)

// Peak is the most memory that this process ever had in RAM, in bytes; 0 where the system does not tell. It is read from /proc
// because the counter of getrusage is inherited from the process that started this one.
func Peak() int64 { return field("/proc/self/status", "VmHWM") }

// field is an amount of memory of a file of /proc, in bytes, which has it as "name: 123 kB"; 0 where it has not.
func field(path, name string) int64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == name+":" && f[2] == "kB" {
			if kb, err := strconv.ParseInt(f[1], 10, 64); err == nil {
				return kb << 10
			}
		}
	}
	return 0
}
