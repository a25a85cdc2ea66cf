package proxy

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

func groupAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// processes lists all processes of the machine that can be seen.
func processes() []process {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil
	}
	var ps []process
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		text, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue // it has ended
		}
		if p, ok := parseStat(pid, string(text)); ok {
			ps = append(ps, p)
		}
	}
	return ps
}

// parseStat reads a line of /proc/PID/stat: the name is in parentheses and may hold any character.
func parseStat(pid int, text string) (process, bool) {
	from, to := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if from < 0 || to < from {
		return process{}, false
	}
	rest := strings.Fields(text[to+1:])
	if len(rest) < 20 || rest[0] == "Z" {
		return process{}, false
	}
	p := process{pid: pid, name: text[from+1 : to]}
	for i, into := range []*int{&p.parent, &p.group, &p.session} {
		n, err := strconv.Atoi(rest[1+i])
		if err != nil {
			return process{}, false
		}
		*into = n
	}
	began, err := strconv.ParseUint(rest[19], 10, 64)
	p.began = began
	return p, err == nil
}

// clock is the time since the machine's start in hundredths of a second, which is also how Linux says when a process began.
func clock() uint64 {
	text, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0
	}
	up, _, _ := strings.Cut(string(text), " ")
	n, err := strconv.ParseUint(strings.ReplaceAll(up, ".", ""), 10, 64) // it has two decimals
	if err != nil {
		return 0
	}
	return n
}

// writersTo lists who of the processes can write to a pipe from which another one reads.
func writersTo(reader int, processes []process) []process {
	pipes := map[string]bool{}
	openPipes(reader, func(pipe string, writes bool) {
		if !writes {
			pipes[pipe] = true
		}
	})
	var found []process
	for _, p := range processes {
		holds := false
		openPipes(p.pid, func(pipe string, writes bool) { holds = holds || writes && pipes[pipe] })
		if holds {
			found = append(found, p)
		}
	}
	return found
}

// openPipes calls see for each end of a pipe that a process has open.
func openPipes(pid int, see func(pipe string, writes bool)) {
	dir := "/proc/" + strconv.Itoa(pid)
	files, _ := os.ReadDir(dir + "/fd") // none: it has ended, or is another user's
	for _, f := range files {
		pipe, err := os.Readlink(dir + "/fd/" + f.Name())
		if err != nil || !strings.HasPrefix(pipe, "pipe:") {
			continue
		}
		if info, err := os.Lstat(dir + "/fd/" + f.Name()); err == nil {
			see(pipe, info.Mode()&0o200 != 0) // Linux shows in the link's mode how the file was opened
		}
	}
}
