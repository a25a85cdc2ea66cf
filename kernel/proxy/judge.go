package proxy

import "strings"

// This file says how a cell has ended, by the reply of GoNB, and what is kept of it.

// judge says whether GoNB's reply is a failure, and keeps what a cell declares that has ended well.
func (k *kernel) judge(e *execution, reply *message) *failure {
	var c struct {
		Status string   `json:"status"`
		Count  int      `json:"execution_count"`
		Name   string   `json:"ename"`
		Value  string   `json:"evalue"`
		Trace  []string `json:"traceback"`
	}
	if err := reply.read(&c); err != nil {
		return &failure{"kernel", err.Error(), nil}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	k.declared.remove(e.removals)
	if c.Count > 0 && e.ask.stores() {
		k.declared.number(c.Count, e.count)
	}
	f := k.failureOf(e, c.Status, c.Value, c.Trace)
	switch {
	case f == nil:
		k.declared.add(e.cell, e.count)
	case c.Status == "ok" || hasRun(c.Value):
		if text := k.declared.takeBack(e.cell); text != "" {
			if len(f.trace) == 0 { // without any, front ends show the name and the value
				f.trace = []string{f.name + ": " + f.value}
			}
			f.trace = append(f.trace, text)
		}
	}
	return f
}

// hasRun says whether a cell has been compiled, by what GoNB says of its failure.
func hasRun(value string) bool {
	return exitText.MatchString(value) || strings.HasPrefix(value, "failed to start to execute")
}

// failureOf says why a cell has failed, nil if it has not. The execution's lock is held.
func (k *kernel) failureOf(e *execution, status, value string, trace []string) *failure {
	switch {
	case e.killed != "":
		text := "the cell was interrupted, and killed because " + e.killed
		return &failure{"interrupted", text, []string{complaint{message: text}.shown()}}
	case e.interrupted > 0 && (status != "ok" || e.stopped):
		if reason := e.reason(); reason != "" {
			return &failure{"interrupted", reason, []string{complaint{message: reasonMark + reason}.shown()}}
		}
		return &failure{"interrupted", "the cell was interrupted", nil}
	case status == "ok":
		k.release(e)
		return nil
	case exitText.MatchString(value):
		return k.explainExit(e, value)
	}
	return k.explainErrors(e, value, trace)
}
