//go:build !linux || !cgo

package backend

// HugePages does nothing here: it is about glibc on Linux.
func HugePages() {}
