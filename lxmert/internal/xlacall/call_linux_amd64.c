#define _GNU_SOURCE
#include <dlfcn.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "compute.h"
#include "call.h"

// XLA's interface for functions that compiled programs call (xla/ffi/api/c_api.h, version 0.1, which later ones keep), as
// much of it as is used here.

typedef struct extension {
	size_t size;
	int type;
	struct extension *next;
} extension;

typedef struct {
	size_t size;
	extension *extensions;
	int type;
	void *data;
	int64_t rank, *dims;
} buffer;

typedef struct {
	size_t size;
	extension *extensions;
	int64_t count;
	int *types;
	void **items;
} buffers;

typedef struct {
	int type;
	size_t count;
	void *data;
} array;

typedef struct {
	size_t size;
	extension *extensions;
	int64_t count;
	int *types;
	void **names;
	void **items;
} attributes;

typedef struct {
	size_t size;
	extension *extensions;
	int major, minor;
} version;

typedef struct {
	size_t size;
	version api;
	uint32_t traits;
} metadata;

typedef struct {
	extension base;
	metadata *metadata;
} metadata_extension;

typedef struct failure failure;
typedef struct context context;

typedef struct {
	size_t size;
	extension *extensions;
	const char *message;
	int code;
} failure_args;

typedef struct {
	size_t size;
	extension *extensions;
	failure *failure;
} destroy_args;

typedef struct {
	size_t size;
	extension *extensions;
	context *context;
	void (*task)(void *);
	void *data;
} schedule_args;

typedef struct {
	size_t size;
	extension *extensions;
	context *context;
	int64_t *threads;
} threads_args;

typedef struct {
	size_t size;
	extension *extensions;
	version version;
	void *internal;
	failure *(*failure_create)(failure_args *);
	void *failure_message;
	void (*failure_destroy)(destroy_args *);
	void *not_used[8];
	failure *(*schedule)(schedule_args *);
	failure *(*threads)(threads_args *);
} api;

typedef struct {
	size_t size;
	extension *extensions;
	const api *api;
	context *context;
	int stage;
	buffers args, results;
	attributes attributes;
} call;

enum { metadata_type = 1, execute = 3, array_type = 1, s64 = 5, invalid_argument = 3, resource_exhausted = 8 };

static failure *fail(const call *c, int code, const char *message) {
	failure_args args = {sizeof args, NULL, message, code};
	return c->api->failure_create(&args);
}

// failed says whether there is a failure, and forgets it.
static int failed(const call *c, failure *f) {
	if (!f)
		return 0;
	destroy_args args = {sizeof args, NULL, f};
	c->api->failure_destroy(&args);
	return 1;
}

// work is what a call computes, in units.
typedef struct {
	union {
		struct {
			product product;
			product_units units;
		};
		rows rows;
	};
	void (*unit)(const void *work, int64_t i);
	int64_t count;
} work;

static void unit_of_product(const void *w, int64_t i) { product_unit(&((const work *)w)->product, &((const work *)w)->units, i); }

static void unit_of_rows(const void *w, int64_t i) { rows_unit(&((const work *)w)->rows, i); }

// A job is shared by the thread that was called and by tasks on XLA's threads. Whoever is last frees it: a task may start
// long after all is done.
typedef struct {
	work work;
	atomic_llong next, done;
	atomic_int holders;
} job;

static void job_release(job *j) {
	if (atomic_fetch_sub(&j->holders, 1) == 1)
		free(j);
}

static void job_work(job *j) {
	if (j->work.unit == unit_of_product && !product_ready())
		return;
	for (long long i; (i = atomic_fetch_add(&j->next, 1)) < j->work.count;) {
		j->work.unit(&j->work, i);
		atomic_fetch_add(&j->done, 1);
	}
}

static void job_task(void *data) {
	job_work(data);
	job_release(data);
}

static int64_t threads_of(const call *c) {
	int64_t threads = 1;
	threads_args ask = {sizeof ask, NULL, c->context, &threads};
	return failed(c, c->api->threads(&ask)) ? 1 : threads;
}

static failure *no_memory(const call *c) { return fail(c, resource_exhausted, "golxmert: no memory for a step of a program"); }

// compute computes all units.
static failure *compute(const call *c, const work *w) {
	if (w->count == 1) {
		w->unit(w, 0);
		return NULL;
	}
	job *j = malloc(sizeof *j);
	if (!j)
		return no_memory(c);
	j->work = *w;
	atomic_init(&j->next, 0);
	atomic_init(&j->done, 0);
	atomic_init(&j->holders, 1);
	int64_t helpers = threads_of(c) - 1;
	for (int64_t i = 0; i < helpers && i < w->count - 1; i++) {
		atomic_fetch_add(&j->holders, 1);
		schedule_args args = {sizeof args, NULL, c->context, job_task, j};
		if (failed(c, c->api->schedule(&args))) {
			job_release(j);
			break;
		}
	}
	job_work(j);
	// What others have begun takes no longer than one part.
	for (int i = 0; atomic_load(&j->done) < w->count; i++)
		if (i < 1 << 14)
			__builtin_ia32_pause();
		else
			sched_yield();
	job_release(j);
	return NULL;
}

