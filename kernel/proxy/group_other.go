//go:build !linux

package proxy

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// clock: when processes began is not read.
func clock() uint64 { return 0 }

func writersTo(int, []process) []process { return nil }

func groupAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// processes lists all processes of the machine that can be seen.
func processes() []process {
	out, err := exec.Command("ps", "-axo", "pid=,ppid=,pgid=,sess=,stat=,comm=").Output()
	if err != nil {
		return nil
	}
	var ps []process
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		if len(words) < 6 || strings.HasPrefix(words[4], "Z") {
			continue
		}
		p := process{name: filepath.Base(strings.Join(words[5:], " "))}
		for i, into := range []*int{&p.pid, &p.parent, &p.group} {
			*into, _ = strconv.Atoi(words[i])
		}
		ps = append(ps, p)
	}
	return ps
}
