#ifndef LXMERT_NOGPU_H
#define LXMERT_NOGPU_H
#include <stddef.h>
#include <stdint.h>

// nogpu_table returns a copy of a CPU plugin's table of functions, whose clients have so many devices and whatever other options they
// ask for, and which compiles nothing. NULL: the table is of another version, another plugin has it, or there is no memory.
const void *nogpu_table(const void *table, int64_t devices);

// nogpu_taken is what this thread last asked to compile, both parts to be freed; NULL: nothing since it was asked for last.
char *nogpu_taken(size_t *size, char **options, size_t *options_size);

// nogpu_compile compiles a program for a GPU that a description describes, and says in need how many bytes it has of arguments, outputs,
// outputs in the place of arguments, and temporary memory. It returns what went wrong, to be freed, or NULL.
char *nogpu_compile(const void *table, const char *gpu, size_t gpu_size, const char *topology, char *program, size_t size,
	const char *options, size_t options_size, int64_t need[4]);

#endif
