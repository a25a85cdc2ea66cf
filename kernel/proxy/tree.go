package proxy

// process is one process of the machine.
type process struct {
	pid, parent, group, session int
	name                        string
}

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
