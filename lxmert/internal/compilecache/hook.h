#ifndef LXMERT_COMPILECACHE_H
#define LXMERT_COMPILECACHE_H
#include <stddef.h>

// compilecache_table returns a copy of a plugin's table of functions, in which compiling asks the cache with this number
// first. NULL: this plugin cannot write programs, or there are too many plugins or no memory.
const void *compilecache_table(const void *table, int number);

enum { compilecache_plugins = 4 };

#endif
