package proxy

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// An interrupt goes to whatever the cell runs: the build, shell lines, its program and their children. A cell that has not
// ended five seconds later, or is interrupted again, is killed with everything that it has started, in whatever process
// group, and with what keeps its output open. A program that saves its work then has a minute, if it says so by making the
// file that [wire.SavingEnv] names. What earlier cells have left running is interrupted, too, but never killed.

// killPoll is how often a cell that is being interrupted is looked at for what else it has started.
const killPoll = 30 * time.Millisecond

// savingName is a file in the kernel's own folder: see [wire.SavingEnv].
const savingName = "saving"

// grace is how long an interrupted cell may take to end before it is killed.
type grace struct {
	usual  time.Duration
	saving time.Duration // of a program that saves its work
}

var usualGrace = grace{5 * time.Second, time.Minute}

// interrupt stops the running cell. The second interrupt of a cell kills it.
func (k *kernel) interrupt() {
	k.mu.Lock()
	e := k.current
	k.mu.Unlock()
	if e == nil {
		return
	}
	e.mu.Lock()
	e.interrupted++
	first := e.interrupted == 1
	e.mu.Unlock()
	e.cancel()
	select {
	case <-k.ready:
	default:
		return // it waits for GoNB, and no longer
	}
	if first {
		go k.stopCell(e)
	} else {
		e.killNow("it was interrupted again")
	}
}

// killNow has stopCell kill the cell.
func (e *execution) killNow(why string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.killed == "" {
		e.killed = why
		close(e.kill)
	}
}

// killedFor is why the cell was killed; "": it was not.
func (e *execution) killedFor() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.killed
}

// stopCell interrupts whatever the cell runs, until it has ended: the build, then perhaps the program that was just
// about to start. When it has to, it kills them.
func (k *kernel) stopCell(e *execution) {
	signalled := map[process]bool{}
	usual, saving := time.After(k.grace.usual), time.After(k.grace.saving)
	again := time.NewTicker(killPoll)
	defer again.Stop()
	kill := e.kill
	for first := true; ; first = false {
		k.signalCell(e, syscall.SIGINT, signalled)
		if first {
			close(e.told)
		}
		if kill == nil {
			k.signalCell(e, syscall.SIGKILL, map[process]bool{})
		}
		select {
		case <-e.done:
			return
		case <-again.C:
		case <-kill:
			kill = nil
		case <-usual:
			if _, err := os.Stat(k.saving()); err == nil {
				k.publishStream(e, "stderr", "The cell was interrupted and saves its work. Interrupt it again to kill it.\n")
				continue
			}
			e.killNow(fmt.Sprintf("it had not ended %s later", k.grace.usual))
		case <-saving:
			e.killNow(fmt.Sprintf("it had not saved its work %s later", k.grace.saving))
		}
	}
}

// saving is the file by which a program says that it saves its work.
func (k *kernel) saving() string { return k.private.path(savingName) }

// signalCell sends a signal to everything that GoNB has started, unless it has been sent to all of them. The cell's own
// program gets it once: the second would be one too many for a program that saves its work. Shells may get it again, as
// they forget one that has not killed their child; and what has been forked but not yet become another program counts as
// another process then, as it may have ignored it.
//
// While the cell's program runs GoNB itself is left alone: it would kill the program five seconds later, too soon for one
// that saves its work. Otherwise it is told, as it then does not go on with the rest of the cell.
func (k *kernel) signalCell(e *execution, sig syscall.Signal, signalled map[process]bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.current != e {
		return // what runs is another cell's
	}
	all := processes()
	processes := below(k.gonb.pid, all)
	program := programName(filepath.Base(k.gonb.work))
	e.mu.Lock()
	for _, p := range processes {
		e.ran = e.ran || p.name == program
	}
	e.stopped = !e.ran
	stopped := e.stopped
	e.mu.Unlock()
	if sig == syscall.SIGKILL {
		own := slices.DeleteFunc(all, func(p process) bool { return !p.since(e.began) })
		for _, p := range append(processes, writersTo(k.gonb.pid, own)...) {
			if p.began == 0 || p.since(e.began) {
				syscall.Kill(p.pid, sig)
			}
		}
		return
	}
	if stopped {
		processes = append(processes, process{pid: k.gonb.pid})
	}
	fresh := false
	for _, p := range processes {
		fresh = fresh || !signalled[p]
	}
	if !fresh {
		return
	}
	for _, p := range processes {
		if p.name == program && signalled[p] {
			continue
		}
		signalled[p] = true
		syscall.Kill(p.pid, sig) // it may have ended by now
	}
}

// afterShell waits, a hundredth of a second at most, until what a shell line of the last cell has left running in the
// background can be told from what the next one starts.
func (k *kernel) afterShell() {
	for k.shellEnd > 0 && clock() == k.shellEnd {
		time.Sleep(time.Millisecond)
	}
}

// runsShell says whether a cell has a shell line, or is a script.
func (c cell) runsShell() bool {
	return c.script || slices.ContainsFunc(c.order, func(l composedLine) bool { return l.command && strings.HasPrefix(l.text, "!") })
}

// stopLeft interrupts what an interrupted cell has left, and kills what of it does not end. A process that was only just
// becoming another program may have missed the interrupt, and gets it again.
func (k *kernel) stopLeft(e *execution) {
	left := map[life]bool{}
	signalled := map[named]bool{}
	for _, p := range below(k.gonb.pid, processes()) {
		if p.since(e.began) {
			left[p.life()] = true
		}
		signalled[p.named()] = true
		syscall.Kill(p.pid, syscall.SIGINT)
	}
	if len(left) == 0 {
		return
	}
	wait := k.grace.usual
	if e.killedFor() != "" {
		wait = 0
	}
	go func() {
		kill := time.After(wait)
		for sig := syscall.SIGINT; sig == syscall.SIGINT; {
			select {
			case <-kill:
				sig = syscall.SIGKILL
			case <-time.After(killPoll):
			}
			gone := true
			for _, p := range below(k.gonb.pid, processes()) {
				if !left[p.life()] {
					continue
				}
				gone = false
				if sig == syscall.SIGKILL || !signalled[p.named()] {
					signalled[p.named()] = true
					syscall.Kill(p.pid, sig)
				}
			}
			if gone {
				return
			}
		}
	}()
}

// programName is how a program is called in lists of processes, which hold no more than 15 bytes of it on Linux.
func programName(name string) string { return name[:min(len(name), 15)] }
