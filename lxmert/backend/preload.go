//go:build cgo && linux

package backend

// #cgo LDFLAGS: -ldl
// #include <dlfcn.h>
// #include <stdlib.h>
import "C"

import "unsafe"

// preload loads a shared library for the life of the process. A library that does not load is left to whoever needs it
// to complain about.
func preload(path string) {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	C.dlopen(name, C.RTLD_NOW|C.RTLD_LOCAL)
}
