package proxy

// process is one process of the machine.
type process struct {
	pid, parent, group, session int
	name                        string
	began                       uint64 // when, in the units of [clock]; 0: not known
}

// since says whether a process is known to have begun at a time or later.
func (p process) since(began uint64) bool { return p.began > 0 && p.began >= began }

// life tells a process from another one that has its number later.
type life struct {
	pid   int
	began uint64
}

func (p process) life() life { return life{p.pid, p.began} }

// named tells a process from what it becomes when it starts to be another program.
type named struct {
	life
	name string
}

func (p process) named() named { return named{p.life(), p.name} }

// below lists who descends from a process, or is in the group that it heads, without those that have begun a session of
// their own: they mean to outlive it.
func below(root int, all []process) []process {
	children := map[int][]process{}
	session := 0
	for _, p := range all {
		children[p.parent] = append(children[p.parent], p)
		if p.pid == root {
			session = p.session
		}
	}
	var found []process
	seen := map[int]bool{root: true}
	var walk func(pid int)
	add := func(p process) {
		if !seen[p.pid] && p.session == session {
			seen[p.pid] = true
			found = append(found, p)
			walk(p.pid)
		}
	}
	walk = func(pid int) {
		for _, p := range children[pid] {
			add(p)
		}
	}
	walk(root)
	for _, p := range all {
		if p.group == root {
			add(p)
		}
	}
	return found
}
