#include "../pjrttable/table.h"
#include "hook.h"

static __thread struct {
	const char *bytes;
	size_t size;
	int used, again;
} options;

void compileoption_begin(const void *bytes, size_t size) {
	options.bytes = bytes;
	options.size = size;
	options.used = 0;
	options.again = 0;
}

int compileoption_end(int *again) {
	*again = options.again;
	options.bytes = NULL;
	return options.used;
}

enum { most_plugins = 4 };

static const pjrt_table *originals[most_plugins];

static struct {
	const char *bytes;
	size_t size;
} otherwise;

void compileoption_otherwise(const void *bytes, size_t size) {
	otherwise.bytes = bytes;
	otherwise.size = size;
}

// compile_adding compiles with options added to go-xla's: two serialized messages one after the other are one with the fields of both.
static pjrt_failure *compile_adding(const pjrt_table *t, pjrt_compile_args *args, const char *bytes, size_t added) {
	const char *own = args->options;
	size_t size = args->options_size;
	char *both = malloc(size + added + 1);
	if (!both)
		return t->functions[pjrt_compile](args);
	memcpy(both, own, size);
	if (added)
		memcpy(both + size, bytes, added);
	args->options = both;
	args->options_size = size + added;
	pjrt_failure *f = t->functions[pjrt_compile](args);
	args->options = own;
	args->options_size = size;
	free(both);
	return f;
}

static void forget(const pjrt_table *t, pjrt_failure *f) {
	pjrt_pair_args args = {pjrt_destroy_size, NULL, f};
	t->functions[pjrt_error_destroy](&args);
}

// compile_with compiles with the thread's options, and where that fails once more with others on top of them.
static pjrt_failure *compile_with(int number, pjrt_compile_args *args) {
	const pjrt_table *t = originals[number];
	size_t size = options.bytes ? options.size : 0;
	pjrt_failure *first = compile_adding(t, args, options.bytes, size);
	options.used = options.bytes != NULL;
	char *both = first && otherwise.bytes ? malloc(size + otherwise.size) : NULL;
	if (!both)
		return first;
	if (size)
		memcpy(both, options.bytes, size);
	memcpy(both + size, otherwise.bytes, otherwise.size);
	pjrt_failure *second = compile_adding(t, args, both, size + otherwise.size);
	free(both);
	if (second) {
		forget(t, second);
		return first;
	}
	forget(t, first);
	options.again = 1;
	return NULL;
}

#define COMPILE(number) \
	static pjrt_failure *compile_##number(void *args) { return compile_with(number, args); }
COMPILE(0) COMPILE(1) COMPILE(2) COMPILE(3)
#undef COMPILE
static pjrt_failure *(*const compiles[most_plugins])(void *) = {compile_0, compile_1, compile_2, compile_3};

const void *compileoption_table(const void *original) {
	int number = 0;
	while (number < most_plugins && originals[number] && originals[number] != original)
		number++;
	pjrt_table *copy = number < most_plugins ? pjrt_copy(original, pjrt_compile) : NULL;
	if (!copy)
		return NULL;
	originals[number] = original;
	copy->functions[pjrt_compile] = compiles[number];
	return copy;
}
