//go:build cgo && linux

package cmalloc

// #cgo LDFLAGS: -ldl -lpthread
// #include "pool_linux.h"
import "C"

// Off says why there is no pool: the system's C library, the environment, or how the system counts memory.
func Off() string { return C.GoString(C.pool_off()) }

// Trim has glibc give back to the system what it holds in small blocks that are free: compiling a program leaves tens of
// megabytes of them in the heap of each thread that took part. It takes some 20 ms
// after compiling the published model.
func Trim() { C.pool_trim() }
