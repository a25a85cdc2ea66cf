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
	if len(rest) < 4 || rest[0] == "Z" {
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
	return p, true
}
