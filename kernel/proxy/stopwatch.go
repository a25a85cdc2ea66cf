package proxy

import (
	"fmt"
	"os"
	"time"
)

// This file says how long a cell with %time takes.

// startedName is a file in the kernel's own folder whose text the program of a cell that is timed takes out when it begins.
const startedName = "started"

// startWatch gets ready to see when a cell's program begins.
func (k *kernel) startWatch(e *execution) error {
	if !e.cell.timed {
		return nil
	}
	return os.WriteFile(k.private.path(startedName), []byte("not yet\n"), 0o600)
}

// stopWatch says how long a cell has taken since it began.
func (k *kernel) stopWatch(e *execution, began time.Time) {
	if !e.cell.timed {
		return
	}
	ended := time.Now()
	text := "Wall time: " + inSeconds(ended.Sub(began))
	if info, err := os.Stat(k.private.path(startedName)); err == nil && info.Size() == 0 {
		started := info.ModTime()
		compiling := "compiling " + inSeconds(started.Sub(began)) + ", "
		if e.cell.runsShell() {
			compiling = "" // it cannot be told how long the commands have taken, which come first
		}
		text += " (" + compiling + "running " + inSeconds(ended.Sub(started)) + ")"
	}
	os.Remove(k.private.path(startedName))
	k.publishStream(e, "stdout", text+"\n")
}

// inSeconds is a duration with as many digits as mean something.
func inSeconds(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}
