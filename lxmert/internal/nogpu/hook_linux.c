#include <stdio.h>

#include "../pjrttable/table.h"
#include "hook.h"

static const pjrt_table *original;
static int64_t devices;

static __thread struct {
	char *program, *options;
	size_t size, options_size;
} taken;

static char *copied(const char *bytes, size_t size) {
	char *copy = malloc(size + 1);
	if (copy) {
		memcpy(copy, bytes, size);
		copy[size] = 0;
	}
	return copy;
}

// client gives the CPU's plugin the one option that it has a use for: those of CUDA it refuses.
static pjrt_failure *client(void *all) {
	pjrt_client_args *args = all;
	const pjrt_named *options = args->options;
	size_t options_size = args->options_size;
	pjrt_named count = {.size = sizeof count, .name = "cpu_device_count", .name_size = strlen("cpu_device_count"), .type = pjrt_number, .number = devices, .value_size = 1};
	args->options = &count;
	args->options_size = 1;
	pjrt_failure *f = original->functions[pjrt_client](args);
	args->options = options;
	args->options_size = options_size;
	return f;
}

// take keeps the program for nogpu_taken, and fails, as the plugin does at what is no program.
static pjrt_failure *take(void *all) {
	pjrt_compile_args *args = all;
	free(taken.program);
	free(taken.options);
	taken.size = args->program->code_size;
	taken.options_size = args->options_size;
	taken.program = copied(args->program->code, taken.size);
	taken.options = copied(args->options, taken.options_size);
	const pjrt_program *program = args->program;
	pjrt_program none = *program;
	none.code = (char *)"taken, not compiled";
	none.code_size = strlen(none.code);
	args->program = &none;
	pjrt_failure *f = original->functions[pjrt_compile](args);
	args->program = program;
	return f;
}

const void *nogpu_table(const void *table, int64_t count) {
	if (original)
		return NULL;
	pjrt_table *copy = pjrt_copy(table, pjrt_compile);
	if (!copy)
		return NULL;
	original = table;
	devices = count;
	copy->functions[pjrt_client] = client;
	copy->functions[pjrt_compile] = take;
	return copy;
}

char *nogpu_taken(size_t *size, char **options, size_t *options_size) {
	char *program = taken.program;
	*size = taken.size;
	*options = taken.options;
	*options_size = taken.options_size;
	taken.program = taken.options = NULL;
	return program;
}

// said is the text of a failure, which it destroys.
static char *said(const pjrt_table *t, pjrt_failure *f) {
	pjrt_message_args args = {.size = sizeof args, .failure = f};
	t->functions[pjrt_error_message](&args);
	char *text = copied(args.text, args.text_size);
	pjrt_forget(t, f);
	return text;
}

char *nogpu_compile(const void *table, const char *gpu, size_t gpu_size, const char *topology, char *program, size_t size,
	const char *options, size_t options_size, int64_t need[4]) {
	const pjrt_table *t = table;
	if (!pjrt_has(t, pjrt_need))
		return copied("the plugin's interface is of another version", strlen("the plugin's interface is of another version"));
	pjrt_named named[2] = {
		{.size = sizeof *named, .name = "target_config", .name_size = strlen("target_config"), .type = pjrt_text, .text = gpu, .value_size = gpu_size},
		{.size = sizeof *named, .name = "topology", .name_size = strlen("topology"), .type = pjrt_text, .text = topology, .value_size = strlen(topology)},
	};
	pjrt_topology_args described = {.size = sizeof described, .name = "", .options = named, .options_size = 2};
	pjrt_failure *f = t->functions[pjrt_topology](&described);
	if (f)
		return said(t, f);
	pjrt_program code = {.size = sizeof code, .code = program, .code_size = size, .format = "mlir", .format_size = strlen("mlir")};
	pjrt_ahead_args compile = {.size = sizeof compile, .topology = described.topology, .program = &code, .options = options, .options_size = options_size};
	f = t->functions[pjrt_ahead](&compile);
	if (f)
		return said(t, f);
	pjrt_need_args stats = {.size = sizeof stats, .executable = compile.executable};
	f = t->functions[pjrt_need](&stats);
	if (f)
		return said(t, f);
	need[0] = stats.arguments;
	need[1] = stats.outputs;
	need[2] = stats.aliased;
	need[3] = stats.temporary;
	return NULL;
}
