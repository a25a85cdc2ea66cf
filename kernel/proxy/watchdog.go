package proxy

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// WatchdogCommand is the name of the command, in the program that runs the kernel, that calls [Watch] with its standard
// input and its only argument.
const WatchdogCommand = "watchdog"

// Watch waits until in ends, which is when the kernel at its other end does, in whatever way. Then it kills the process
// groups that were named on in, a line "group N" each, and removes the kernel's folder. It is for a process of its own,
// which is all that is left when somebody kills a kernel with SIGKILL.
func Watch(in io.Reader, dir string) error {
	if ok, err := filepath.Match(privatePattern, filepath.Base(dir)); err != nil || !ok {
		return fmt.Errorf("%s is not a kernel's folder", dir)
	}
	var groups []int
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if n, ok := strings.CutPrefix(lines.Text(), "group "); ok {
			if group, err := strconv.Atoi(n); err == nil {
				groups = append(groups, group)
			}
		}
	}
	for _, group := range groups {
		signalGroup(group, syscall.SIGKILL)
	}
	for _, group := range groups {
		waitGroup(group, 5*time.Second)
	}
	return removeTree(dir)
}

// watchdog is the process that runs Watch for this kernel.
type watchdog struct {
	in  io.WriteCloser
	cmd *exec.Cmd
}

// startWatchdog starts it in a session of its own, out of reach of signals to the kernel's group.
func startWatchdog(program string, dir string) (*watchdog, error) {
	cmd := exec.Command(program, WatchdogCommand, dir)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("the kernel's watchdog does not start: %w", err)
	}
	return &watchdog{in, cmd}, nil
}

func (w *watchdog) watch(group int) error {
	_, err := fmt.Fprintf(w.in, "group %d\n", group)
	if err != nil {
		return fmt.Errorf("the kernel's watchdog has ended: %w", err)
	}
	return nil
}

// end lets it do its work and waits for it.
func (w *watchdog) end() {
	w.in.Close()
	done := make(chan struct{})
	go func() { w.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		w.cmd.Process.Signal(os.Kill)
	}
}
