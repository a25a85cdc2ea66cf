//go:build cgo && linux

// Package cmalloctest lets Go's tests, which cannot call C, allocate as C does.
package cmalloctest

/*
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *aligned(size_t a, size_t n) {
	void *p = NULL;
	errno = posix_memalign(&p, a, n);
	return p;
}
static atomic_int ended;

static void *allocate(void *unused) {
	while (!ended) {
		free(malloc(300000));
	}
	return unused;
}

// forks forks n times while other threads allocate. Each child allocates and ends. It returns how many did so as they should.
static int forks(int n) {
	pthread_t threads[3];
	int good = 0;
	ended = 0;
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, allocate, NULL);
	for (int i = 0; i < n; i++) {
		pid_t child = fork();
		if (child == 0) {
			alarm(60); // ends a child that waits for a lock
			for (int k = 1; k <= 20; k++) {
				char *p = malloc(k * 200000);
				if (p == NULL)
					_exit(1);
				memset(p, 1, k * 200000);
				free(p);
			}
			_exit(0);
		}
		int status = 1;
		good += child > 0 && waitpid(child, &status, 0) == child && status == 0;
	}
	ended = 1;
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	return good;
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

// Forks forks n times while threads allocate, and returns how many children could allocate, too.
func Forks(n int) int { return int(C.forks(C.int(n))) }
