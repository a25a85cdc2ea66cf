package install

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Process is a running program of an installation.
type Process struct {
	PID  int
	Name string // "jupyter", "kernel run", "kernel session", "gonb", "gopls", …
	// Orphan says that it belongs to a kernel, or is one, and that what started it has ended.
	Orphan bool
}

// Processes lists what runs from an installation, where the system tells (Linux).
func Processes(p Place) []Process { return processesIn("/proc", p) }

func processesIn(proc string, p Place) []Process {
	entries, err := os.ReadDir(proc)
	if err != nil {
		return nil
	}
	var list []Process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		text, err := os.ReadFile(filepath.Join(proc, e.Name(), "cmdline"))
		if err != nil {
			continue // it has ended meanwhile, or is somebody else's
		}
		name := p.nameOf(strings.Split(strings.TrimRight(string(text), "\x00"), "\x00"))
		if name == "" {
			continue
		}
		child := name == "kernel run" || name == "gonb" || name == "gopls"
		list = append(list, Process{PID: pid, Name: name, Orphan: child && adopted(proc, parentOf(proc, pid))})
	}
	slices.SortFunc(list, func(a, b Process) int { return a.PID - b.PID })
	return list
}

// nameOf says which program of the installation a command line runs; "": none. Scripts of the Python environment have
// their interpreter before them.
func (p Place) nameOf(argv []string) string {
	for i := range min(2, len(argv)) {
		inside, err := filepath.Rel(p.Dir, argv[i])
		if err != nil || !filepath.IsLocal(inside) {
			continue
		}
		name := filepath.Base(inside)
		switch {
		case strings.HasPrefix(name, "python"):
			continue
		case strings.HasPrefix(name, "jupyter"):
			return "jupyter"
		case name == "kernel" && len(argv) > i+1:
			return name + " " + argv[i+1]
		}
		return name
	}
	return ""
}

func parentOf(proc string, pid int) int {
	text, err := os.ReadFile(filepath.Join(proc, strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0
	}
	// The name before may hold anything, parentheses too.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 2 {
		return 0
	}
	parent, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return parent
}

// adopted says whether a parent is one that takes in processes whose own has ended. In a container, Jupyter may be the
// first process.
func adopted(proc string, parent int) bool {
	name, err := os.ReadFile(filepath.Join(proc, strconv.Itoa(parent), "comm"))
	if err != nil || parent != 1 && strings.TrimSpace(string(name)) != "systemd" {
		return false
	}
	text, err := os.ReadFile(filepath.Join(proc, strconv.Itoa(parent), "cmdline"))
	return err == nil && !strings.Contains(string(text), "jupyter")
}
