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

// compile_adding compiles with the thread's options and others added to go-xla's: serialized messages one after the other are one with
// the fields of all.
static pjrt_failure *compile_adding(const pjrt_table *t, pjrt_compile_args *args, const char *others, size_t others_size) {
	const char *own = args->options;
	size_t own_size = args->options_size, size = options.bytes ? options.size : 0;
	char *all = malloc(own_size + size + others_size + 1);
	if (!all)
		return t->functions[pjrt_compile](args);
	memcpy(all, own, own_size);
	if (size)
		memcpy(all + own_size, options.bytes, size);
	if (others_size)
		memcpy(all + own_size + size, others, others_size);
	args->options = all;
	args->options_size = own_size + size + others_size;
	options.used = options.bytes != NULL;
	pjrt_failure *f = t->functions[pjrt_compile](args);
	args->options = own;
	args->options_size = own_size;
	free(all);
	return f;
}

// compile_with compiles, and where that fails once more with the options for that.
static pjrt_failure *compile_with(int number, pjrt_compile_args *args) {
	const pjrt_table *t = originals[number];
	pjrt_failure *first = compile_adding(t, args, NULL, 0);
	if (!first || !otherwise.bytes)
		return first;
	pjrt_failure *second = compile_adding(t, args, otherwise.bytes, otherwise.size);
	if (second) {
		pjrt_forget(t, second);
		return first;
	}
	pjrt_forget(t, first);
	options.again = 1;
	return NULL;
}

// execute_without_waiting asks for no events that say that the devices are done: go-xla waits for those that it gets before it
// returns. Whoever reads an output waits for it, and gets the error of a program that failed.
static pjrt_failure *execute_without_waiting(int number, pjrt_execute_args *args) {
	args->complete = NULL;
	return originals[number]->functions[pjrt_execute](args);
}

// upload_without_waiting has the plugin copy the host's array before it returns: go-xla waits until the plugin is done with it, which
// else is when it is on the device, behind all programs that the device has been given.
static pjrt_failure *upload_without_waiting(int number, pjrt_upload_args *args) {
	args->semantics = pjrt_only_during_call;
	return originals[number]->functions[pjrt_upload](args);
}

#define PLUGIN(number) \
	static pjrt_failure *compile_##number(void *args) { return compile_with(number, args); } \
	static pjrt_failure *execute_##number(void *args) { return execute_without_waiting(number, args); } \
	static pjrt_failure *upload_##number(void *args) { return upload_without_waiting(number, args); }
PLUGIN(0) PLUGIN(1) PLUGIN(2) PLUGIN(3)
#undef PLUGIN
static pjrt_failure *(*const compiles[most_plugins])(void *) = {compile_0, compile_1, compile_2, compile_3};
static pjrt_failure *(*const executes[most_plugins])(void *) = {execute_0, execute_1, execute_2, execute_3};
static pjrt_failure *(*const uploads[most_plugins])(void *) = {upload_0, upload_1, upload_2, upload_3};

const void *compileoption_table(const void *original) {
	int number = 0;
	while (number < most_plugins && originals[number] && originals[number] != original)
		number++;
	pjrt_table *copy = number < most_plugins ? pjrt_copy(original, pjrt_execute) : NULL;
	if (!copy)
		return NULL;
	originals[number] = original;
	copy->functions[pjrt_compile] = compiles[number];
	copy->functions[pjrt_execute] = executes[number];
	copy->functions[pjrt_upload] = uploads[number];
	return copy;
}
