#ifndef LXMERT_PJRTTABLE_H
#define LXMERT_PJRTTABLE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// PJRT's interface for plugins, as much of it as is used here; a test compares it with the header that go-xla has. Within
// version 0 fields and functions are only added, at the end. (Go's build cache does not see when a header of another package
// changes; whoever changes this one builds with -a.)

typedef struct pjrt_failure pjrt_failure;

typedef struct {
	size_t size;
	void *extensions;
	char *code;
	size_t code_size;
	const char *format;
	size_t format_size;
} pjrt_program;

typedef struct {
	size_t size;
	void *extensions;
	void *client;
	const pjrt_program *program;
	const char *options;
	size_t options_size;
	void *loaded;
} pjrt_compile_args;

typedef struct {
	size_t size;
	void *extensions;
	void *client;
	const char *bytes;
	size_t bytes_size;
	void *loaded;
	const char *options; // NULL: those in bytes
	size_t options_size;
} pjrt_load_args;

typedef struct {
	size_t size;
	void *extensions;
	void *executable;
	const char *bytes;
	size_t bytes_size;
	void *owner;
	void (*free)(void *owner);
} pjrt_serialize_args;

typedef struct {
	size_t size;
	void *extensions;
	void *executable;
	void *options;
	void *const *const *arguments;
	size_t devices;
	size_t arguments_size;
	void **const *outputs;
	void **complete; // an event for each device; NULL: nobody is told
	void *device;
} pjrt_execute_args;

typedef struct {
	int64_t value;
	bool is_set;
} pjrt_figure;

typedef struct {
	size_t size;
	void *extensions;
	void *client;
	const void *data;
	int type;
	const int64_t *dims;
	size_t dims_size;
	const int64_t *strides;
	size_t strides_size;
	int semantics; // until when the plugin may read data
	void *device;
	void *memory;
	void *layout;
	void *done;
	void *buffer;
} pjrt_upload_args;

enum { pjrt_only_during_call = 0 }; // of semantics

typedef struct {
	size_t size;
	void *extensions;
	void *device;
	int64_t in_use;
	pjrt_figure peak, allocations, largest, limit, reserved, peak_reserved, reservable, free_block, pool, peak_pool;
} pjrt_memory_args;

enum { pjrt_memory_size = offsetof(pjrt_memory_args, peak_pool.is_set) + sizeof(bool) };

// pjrt_pair_args are those of functions that go from one thing to another, or destroy one.
typedef struct {
	size_t size;
	void *extensions;
	void *from;
	void *to;
} pjrt_pair_args;

enum { pjrt_destroy_size = offsetof(pjrt_pair_args, to) };

typedef struct {
	size_t size;
	void *extensions;
	struct {
		size_t size;
		void *extensions;
		int major, minor;
	} version;
	pjrt_failure *(*functions[])(void *);
} pjrt_table;

typedef struct {
	size_t size;
	void *extensions;
	const pjrt_failure *failure;
	const char *text; // as long as the failure is there
	size_t text_size;
} pjrt_message_args;

typedef struct {
	size_t size;
	void *extensions;
	const char *name;
	size_t name_size;
	int type;
	union {
		const char *text;
		int64_t number;
	};
	size_t value_size; // of a text its length, of a number 1
} pjrt_named;

enum { pjrt_text = 0, pjrt_number = 1 }; // of type

typedef struct {
	size_t size;
	void *extensions;
	const pjrt_named *options;
	size_t options_size;
} pjrt_client_args; // as it begins

typedef struct {
	size_t size;
	void *extensions;
	const char *name;
	size_t name_size;
	const pjrt_named *options;
	size_t options_size;
	void *topology;
} pjrt_topology_args;

typedef struct {
	size_t size;
	void *extensions;
	const void *topology;
	const pjrt_program *program;
	const char *options;
	size_t options_size;
	void *client;
	void *executable;
} pjrt_ahead_args;

typedef struct {
	size_t size;
	void *extensions;
	void *executable;
	int64_t code, arguments, outputs, aliased, temporary;
	int64_t on_host[5];
	int64_t peak, total, total_allocations, indefinite, peak_unpadded;
} pjrt_need_args;

// The places of functions in the table.
enum { pjrt_error_destroy = 0, pjrt_error_message = 1, pjrt_client = 10, pjrt_compile = 20, pjrt_upload = 22, pjrt_memory = 34, pjrt_executable_destroy = 40, pjrt_serialize = 49, pjrt_get_executable = 51, pjrt_execute = 55, pjrt_load = 56, pjrt_topology = 82, pjrt_ahead = 89, pjrt_need = 96 };

// pjrt_forget destroys a failure that nobody is to hear of.
static inline void pjrt_forget(const pjrt_table *t, pjrt_failure *f) {
	pjrt_pair_args args = {pjrt_destroy_size, NULL, f};
	t->functions[pjrt_error_destroy](&args);
}

// pjrt_has says whether a table is of the known version and has the function.
static inline bool pjrt_has(const pjrt_table *t, int function) {
	return t->version.major == 0 && t->size >= offsetof(pjrt_table, functions) + (function + 1) * sizeof t->functions[0] && t->functions[function];
}

// pjrt_copy returns a copy of a table, which stays; NULL where the table is of another version, ends before the function
// last, or there is no memory.
static inline pjrt_table *pjrt_copy(const pjrt_table *t, int last) {
	if (!pjrt_has(t, last))
		return NULL;
	pjrt_table *copy = malloc(t->size);
	if (copy)
		memcpy(copy, t, t->size);
	return copy;
}

#endif
