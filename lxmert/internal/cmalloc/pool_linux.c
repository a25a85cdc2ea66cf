#define _GNU_SOURCE
#include <features.h>
#include "pool_linux.h"
#if defined(__GLIBC__) && __SIZEOF_POINTER__ == 8
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

// The package comment says what this is for. Large blocks are spans of granules in one range of addresses, of which only
// what was once in use has memory. The smallest free span that is large enough is taken, and what is left of it stays free;
// neighbours that are free become one. What is known about spans lies beside the range, not in it.

extern void *__libc_malloc(size_t);
extern void *__libc_memalign(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void __libc_free(void *);

enum {
	large = 1 << 17,         // bytes; smaller blocks are glibc's
	granule_shift = 14,
	granule = 1 << granule_shift, // bytes; also the largest alignment
	range_shift = 38,        // bytes of addresses: 256 GB
	idle_seconds = 30,
};

static const uint32_t granules = (uint32_t)1 << (range_shift - granule_shift);

// A span is known by its first granule. Its last one has the same count and state, for the neighbour after it.
typedef struct {
	uint32_t count;          // granules
	uint32_t next, before;   // in the ring of free spans
	uint8_t is_first;        // whether this is a first granule: of those inside of spans, all else is stale
	uint8_t is_free;
	uint8_t is_cold;         // free, and nothing of it has memory
} span;

static char *base;                // of the range; NULL: there is no pool
static span *spans;               // one for each granule; spans[0], before the first granule, is where the ring of free ones begins
static uint32_t end = 1;          // after the last span
static uint64_t calls;            // of take and give
static uint64_t warm;             // granules of free spans that are not cold
static int has_idle;              // the thread
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // of all of these
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static char *address_of(uint32_t s) { return base + ((size_t)(s - 1) << granule_shift); }

static uint32_t span_at(const void *p) { return (uint32_t)(((uintptr_t)p - (uintptr_t)base) >> granule_shift) + 1; }

static int is_pooled(const void *p) { return base != NULL && (uintptr_t)p - (uintptr_t)base < (size_t)1 << range_shift; }

static void mark(uint32_t s, uint32_t count, int is_free, int is_cold) {
	span *last = &spans[s + count - 1];
	spans[s].is_first = 1;
	spans[s].count = last->count = count;
	spans[s].is_free = last->is_free = is_free;
	spans[s].is_cold = last->is_cold = is_cold;
}

static void add_free(uint32_t s, uint32_t count, int is_cold) {
	mark(s, count, 1, is_cold);
	spans[s].next = spans[0].next;
	spans[s].before = 0;
	spans[spans[0].next].before = s;
	spans[0].next = s;
	if (!is_cold) {
		warm += count;
	}
}

static void remove_free(uint32_t s) {
	spans[spans[s].before].next = spans[s].next;
	spans[spans[s].next].before = spans[s].before;
	if (!spans[s].is_cold) {
		warm -= spans[s].count;
	}
}

// release gives the memory of free spans back to the system.
static void release(void) {
	for (uint32_t s = spans[0].next; s != 0; s = spans[s].next) {
		if (!spans[s].is_cold && madvise(address_of(s), (size_t)spans[s].count << granule_shift, MADV_DONTNEED) == 0) {
			warm -= spans[s].count;
			mark(s, spans[s].count, 1, 1);
		}
	}
}

// idle is the thread that releases what nobody has asked for in half a minute.
static void *idle(void *unused) {
	pthread_mutex_lock(&lock);
	for (;;) {
		if (warm == 0) {
			pthread_cond_wait(&changed, &lock);
		} else {
			uint64_t seen = calls;
			struct timespec until;
			clock_gettime(CLOCK_REALTIME, &until);
			until.tv_sec += idle_seconds;
			if (pthread_cond_timedwait(&changed, &lock, &until) == ETIMEDOUT && seen == calls) {
				release();
			}
		}
	}
	return unused;
}

// wake has that thread look, which is started the first time. The caller has the lock, and no longer has it afterwards.
static void wake(void) {
	int start = !has_idle;
	has_idle = 1;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
	if (!start) {
		return;
	}
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); // signals are for others
	pthread_t thread;
	if (pthread_create(&thread, NULL, idle, NULL) == 0) {
		pthread_detach(thread);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

// take returns a block of at least n bytes whose address is a multiple of a, or NULL where glibc has to serve.
static void *take(size_t a, size_t n) {
	if (base == NULL || n < large || a > granule || n > (size_t)1 << range_shift) {
		return NULL;
	}
	uint32_t count = (uint32_t)((n + granule - 1) >> granule_shift);
	pthread_mutex_lock(&lock);
	calls++;
	uint32_t best = 0;
	for (uint32_t s = spans[0].next; s != 0; s = spans[s].next) {
		if (spans[s].count >= count && (best == 0 || spans[s].count < spans[best].count || (spans[s].count == spans[best].count && s < best))) {
			best = s;
		}
	}
	if (best == 0) {
		// The range has to grow. So that memory does not grow with it, free spans, all too small, lose theirs.
		release();
		best = end;
		if (spans[end - 1].is_free) {
			best = end - spans[end - 1].count;
		}
		if (count > granules - (best - 1)) {
			pthread_mutex_unlock(&lock);
			return NULL;
		}
		if (best != end) {
			remove_free(best);
		}
		end = best + count;
	} else {
		uint32_t left = spans[best].count - count;
		remove_free(best);
		if (left > 0) {
			add_free(best + count, left, spans[best].is_cold);
		}
	}
	mark(best, count, 0, 0);
	pthread_mutex_unlock(&lock);
	return address_of(best);
}

// stop ends the process, as glibc does where its heap is misused.
static void stop(const char *why) {
	if (write(STDERR_FILENO, why, strlen(why)) < 0) {
		// There is nobody to tell.
	}
	abort();
}

// begins says that a span begins at p; the caller has the lock.
static int begins(const void *p, uint32_t s) { return s < end && spans[s].is_first && p == address_of(s); }

static void give(void *p) {
	uint32_t s = span_at(p);
	pthread_mutex_lock(&lock);
	int was_free = begins(p, s);
	if (!was_free || spans[s].is_free) {
		// A block that was given back before it may have become part of the free span before it.
		for (uint32_t f = spans[0].next; f != 0 && !was_free; f = spans[f].next) {
			was_free = s > f && s < f + spans[f].count && p == address_of(s);
		}
		pthread_mutex_unlock(&lock); // abort may run what allocates
		stop(was_free ? "free(): double free detected in pool\n" : "free(): invalid pointer\n");
	}
	calls++;
	uint32_t count = spans[s].count;
	if (s + count < end && spans[s + count].is_free) {
		uint32_t behind = s + count;
		remove_free(behind);
		spans[behind].is_first = 0;
		count += spans[behind].count;
	}
	if (spans[s - 1].is_free) {
		spans[s].is_first = 0;
		s -= spans[s - 1].count;
		remove_free(s);
		count += spans[s].count;
	}
	int first = warm == 0;
	add_free(s, count, 0);
	if (first || !has_idle) {
		wake();
	} else {
		pthread_mutex_unlock(&lock);
	}
}

void *malloc(size_t n) {
	void *p = take(1, n);
	return p != NULL ? p : __libc_malloc(n);
}

void free(void *p) {
	if (!is_pooled(p)) {
		__libc_free(p);
		return;
	}
	int before = errno;
	give(p);
	errno = before;
}

void *memalign(size_t a, size_t n) {
	void *p = take(a, n);
	return p != NULL ? p : __libc_memalign(a, n);
}

void *aligned_alloc(size_t a, size_t n) { return memalign(a, n); }

int posix_memalign(void **p, size_t a, size_t n) {
	if (a % sizeof(void *) != 0 || a == 0 || (a & (a - 1)) != 0) {
		return EINVAL;
	}
	int before = errno;
	void *b = memalign(a, n);
	errno = before;
	if (b == NULL) {
		return ENOMEM;
	}
	*p = b;
	return 0;
}

size_t malloc_usable_size(void *p) {
	if (is_pooled(p)) {
		return (size_t)spans[span_at(p)].count << granule_shift;
	}
	size_t (*glibc)(void *) = (size_t(*)(void *))dlsym(RTLD_NEXT, "malloc_usable_size");
	return glibc != NULL ? glibc(p) : 0;
}

void *realloc(void *p, size_t n) {
	if (p == NULL) {
		return malloc(n);
	}
	if (!is_pooled(p)) {
		return __libc_realloc(p, n);
	}
	if (n == 0) {
		free(p);
		return NULL;
	}
	pthread_mutex_lock(&lock);
	int is_live = begins(p, span_at(p)) && !spans[span_at(p)].is_free;
	pthread_mutex_unlock(&lock);
	if (!is_live) {
		stop("realloc(): invalid pointer\n");
	}
	size_t has = malloc_usable_size(p);
	if (n <= has && n > has / 2) {
		return p;
	}
	void *q = malloc(n);
	if (q != NULL) {
		memcpy(q, p, n < has ? n : has);
		free(p);
	}
	return q;
}

// is_strict says that the system counts addresses as if they were memory.
static int is_strict(void) {
	char mode = 0;
	int f = open("/proc/sys/vm/overcommit_memory", O_RDONLY | O_CLOEXEC);
	if (f >= 0) {
		if (read(f, &mode, 1) != 1) {
			mode = 0;
		}
		close(f);
	}
	return mode == '2';
}

static void *reserve(size_t n) {
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return p != MAP_FAILED ? p : NULL;
}

// A child of fork has the thread that forked alone: nobody holds the lock there, and the thread that releases is not there.
static void before_fork(void) { pthread_mutex_lock(&lock); }

static void in_parent(void) { pthread_mutex_unlock(&lock); }

static void in_child(void) {
	pthread_mutex_init(&lock, NULL);
	pthread_cond_init(&changed, NULL);
	has_idle = 0;
}

static const char *off = "";

// Before the first block, so not from Go.
__attribute__((constructor)) static void begin(void) {
	const char *pool = getenv("GOLXMERT_POOL");
	if (pool != NULL && strcmp(pool, "0") == 0) {
		off = "GOLXMERT_POOL=0";
		return;
	}
	if (is_strict()) {
		off = "the system counts addresses as memory, vm.overcommit_memory=2";
		return;
	}
	spans = reserve(((size_t)granules + 1) * sizeof(span));
	char *range = spans != NULL ? reserve((size_t)1 << range_shift) : NULL;
	if (range == NULL || pthread_atfork(before_fork, in_parent, in_child) != 0) {
		off = "the process may not have that many addresses";
		return;
	}
	madvise(range, (size_t)1 << range_shift, MADV_HUGEPAGE); // where the system gives them to those that ask
	base = range;
}

void pool_trim(void) { malloc_trim(0); }

const char *pool_off(void) { return off; }
#else
void pool_trim(void) {}

const char *pool_off(void) { return "it is written for glibc"; }
#endif
