#include "../pjrttable/table.h"
#include "hook.h"

static __thread struct {
	const char *bytes;
	size_t size;
	int used;
} options;

void compileoption_begin(const void *bytes, size_t size) {
	options.bytes = bytes;
	options.size = size;
	options.used = 0;
}

int compileoption_end(void) {
	options.bytes = NULL;
	return options.used;
}

enum { most_plugins = 4 };

static const pjrt_table *originals[most_plugins];

// Two serialized messages one after the other are one with the fields of both.
static pjrt_failure *compile_with(int number, pjrt_compile_args *args) {
	pjrt_failure *(*compile)(void *) = originals[number]->functions[pjrt_compile];
	const char *own = args->options;
	size_t size = args->options_size;
	char *both = options.bytes ? malloc(size + options.size) : NULL;
	if (!both)
		return compile(args);
	memcpy(both, own, size);
	memcpy(both + size, options.bytes, options.size);
	args->options = both;
	args->options_size = size + options.size;
	options.used = 1;
	pjrt_failure *f = compile(args);
	args->options = own;
	args->options_size = size;
	free(both);
	return f;
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
