// Package cli reads the command lines of the training tasks, the reference's flags and this library's own, into
// [task.Options]. The command lxmert and the notebooks' resident session both start runs through it, so a run that one of
// them started can be resumed by the other.
package cli
