#ifndef LXMERT_DEVICEMEMORY_H
#define LXMERT_DEVICEMEMORY_H
#include <stdint.h>

// devicememory_of asks a plugin about a device's memory, in bytes; what it does not say is 0. It returns 0 where it says nothing.
int devicememory_of(const void *table, void *device, int64_t *in_use, int64_t *peak, int64_t *limit);

#endif
