package session

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Environment variables that a session reads when it starts, since a notebook's cell starts it without flags.
const (
	MemoryEnv = "LXMERT_SESSION_MEMORY" // Options.Memory, as in 8GB
	IdleEnv   = "LXMERT_SESSION_IDLE"   // Options.Idle, as in 90m; "never"
)

// FromEnvironment returns the options that the environment gives.
func FromEnvironment() (o Options, err error) {
	if text := os.Getenv(MemoryEnv); text != "" {
		if o.Memory, err = ParseBytes(text); err != nil {
			return o, fmt.Errorf("session: %s: %w", MemoryEnv, err)
		}
	}
	switch text := os.Getenv(IdleEnv); text {
	case "":
	case "never":
		o.Idle = -1
	default:
		if o.Idle, err = time.ParseDuration(text); err != nil || o.Idle <= 0 {
			return o, fmt.Errorf("session: %s is %q, must be a time such as 90m, or never", IdleEnv, text)
		}
	}
	return o, nil
}

// ParseBytes reads a number of bytes with a unit: 8GB, 500MB, 1.5GiB. Units are powers of 1024.
func ParseBytes(text string) (int64, error) {
	number := strings.TrimRight(text, "BbiIkKMmGgTt ")
	units := map[string]int64{"": 1, "B": 1, "K": 1 << 10, "KB": 1 << 10, "M": 1 << 20, "MB": 1 << 20, "G": 1 << 30, "GB": 1 << 30, "T": 1 << 40, "TB": 1 << 40}
	unit, ok := units[strings.ReplaceAll(strings.ToUpper(strings.TrimSpace(text[len(number):])), "I", "")]
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !ok || !(n > 0) || n*float64(unit) > 1<<60 {
		return 0, fmt.Errorf("%q is not a number of bytes, such as 8GB or 500MB", text)
	}
	return int64(n * float64(unit)), nil
}
