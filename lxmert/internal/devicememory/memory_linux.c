#include "../pjrttable/table.h"
#include "memory.h"

int devicememory_of(const void *table, void *device, int64_t *in_use, int64_t *peak, int64_t *limit) {
	const pjrt_table *t = table;
	if (!pjrt_has(t, pjrt_memory))
		return 0;
	pjrt_memory_args args = {pjrt_memory_size, NULL, device};
	pjrt_failure *f = t->functions[pjrt_memory](&args);
	if (f) {
		pjrt_forget(t, f);
		return 0;
	}
	*in_use = args.in_use;
	*peak = args.peak.is_set ? args.peak.value : 0;
	*limit = args.limit.is_set ? args.limit.value : 0;
	return 1;
}
