package bench

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"
)

func thisMachine() Machine {
	return Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPU: field("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU()}
}

// peakRSS is the most memory that this process ever had in RAM, in bytes; 0 where the system does not tell. It is read
// from /proc because the counter of getrusage is inherited from the process that started this one.
func peakRSS() int64 {
	kB, _, _ := strings.Cut(field("/proc/self/status", "VmHWM"), " ")
	n, err := strconv.ParseInt(kB, 10, 64)
	if err != nil {
		return 0
	}
	return n * 1024
}

// field is the value of the first line "name: value" of a file; "" if there is none.
func field(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if key, value, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
