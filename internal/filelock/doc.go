// Package filelock keeps two processes from doing the same thing to the same folder: one holds the [Lock], the others wait
// for it or are told who has it.
//
// A lock is a file that the system has locked for a process, and lets go of when that process ends, however it ends. So a
// lock is never left over: the file may stay, and may be removed at any time. File systems without locks, as some clusters
// have, give every lock to everybody.
package filelock
