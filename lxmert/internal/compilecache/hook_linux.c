#include <time.h>

#include "../pjrttable/table.h"
#include "hook.h"
#include "_cgo_export.h"

static const pjrt_table *originals[compilecache_plugins];

// keep gives a compiled program to the cache.
static void keep(const pjrt_table *t, int number, char *key, void *loaded) {
	pjrt_pair_args get = {sizeof get, NULL, loaded};
	pjrt_failure *f = t->functions[pjrt_get_executable](&get);
	if (f) {
		pjrt_forget(t, f);
		return;
	}
	pjrt_serialize_args s = {sizeof s, NULL, get.to};
	f = t->functions[pjrt_serialize](&s);
	if (f) {
		pjrt_forget(t, f);
	} else {
		compilecachePut(number, key, (void *)s.bytes, s.bytes_size);
		if (s.free)
			s.free(s.owner);
	}
	pjrt_pair_args destroy = {pjrt_destroy_size, NULL, get.to};
	f = t->functions[pjrt_executable_destroy](&destroy);
	if (f)
		pjrt_forget(t, f);
}

static double seconds(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}

// worth is how long compiling must take, in seconds, for a program to be kept.
static const double worth = 0.05;

static pjrt_failure *compile_through(int number, pjrt_compile_args *args) {
	const pjrt_table *t = originals[number];
	char *key = compilecacheKey(number, args->program->code, args->program->code_size, (void *)args->program->format, args->program->format_size,
		(void *)args->options, args->options_size);
	size_t size = 0;
	char *bytes = compilecacheGet(number, key, &size);
	if (bytes) {
		pjrt_load_args l = {sizeof l, NULL, args->client, bytes, size};
		pjrt_failure *f = t->functions[pjrt_load](&l);
		free(bytes);
		if (!f) {
			args->loaded = l.loaded;
			free(key);
			return NULL;
		}
		pjrt_forget(t, f);
	}
	double start = seconds();
	pjrt_failure *f = t->functions[pjrt_compile](args);
	if (!f && seconds() - start >= worth)
		keep(t, number, key, args->loaded);
	free(key);
	return f;
}

#define COMPILE(number) \
	static pjrt_failure *compile_##number(void *args) { return compile_through(number, args); }
COMPILE(0) COMPILE(1) COMPILE(2) COMPILE(3)
#undef COMPILE
static pjrt_failure *(*const compiles[compilecache_plugins])(void *) = {compile_0, compile_1, compile_2, compile_3};

const void *compilecache_table(const void *original, int number) {
	const pjrt_table *t = original;
	pjrt_table *copy = number < compilecache_plugins ? pjrt_copy(t, pjrt_load) : NULL;
	if (!copy)
		return NULL;
	if (!t->functions[pjrt_serialize] || !t->functions[pjrt_load] || !t->functions[pjrt_get_executable]) {
		free(copy);
		return NULL;
	}
	copy->functions[pjrt_compile] = compiles[number];
	originals[number] = t;
	return copy;
}
