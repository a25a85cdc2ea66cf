package proxy

import (
	"path/filepath"
	"syscall"
	"time"
)

const (
	// lookAgain is how often a cell that is being interrupted is looked at for what else it has started.
	lookAgain = 30 * time.Millisecond
	// remindAfter is when the user is told that the cell is still there.
	remindAfter = 5 * time.Second
	// killAfter is when the cell is killed that has not ended although it was interrupted.
	killAfter = 60 * time.Second
)

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
		k.signalCell(e, syscall.SIGKILL, map[process]bool{})
	}
}

// stopCell interrupts whatever the cell runs, until it has ended: the build, then perhaps the program that was just
// about to start.
func (k *kernel) stopCell(e *execution) {
	signalled := map[process]bool{}
	remind, kill := time.After(remindAfter), time.After(killAfter)
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	for {
		k.signalCell(e, syscall.SIGINT, signalled)
		select {
		case <-e.done:
			return
		case <-again.C:
		case <-remind:
			k.publishStream(e, "stderr", "The cell was interrupted and has not ended yet. Interrupt it again to kill it.\n")
		case <-kill:
			k.publishStream(e, "stderr", "The cell has not ended a minute after it was interrupted: it is killed.\n")
			k.signalCell(e, syscall.SIGKILL, map[process]bool{})
		}
	}
}

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
	processes := below(k.gonb.pid, processes())
	program := programName(filepath.Base(k.gonb.work))
	e.mu.Lock()
	for _, p := range processes {
		e.ran = e.ran || p.name == program
	}
	e.stopped = !e.ran
	stopped := e.stopped
	e.mu.Unlock()
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
		if p.pid == k.gonb.pid {
			syscall.Kill(p.pid, syscall.SIGINT)
		} else {
			syscall.Kill(p.pid, sig) // it may have ended by now
		}
	}
}

// stopLeft interrupts what an interrupted cell has left: a process that was only just being started may have missed it.
func (k *kernel) stopLeft() {
	for _, p := range below(k.gonb.pid, processes()) {
		syscall.Kill(p.pid, syscall.SIGINT)
	}
}

// programName is how a program is called in lists of processes, which hold no more than 15 bytes of it on Linux.
func programName(name string) string { return name[:min(len(name), 15)] }
