//go:build cgo && linux

package backend

/*
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>

// XLA's CPU plugin allocates results on whichever of its threads computes them. With an arena per thread, which is glibc's
// rule, freed memory cannot serve the next thread: a training step of the published model holds 8.7 GB, with one arena
// 5.2 GB, in the same time. It has to be said before the first thread allocates, so not from Go. MALLOC_ARENA_MAX in the
// environment wins.
__attribute__((constructor)) static void one_arena(void) {
	if (getenv("MALLOC_ARENA_MAX") == NULL) {
		mallopt(M_ARENA_MAX, 1);
	}
}
#endif
*/
import "C"
