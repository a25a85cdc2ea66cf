#ifndef LXMERT_COMPILEOPTION_H
#define LXMERT_COMPILEOPTION_H
#include <stddef.h>

// compileoption_table returns a copy of a plugin's table of functions, in which compiling adds the thread's options and
// executing and uploading wait for nothing on the device. NULL: the table is of another version, there are too many plugins, or no
// memory.
const void *compileoption_table(const void *table);

// compileoption_begin sets the thread's options, serialized, which must stay until the end.
void compileoption_begin(const void *options, size_t size);

// compileoption_end says whether something was compiled with them, and forgets them; again: it took those of compileoption_otherwise.
int compileoption_end(int *again);

// compileoption_otherwise sets what is added for programs that do not compile without, serialized, which must stay.
void compileoption_otherwise(const void *options, size_t size);

#endif
