#define _GNU_SOURCE
#include <features.h>
#if defined(__GLIBC__) && __SIZEOF_POINTER__ == 8
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// The package comment says what this is for. Blocks come in classes of one size each, two to a doubling, and every class
// has a gigabyte of addresses of its own, of which only what was once in use has memory. A block's class follows from its
// address, which also tells pooled blocks from glibc's. A thread keeps a few free blocks of each class; what it has too
// many of, and what it leaves behind, goes to a list for all. Nobody waits for that list while another thread holds it,
// and where a class is used up glibc serves.

extern void *__libc_malloc(size_t);
extern void *__libc_memalign(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void __libc_free(void *);

enum {
	alignment = 1 << 12,      // the largest, bytes
	smallest_shift = 7,       // the first class has 128 bytes
	largest = 1 << 20,        // the last class, bytes
	classes = 27,             // 128, 192, 256, 384, ... 1 MB
	class_shift = 30,         // addresses of a class: 1 GB
	kept = 1 << 18,           // bytes of a class that a thread keeps at least before it shares
	from_malloc = 1 << 10,    // bytes; malloc's smaller blocks come quickly from glibc's own cache
};

static const uintptr_t reserved = (uintptr_t)classes << class_shift;

typedef struct block {
	struct block *next;
} block;

typedef struct {
	block *first;
	size_t n;
} list;

static char *base;                     // of the addresses; NULL: there is no pool
static _Atomic size_t used[classes];   // bytes of each class that were ever handed out
static block *shared[classes];         // guarded by busy
static atomic_flag busy[classes];
static __thread list mine[classes];
static __thread int registered;        // share_all is called when this thread ends
static pthread_key_t at_exit;

static size_t size_of(int class) {
	size_t power = (size_t)1 << (smallest_shift + class / 2);
	return class % 2 ? power + power / 2 : power;
}

// class_of is the first class whose blocks have n bytes, for n <= largest.
static int class_of(size_t n) {
	if (n <= (size_t)1 << smallest_shift) {
		return 0;
	}
	int shift = 63 - __builtin_clzl(n - 1); // 2^shift < n <= 2^(shift+1)
	return 2 * (shift - smallest_shift) + (n > ((size_t)3 << (shift - 1)) ? 2 : 1);
}

static int is_pooled(const void *p) { return (uintptr_t)p - (uintptr_t)base < reserved && base != NULL; }

static int class_at(const void *p) { return ((uintptr_t)p - (uintptr_t)base) >> class_shift; }

static int enter(int class) { return !atomic_flag_test_and_set_explicit(&busy[class], memory_order_acquire); }

static void leave(int class) { atomic_flag_clear_explicit(&busy[class], memory_order_release); }

// share gives all but keep of this thread's blocks to everybody.
static void share(int class, size_t keep) {
	list *l = &mine[class];
	if (l->n <= keep || !enter(class)) {
		return;
	}
	while (l->n > keep) {
		block *b = l->first;
		l->first = b->next;
		l->n--;
		b->next = shared[class];
		shared[class] = b;
	}
	leave(class);
}

static void share_all(void *unused) {
	for (int class = 0; class < classes; class++) {
		while (mine[class].n > 0) {
			share(class, 0);
			sched_yield();
		}
	}
	registered = 0;
}

// most is how many free blocks of a class a thread keeps.
static size_t most(int class) { return 8 + kept / size_of(class); }

// take returns a block of at least n bytes whose address is a multiple of a, or NULL where glibc has to serve.
static void *take(size_t a, size_t n) {
	if (base == NULL || a == 0 || a > alignment || n > largest) {
		return NULL;
	}
	int class = class_of(n);
	while (size_of(class) % a != 0) {
		if (++class == classes) {
			return NULL;
		}
	}
	list *l = &mine[class];
	if (l->first == NULL && enter(class)) {
		for (size_t few = most(class) / 2; few > 0 && shared[class] != NULL; few--) {
			block *b = shared[class];
			shared[class] = b->next;
			b->next = l->first;
			l->first = b;
			l->n++;
		}
		leave(class);
	}
	if (l->first != NULL) {
		block *b = l->first;
		l->first = b->next;
		l->n--;
		return b;
	}
	size_t size = size_of(class);
	if (atomic_load_explicit(&used[class], memory_order_relaxed) + size > (size_t)1 << class_shift) {
		return NULL;
	}
	size_t at = atomic_fetch_add_explicit(&used[class], size, memory_order_relaxed);
	if (at + size > (size_t)1 << class_shift) {
		return NULL;
	}
	return base + ((size_t)class << class_shift) + at;
}

static void give(void *p) {
	int class = class_at(p);
	list *l = &mine[class];
	block *b = p;
	b->next = l->first;
	l->first = b;
	l->n++;
	if (!registered) {
		registered = 1;
		pthread_setspecific(at_exit, &registered);
	}
	if (l->n > most(class)) {
		share(class, most(class) / 2);
	}
}

void *malloc(size_t n) {
	void *p = n >= from_malloc ? take(1, n) : NULL;
	return p != NULL ? p : __libc_malloc(n);
}

void free(void *p) {
	if (is_pooled(p)) {
		give(p);
	} else {
		__libc_free(p);
	}
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
		return size_of(class_at(p));
	}
	size_t (*glibc)(void *) = (size_t(*)(void *))dlsym(RTLD_NEXT, "malloc_usable_size");
	return glibc != NULL ? glibc(p) : 0;
}

void *realloc(void *p, size_t n) {
	if (!is_pooled(p)) {
		return __libc_realloc(p, n);
	}
	if (n == 0) {
		give(p);
		return NULL;
	}
	size_t has = size_of(class_at(p));
	if (n <= has && n > has / 2) {
		return p;
	}
	void *q = malloc(n);
	if (q != NULL) {
		memcpy(q, p, n < has ? n : has);
		give(p);
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

// Both have to be said before the first thread allocates, so not from Go.
__attribute__((constructor)) static void begin(void) {
	if (getenv("MALLOC_ARENA_MAX") == NULL) {
		mallopt(M_ARENA_MAX, 1);
	}
	const char *pool = getenv("GOLXMERT_POOL");
	if ((pool != NULL && strcmp(pool, "0") == 0) || is_strict() || pthread_key_create(&at_exit, share_all) != 0) {
		return;
	}
	void *p = mmap(NULL, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p != MAP_FAILED) {
		base = p;
	}
}
#endif
