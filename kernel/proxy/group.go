package proxy

import (
	"errors"
	"runtime"
	"syscall"
	"time"

	"os/exec"
)

// A group is a process group: a child of the kernel and whatever it starts, unless that leaves the group on purpose, as
// the resident session does.

// startGroup starts a command as the head of a group of its own. On Linux it is killed when this process dies, however
// that happens. What Wait returns comes over the channel.
func startGroup(cmd *exec.Cmd) (ended <-chan error, err error) {
	started, end := make(chan error), make(chan error, 1)
	cmd.SysProcAttr = groupAttributes()
	go func() {
		// Linux kills the child when the thread that started it ends, so the thread stays.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			end <- cmd.Wait()
		}
	}()
	return end, <-started
}

// endGroup asks a group to end, waits for it, and then kills it.
func endGroup(group int, patience time.Duration) {
	signalGroup(group, syscall.SIGTERM)
	if waitGroup(group, patience) {
		return
	}
	signalGroup(group, syscall.SIGKILL)
	waitGroup(group, 5*time.Second)
}

func signalGroup(group int, sig syscall.Signal) {
	if group > 1 { // 0 and -1 would be this process's own group, and everybody
		syscall.Kill(-group, sig) // that it is gone is what is wanted
	}
}

// waitGroup waits until nobody is left in a group.
func waitGroup(group int, limit time.Duration) (gone bool) {
	for end := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		if group <= 1 || errors.Is(syscall.Kill(-group, 0), syscall.ESRCH) {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}
