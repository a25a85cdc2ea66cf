// A plugin that goes by the file name of CUDA's and is XLA's plugin for the CPU, whose path is CPU_PLUGIN, but that it accepts
// the client options of CUDA, which it does without, that it writes what is asked of it into the file CALLS, a line for each
// upload, execution, wait and read, and that its devices together have as much memory as the environment variable in MEMORY says, in
// bytes, of which it counts what buffers take. Without the variable it says nothing of memory, as the CPU. It has as many devices as
// DEVICES says. While there is a file MEET, an upload, and an execution on one device, is not begun before all devices have been asked
// for one.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pjrt_c_api.h"

static const PJRT_Api *cpu;
static PJRT_Api fake;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static FILE *calls;

// What the events that are not destroyed yet are of. More than fit are of nothing known.
static struct {
	PJRT_Event *event;
	const char *of;
} events[4096];

static void of(PJRT_Event *event, const char *what) {
	for (size_t i = 0; event != NULL && i < sizeof events / sizeof *events; i++) {
		if (events[i].event == NULL) {
			events[i].event = event;
			events[i].of = what;
			return;
		}
	}
}

static int number(const void *event) {
	for (int i = 0; event != NULL && i < (int)(sizeof events / sizeof *events); i++) {
		if (events[i].event == event) {
			return i;
		}
	}
	return -1;
}

static void say(const char *what, int64_t bytes) {
	fprintf(calls, "%s %" PRId64 "\n", what, bytes);
	fflush(calls);
}

static pthread_cond_t met = PTHREAD_COND_INITIALIZER;
static int arrived, meetings;

// meet waits for the calls of all devices, and gives up after a minute, which it writes down. The lock must be held.
static void meet(void) {
	if (access(MEET, F_OK) != 0) {
		return;
	}
	int meeting = meetings;
	if (++arrived == DEVICES) {
		arrived = 0;
		meetings++;
		pthread_cond_broadcast(&met);
		return;
	}
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	while (meeting == meetings) {
		if (pthread_cond_timedwait(&met, &lock, &until) != 0) {
			arrived--;
			say("alone", 0);
			return;
		}
	}
}

// What live buffers take, over all devices, and the most that they took since MEMORY changed. A program's temporary memory is counted
// while it starts.
static int64_t in_use, peak, limited;

// exhausted is the error of a device with too little memory, which the CPU's plugin has not.
static char exhausted;
static const char exhausted_text[] = "RESOURCE_EXHAUSTED: Out of memory while trying to allocate";

static void error_message(PJRT_Error_Message_Args *args) {
	if ((const void *)args->error != &exhausted) {
		cpu->PJRT_Error_Message(args);
		return;
	}
	args->message = exhausted_text;
	args->message_size = strlen(exhausted_text);
}

static PJRT_Error *error_code(PJRT_Error_GetCode_Args *args) {
	if ((const void *)args->error != &exhausted) {
		return cpu->PJRT_Error_GetCode(args);
	}
	args->code = PJRT_Error_Code_RESOURCE_EXHAUSTED;
	return NULL;
}

static void error_destroy(PJRT_Error_Destroy_Args *args) {
	if ((const void *)args->error != &exhausted) {
		cpu->PJRT_Error_Destroy(args);
	}
}

// limit is what MEMORY says, 0 without it. The lock must be held.
static int64_t limit(void) {
	const char *text = getenv(MEMORY);
	int64_t bytes = text != NULL ? atoll(text) : 0;
	if (bytes != limited) {
		limited = bytes;
		peak = in_use;
	}
	return bytes;
}

static int64_t size_of(PJRT_Buffer *buffer) {
	PJRT_Buffer_IsDeleted_Args deleted = {PJRT_Buffer_IsDeleted_Args_STRUCT_SIZE, NULL, buffer};
	PJRT_Buffer_OnDeviceSizeInBytes_Args size = {PJRT_Buffer_OnDeviceSizeInBytes_Args_STRUCT_SIZE, NULL, buffer};
	PJRT_Error *failed = cpu->PJRT_Buffer_IsDeleted(&deleted);
	if (failed == NULL && !deleted.is_deleted) {
		failed = cpu->PJRT_Buffer_OnDeviceSizeInBytes(&size);
	}
	if (failed != NULL) {
		PJRT_Error_Destroy_Args gone = {PJRT_Error_Destroy_Args_STRUCT_SIZE, NULL, failed};
		cpu->PJRT_Error_Destroy(&gone);
		return 0;
	}
	return (int64_t)size.on_device_size_in_bytes;
}

