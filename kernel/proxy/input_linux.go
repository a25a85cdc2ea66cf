package proxy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// seesReaders: Linux says in which system call a thread waits.
const seesReaders = true

func makePipe(path string) error { return syscall.Mkfifo(path, 0o600) }

// pipeAwaited says whether a process below root waits until somebody writes to a pipe.
func pipeAwaited(pipe *os.File, root int) (bool, error) {
	self, err := pipe.Stat()
	if err != nil {
		return false, err
	}
	for _, pid := range descendants(root) {
		if waits, err := waitsFor(self, pid); waits || err != nil {
			return waits, err
		}
	}
	return false, nil
}

// descendants are the processes that descend from root.
func descendants(root int) []int {
	var found []int
	for todo := []int{root}; len(todo) > 0; todo = todo[1:] {
		tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", todo[0])) // none: it has ended
		for _, task := range tasks {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", todo[0], task.Name()))
			if errors.Is(err, fs.ErrNotExist) && todo[0] == root && len(found) == 0 {
				return descendantsInList(root) // it has ended, or this kernel of Linux was built without such files
			}
			for _, word := range strings.Fields(string(text)) {
				if pid, err := strconv.Atoi(word); err == nil {
					found, todo = append(found, pid), append(todo, pid)
				}
			}
		}
	}
	return found
}

func descendantsInList(root int) []int {
	var found []int
	for _, p := range below(root, processes()) {
		found = append(found, p.pid)
	}
	return found
}

// waitsFor says whether a thread of a process waits for nothing but that a pipe be written to.
func waitsFor(pipe os.FileInfo, pid int) (bool, error) {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return false, nil // it has ended
	}
	for _, task := range tasks {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/syscall", pid, task.Name()))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			if _, err := os.Stat("/proc/self/syscall"); err != nil {
				return false, fmt.Errorf("whether a program reads: %w", err)
			}
			continue
		}
		if err != nil { // another user's
			return false, fmt.Errorf("whether a program reads: %w", err)
		}
		fd, ok := readsFrom(pid, string(text))
		if !ok {
			continue
		}
		if file, err := os.Stat(fmt.Sprintf("/proc/%d/fd/%d", pid, fd)); err == nil && os.SameFile(file, pipe) {
			return true, nil
		}
	}
	return false, nil
}

// The numbers of poll and select, which newer machines do not have.
const (
	pollAMD64   = 7
	selectAMD64 = 23
)

// readsFrom says which file a thread waits to read from, by its line of /proc/PID/task/TID/syscall: the number of the
// system call and its arguments. Of those that wait for several files it is those that wait for one.
func readsFrom(pid int, text string) (fd int, ok bool) {
	words := strings.Fields(text)
	if len(words) < 4 {
		return 0, false // it runs
	}
	var number [4]uint64
	for i := range number {
		n, err := strconv.ParseUint(words[i], 0, 64)
		if err != nil {
			return 0, false
		}
		number[i] = n
	}
	amd64 := runtime.GOARCH == "amd64"
	switch call, first, second := number[0], number[1], number[2]; {
	case call == syscall.SYS_READ, call == syscall.SYS_READV:
		return int(first), true
	case call == syscall.SYS_PPOLL, amd64 && call == pollAMD64:
		return polled(pid, first, second)
	case call == syscall.SYS_PSELECT6, amd64 && call == selectAMD64:
		return 0, first == 1 && second != 0 // below 1 there is only standard input
	}
	return 0, false
}

// polled is the file that poll waits for, if it is one: a list of count entries is at that address of the process.
func polled(pid int, address, count uint64) (fd int, ok bool) {
	if count != 1 {
		return 0, false
	}
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return 0, false
	}
	defer memory.Close()
	var entry [8]byte
	if _, err := memory.ReadAt(entry[:], int64(address)); err != nil {
		return 0, false
	}
	const readable = 1 // POLLIN
	return int(int32(binary.NativeEndian.Uint32(entry[:4]))), binary.NativeEndian.Uint16(entry[4:6])&readable != 0
}
