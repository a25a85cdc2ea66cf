//go:build !cgo || !linux

package backend

// preload does nothing: CUDA plugins are there for Linux only.
func preload(string) {}