// has_work is 0 for calls that prepare others, of which it answers the one that asks which version of the interface a
// function is for.
static int has_work(call *c) {
	if (!c->extensions || c->extensions->type != metadata_type)
		return c->stage == execute;
	// A version is the caller's own or nothing; what is used here is the same in all of version 0.
	metadata *m = ((metadata_extension *)c->extensions)->metadata;
	m->api.major = 0;
	m->api.minor = c->api->version.minor;
	m->traits = 0;
	return 0;
}

// numbers_of are a call's, NULL if it has other arguments than it should.
static const int64_t *numbers_of(const call *c, int64_t arguments, size_t count) {
	const array *numbers = c->attributes.count == 1 && c->attributes.types[0] == array_type ? c->attributes.items[0] : NULL;
	if (c->args.count != arguments || c->results.count != 1 || !numbers || numbers->type != s64 || numbers->count != count)
		return NULL;
	return numbers->data;
}

static void *data_of(const buffers *b, int i) { return ((buffer *)b->items[i])->data; }

static failure *other_arguments(const call *c) {
	return fail(c, invalid_argument, "golxmert: a step of a program was called with other arguments than its own");
}

static failure *multiply(call *c) {
	if (!has_work(c))
		return NULL;
	const int64_t *numbers = numbers_of(c, 2, product_numbers);
	if (!numbers)
		return other_arguments(c);
	work w = {.unit = unit_of_product};
	memcpy(&w.product, numbers, product_numbers * sizeof(int64_t));
	w.product.a = data_of(&c->args, 0);
	w.product.b = data_of(&c->args, 1);
	w.product.c = data_of(&c->results, 0);
	if (!product_ready())
		return no_memory(c);
	w.units = product_split(&w.product, threads_of(c));
	w.count = w.units.count;
	return compute(c, &w);
}

// each computes rows whose count and size are the first numbers.
static failure *each(call *c, rows r, const int64_t *numbers) {
	r.count = numbers[0];
	r.size = numbers[1];
	r.x = data_of(&c->args, 0);
	r.y = data_of(&c->results, 0);
	work w = {.rows = r, .unit = unit_of_rows, .count = rows_units(&r)};
	return compute(c, &w);
}

static failure *softmax(call *c) {
	if (!has_work(c))
		return NULL;
	const int64_t *numbers = numbers_of(c, 1, 2);
	return numbers ? each(c, (rows){0}, numbers) : other_arguments(c);
}

static failure *normalize(call *c) {
	if (!has_work(c))
		return NULL;
	const int64_t *numbers = numbers_of(c, 3, 3);
	if (!numbers)
		return other_arguments(c);
	rows r = {.weight = data_of(&c->args, 1), .bias = data_of(&c->args, 2)};
	int32_t bits = numbers[2];
	memcpy(&r.epsilon, &bits, sizeof bits);
	return each(c, r, numbers);
}

// PJRT's interface for plugins, as much of it as is used here.

typedef struct {
	size_t size;
	extension *extensions;
} pjrt;

typedef struct {
	size_t size;
	const char *name;
	size_t name_size;
	void *handler;
	const char *platform;
	size_t platform_size;
	int traits;
} register_args;

typedef struct {
	extension base;
	void *not_used[2];
	void *(*register_handler)(register_args *);
} ffi_extension;

enum { ffi_type = 5 };

const char *calls_register(const char *plugin) {
	void *library = dlopen(plugin, RTLD_NOW | RTLD_NOLOAD);
	if (!library)
		return "the plugin is not loaded";
	const pjrt *(*get)(void) = (const pjrt *(*)(void))dlsym(library, "GetPjrtApi");
	dlclose(library);
	if (!get)
		return "the plugin has no GetPjrtApi";
	const extension *e = get()->extensions;
	while (e && e->type != ffi_type)
		e = e->next;
	if (!e || e->size < sizeof(ffi_extension))
		return "the plugin's programs cannot call functions";
	static const char platform[] = "Host";
	static const struct {
		const char *name;
		failure *(*function)(call *);
	} all[] = {{call_product, multiply}, {call_softmax, softmax}, {call_normalize, normalize}};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		register_args args = {sizeof args, all[i].name, strlen(all[i].name), all[i].function, platform, sizeof platform - 1, 0};
		if (((const ffi_extension *)e)->register_handler(&args))
			return "the plugin refuses the functions";
	}
	return NULL;
}
