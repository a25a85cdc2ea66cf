//go:build cgo && linux

// Package cmalloctest lets Go's tests, which cannot call C, allocate as C does.
package cmalloctest

/*
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

static void *aligned(size_t a, size_t n) {
	void *p = NULL;
	errno = posix_memalign(&p, a, n);
	return p;
}
*/
import "C"

import (
	"unsafe"

	_ "github.com/seed-516990b0/golxmert/lxmert/internal/cmalloc" // what is tested
)

// Malloc is C's malloc.
func Malloc(n int) unsafe.Pointer { return C.malloc(C.size_t(n)) }

// Calloc is C's calloc for n bytes.
func Calloc(n int) unsafe.Pointer { return C.calloc(C.size_t(n), 1) }

// Free is C's free.
func Free(p unsafe.Pointer) { C.free(p) }

// Realloc is C's realloc.
func Realloc(p unsafe.Pointer, n int) unsafe.Pointer { return C.realloc(p, C.size_t(n)) }

// Aligned is C's posix_memalign.
func Aligned(align, n int) (unsafe.Pointer, error) {
	p, err := C.aligned(C.size_t(align), C.size_t(n))
	return p, err
}

// Usable is C's malloc_usable_size.
func Usable(p unsafe.Pointer) int { return int(C.malloc_usable_size(p)) }
