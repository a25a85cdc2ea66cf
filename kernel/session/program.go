package session

import (
	"os"
	"time"

	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// program is the file that this process runs, to notice when it is replaced by another build.
type program struct {
	path    string
	version string
	size    int64
	changed time.Time
}

func thisProgram() program {
	p := program{version: lxrt.Version()}
	path, err := os.Executable()
	if err != nil {
		return p
	}
	if info, err := os.Stat(path); err == nil {
		p.path, p.size, p.changed = path, info.Size(), info.ModTime()
	}
	return p
}

// replaced says whether there is another file where the program was. A program that is gone is not replaced: `go run`
// removes its own.
func (p program) replaced() bool {
	if p.path == "" {
		return false
	}
	info, err := os.Stat(p.path)
	return err == nil && (info.Size() != p.size || !info.ModTime().Equal(p.changed))
}
