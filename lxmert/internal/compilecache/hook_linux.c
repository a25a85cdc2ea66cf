#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hook.h"
#include "_cgo_export.h"

// PJRT's interface for plugins, as much of it as is used here. Within version 0 fields and functions are only added, at the
// end.

typedef struct failure failure;

typedef struct {
	size_t size;
	void *extensions;
	char *code;
	size_t code_size;
	const char *format;
	size_t format_size;
} program;

typedef struct {
	size_t size;
	void *extensions;
	void *client;
	const program *program;
	const char *options;
	size_t options_size;
	void *loaded;
} compile_args;

typedef struct {
	size_t size;
	void *extensions;
	void *client;
	const char *bytes;
	size_t bytes_size;
	void *loaded;
	const char *options; // NULL: those in bytes
	size_t options_size;
} load_args;

typedef struct {
	size_t size;
	void *extensions;
	void *executable;
	const char *bytes;
	size_t bytes_size;
	void *owner;
	void (*free)(void *owner);
} serialize_args;

// pair_args are those of functions that go from one thing to another, or destroy one.
typedef struct {
	size_t size;
	void *extensions;
	void *from;
	void *to;
} pair_args;

enum { destroy_size = offsetof(pair_args, to) };

typedef struct {
	size_t size;
	void *extensions;
	struct {
		size_t size;
		void *extensions;
		int major, minor;
	} version;
	failure *(*functions[])(void *);
} table;

// The places of functions in the table.
enum { error_destroy = 0, compile = 20, executable_destroy = 40, serialize = 49, get_executable = 51, load = 56, used };

static const table *originals[compilecache_plugins];

static void forget(const table *t, failure *f) {
	pair_args args = {destroy_size, NULL, f};
	t->functions[error_destroy](&args);
}

// keep gives a compiled program to the cache.
static void keep(const table *t, int number, char *key, void *loaded) {
	pair_args get = {sizeof get, NULL, loaded};
	failure *f = t->functions[get_executable](&get);
	if (f) {
		forget(t, f);
		return;
	}
	serialize_args s = {sizeof s, NULL, get.to};
	f = t->functions[serialize](&s);
	if (f) {
		forget(t, f);
	} else {
		compilecachePut(number, key, (void *)s.bytes, s.bytes_size);
		if (s.free)
			s.free(s.owner);
	}
	pair_args destroy = {destroy_size, NULL, get.to};
	f = t->functions[executable_destroy](&destroy);
	if (f)
		forget(t, f);
}

static double seconds(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}

// worth is how long compiling must take, in seconds, for a program to be kept.
static const double worth = 0.05;

static failure *compile_through(int number, compile_args *args) {
	const table *t = originals[number];
	char *key = compilecacheKey(number, args->program->code, args->program->code_size, (void *)args->program->format, args->program->format_size,
		(void *)args->options, args->options_size);
	size_t size = 0;
	char *bytes = compilecacheGet(number, key, &size);
	if (bytes) {
		load_args l = {sizeof l, NULL, args->client, bytes, size};
		failure *f = t->functions[load](&l);
		free(bytes);
		if (!f) {
			args->loaded = l.loaded;
			free(key);
			return NULL;
		}
		forget(t, f);
	}
	double start = seconds();
	failure *f = t->functions[compile](args);
	if (!f && seconds() - start >= worth)
		keep(t, number, key, args->loaded);
	free(key);
	return f;
}

#define COMPILE(number) \
	static failure *compile_##number(void *args) { return compile_through(number, args); }
COMPILE(0) COMPILE(1) COMPILE(2) COMPILE(3)
#undef COMPILE
static failure *(*const compiles[compilecache_plugins])(void *) = {compile_0, compile_1, compile_2, compile_3};

const void *compilecache_table(const void *original, int number) {
	const table *t = original;
	if (number >= compilecache_plugins || t->version.major != 0 || t->size < offsetof(table, functions) + used * sizeof t->functions[0])
		return NULL;
	if (!t->functions[serialize] || !t->functions[load] || !t->functions[get_executable])
		return NULL;
	table *copy = malloc(t->size);
	if (!copy)
		return NULL;
	memcpy(copy, t, t->size);
	copy->functions[compile] = compiles[number];
	originals[number] = t;
	return copy;
}
