// A plugin that goes by the file name of CUDA's and is XLA's plugin for the CPU, whose path is CPU_PLUGIN, but that it accepts
// the client options of CUDA, which it does without.
#include <dlfcn.h>
#include <string.h>

#include "pjrt_c_api.h"

static const PJRT_Api *cpu;
static PJRT_Api fake;

static PJRT_Error *create(PJRT_Client_Create_Args *args) {
	PJRT_Client_Create_Args plain = *args;
	plain.create_options = NULL;
	plain.num_options = 0;
	PJRT_Error *failed = cpu->PJRT_Client_Create(&plain);
	args->client = plain.client;
	return failed;
}

const PJRT_Api *GetPjrtApi(void) {
	if (cpu == NULL) {
		void *plugin = dlopen(CPU_PLUGIN, RTLD_NOW | RTLD_LOCAL);
		const PJRT_Api *(*get)(void) = plugin != NULL ? dlsym(plugin, "GetPjrtApi") : NULL;
		if (get == NULL) {
			return NULL;
		}
		cpu = get();
		memcpy(&fake, cpu, cpu->struct_size < sizeof fake ? cpu->struct_size : sizeof fake);
		fake.PJRT_Client_Create = create;
	}
	return &fake;
}