// takes is what an execution adds for as long as it runs: temporary memory, and outputs that have no input's memory; outputs is how
// many of these there are.
static int64_t takes(PJRT_LoadedExecutable *loaded, size_t *outputs) {
	PJRT_LoadedExecutable_GetExecutable_Args get = {PJRT_LoadedExecutable_GetExecutable_Args_STRUCT_SIZE, NULL, loaded};
	if (cpu->PJRT_LoadedExecutable_GetExecutable(&get) != NULL) {
		abort();
	}
	PJRT_Executable_GetCompiledMemoryStats_Args stats = {.struct_size = PJRT_Executable_GetCompiledMemoryStats_Args_STRUCT_SIZE, .executable = get.executable};
	PJRT_Executable_NumOutputs_Args number = {PJRT_Executable_NumOutputs_Args_STRUCT_SIZE, NULL, get.executable};
	if (cpu->PJRT_Executable_GetCompiledMemoryStats(&stats) != NULL || cpu->PJRT_Executable_NumOutputs(&number) != NULL) {
		abort();
	}
	*outputs = number.num_outputs;
	PJRT_Executable_Destroy_Args done = {PJRT_Executable_Destroy_Args_STRUCT_SIZE, NULL, get.executable};
	cpu->PJRT_Executable_Destroy(&done);
	return stats.output_size_in_bytes - stats.alias_size_in_bytes + stats.temp_size_in_bytes;
}

static int64_t sizes(PJRT_Buffer *const *const *lists, size_t devices, size_t each) {
	int64_t all = 0;
	for (size_t d = 0; d < devices; d++) {
		for (size_t i = 0; i < each; i++) {
			all += size_of(lists[d][i]);
		}
	}
	return all;
}

static PJRT_Error *memory(PJRT_Device_MemoryStats_Args *args) {
	pthread_mutex_lock(&lock);
	int64_t most = limit();
	args->bytes_in_use = in_use;
	args->peak_bytes_in_use = peak;
	args->peak_bytes_in_use_is_set = true;
	args->bytes_limit = most;
	args->bytes_limit_is_set = true;
	pthread_mutex_unlock(&lock);
	return most == 0 ? cpu->PJRT_Device_MemoryStats(args) : NULL;
}

static PJRT_Error *forget(PJRT_Buffer_Destroy_Args *args) {
	pthread_mutex_lock(&lock);
	in_use -= size_of(args->buffer);
	pthread_mutex_unlock(&lock);
	return cpu->PJRT_Buffer_Destroy(args);
}

static PJRT_Error *create(PJRT_Client_Create_Args *args) {
	PJRT_Client_Create_Args plain = *args;
	PJRT_NamedValue devices = {.struct_size = PJRT_NamedValue_STRUCT_SIZE, .name = "cpu_device_count", .name_size = strlen("cpu_device_count"),
		.type = PJRT_NamedValue_kInt64, .int64_value = DEVICES, .value_size = 1};
	plain.create_options = &devices;
	plain.num_options = 1;
	PJRT_Error *failed = cpu->PJRT_Client_Create(&plain);
	args->client = plain.client;
	return failed;
}

static int64_t width(PJRT_Buffer_Type type) {
	switch (type) {
	case PJRT_Buffer_Type_PRED:
	case PJRT_Buffer_Type_S8:
	case PJRT_Buffer_Type_U8:
		return 1;
	case PJRT_Buffer_Type_S16:
	case PJRT_Buffer_Type_U16:
	case PJRT_Buffer_Type_F16:
	case PJRT_Buffer_Type_BF16:
		return 2;
	case PJRT_Buffer_Type_S64:
	case PJRT_Buffer_Type_U64:
	case PJRT_Buffer_Type_F64:
		return 8;
	default:
		return 4;
	}
}

static int has(const char *bytes, size_t size, const char *word) { return memmem(bytes, size, word, strlen(word)) != NULL; }

// compile refuses programs of the name NEEDS_NO_TRITON unless the option about Triton is there.
static PJRT_Error *compile(PJRT_Client_Compile_Args *args) {
	PJRT_Program none = *args->program;
	const PJRT_Program *program = args->program;
	if (has(program->code, program->code_size, NEEDS_NO_TRITON) && !has(args->compile_options, args->compile_options_size, "xla_gpu_enable_triton_gemm")) {
		none.code = (char *)"no tiles";
		none.code_size = strlen(none.code);
		args->program = &none;
	}
	PJRT_Error *failed = cpu->PJRT_Client_Compile(args);
	args->program = program;
	return failed;
}

static PJRT_Error *upload(PJRT_Client_BufferFromHostBuffer_Args *args) {
	int64_t bytes = width(args->type);
	for (size_t i = 0; i < args->num_dims; i++) {
		bytes *= args->dims[i];
	}
	pthread_mutex_lock(&lock);
	say("upload", bytes);
	meet();
	int full = limit() != 0 && in_use + bytes > limit();
	pthread_mutex_unlock(&lock);
	if (full) {
		return (PJRT_Error *)&exhausted;
	}
	PJRT_Error *failed = cpu->PJRT_Client_BufferFromHostBuffer(args);
	pthread_mutex_lock(&lock);
	// What is only the plugin's during the call has been copied when the call returns, so that nobody who asks for that waits.
	if (failed == NULL && args->host_buffer_semantics != PJRT_HostBufferSemantics_kImmutableOnlyDuringCall) {
		of(args->done_with_host_buffer, "upload");
	}
	if (failed == NULL) {
		in_use += size_of(args->buffer);
		peak = in_use > peak ? in_use : peak;
	}
	pthread_mutex_unlock(&lock);
	return failed;
}

static PJRT_Error *execute(PJRT_LoadedExecutable_Execute_Args *args) {
	size_t outputs;
	int64_t needed = takes(args->executable, &outputs);
	pthread_mutex_lock(&lock);
	say("execute", 0);
	if (args->num_devices == 1) {
		meet();
	}
	int64_t at_once = in_use + needed * (int64_t)args->num_devices;
	if (limit() != 0 && at_once > limit()) {
		pthread_mutex_unlock(&lock);
		return (PJRT_Error *)&exhausted;
	}
	peak = at_once > peak ? at_once : peak;
	int64_t inputs = sizes(args->argument_lists, args->num_devices, args->num_args);
	pthread_mutex_unlock(&lock);
	PJRT_Error *failed = cpu->PJRT_LoadedExecutable_Execute(args);
	pthread_mutex_lock(&lock);
	in_use += sizes(args->argument_lists, args->num_devices, args->num_args) - inputs; // those that were donated are gone
	if (failed == NULL) {
		in_use += sizes((PJRT_Buffer *const *const *)args->output_lists, args->num_devices, outputs);
	}
	for (size_t i = 0; failed == NULL && args->device_complete_events != NULL && i < args->num_devices; i++) {
		of(args->device_complete_events[i], "execute");
	}
	pthread_mutex_unlock(&lock);
	return failed;
}

static PJRT_Error *download(PJRT_Buffer_ToHostBuffer_Args *args) {
	pthread_mutex_lock(&lock);
	if (args->dst != NULL) {
		say("read", (int64_t)args->dst_size);
	}
	pthread_mutex_unlock(&lock);
	return cpu->PJRT_Buffer_ToHostBuffer(args);
}

static PJRT_Error *await(PJRT_Event_Await_Args *args) {
	pthread_mutex_lock(&lock);
	int i = number(args->event);
	if (i >= 0) {
		fprintf(calls, "wait-");
		say(events[i].of, 0);
	}
	pthread_mutex_unlock(&lock);
	return cpu->PJRT_Event_Await(args);
}

static PJRT_Error *destroy(PJRT_Event_Destroy_Args *args) {
	pthread_mutex_lock(&lock);
	int i = number(args->event);
	if (i >= 0) {
		events[i].event = NULL;
	}
	pthread_mutex_unlock(&lock);
	return cpu->PJRT_Event_Destroy(args);
}

const PJRT_Api *GetPjrtApi(void) {
	if (cpu == NULL) {
		void *plugin = dlopen(CPU_PLUGIN, RTLD_NOW | RTLD_LOCAL);
		const PJRT_Api *(*get)(void) = plugin != NULL ? dlsym(plugin, "GetPjrtApi") : NULL;
		calls = fopen(CALLS, "a");
		if (get == NULL || calls == NULL) {
			return NULL;
		}
		cpu = get();
		memcpy(&fake, cpu, cpu->struct_size < sizeof fake ? cpu->struct_size : sizeof fake);
		fake.PJRT_Error_Message = error_message;
		fake.PJRT_Error_GetCode = error_code;
		fake.PJRT_Error_Destroy = error_destroy;
		fake.PJRT_Device_MemoryStats = memory;
		fake.PJRT_Buffer_Destroy = forget;
		fake.PJRT_Client_Create = create;
		fake.PJRT_Client_Compile = compile;
		fake.PJRT_Client_BufferFromHostBuffer = upload;
		fake.PJRT_LoadedExecutable_Execute = execute;
		fake.PJRT_Buffer_ToHostBuffer = download;
		fake.PJRT_Event_Await = await;
		fake.PJRT_Event_Destroy = destroy;
	}
	return &fake;
}
