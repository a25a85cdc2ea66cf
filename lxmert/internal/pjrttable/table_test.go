//go:build cgo && linux

package pjrttable

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// compared are the places in which our description of the interface and go-xla's header must agree: ours, then theirs.
const compared = `
#include "table.h"
#include "pjrt_c_api.h"

#define FUNCTION(ours, theirs) \
	_Static_assert(offsetof(pjrt_table, functions) + (ours) * sizeof(void *) == offsetof(PJRT_Api, theirs), #theirs);
FUNCTION(pjrt_error_destroy, PJRT_Error_Destroy)
FUNCTION(pjrt_error_message, PJRT_Error_Message)
FUNCTION(pjrt_client, PJRT_Client_Create)
FUNCTION(pjrt_topology, PJRT_TopologyDescription_Create)
FUNCTION(pjrt_ahead, PJRT_Compile)
FUNCTION(pjrt_need, PJRT_Executable_GetCompiledMemoryStats)
FUNCTION(pjrt_compile, PJRT_Client_Compile)
FUNCTION(pjrt_upload, PJRT_Client_BufferFromHostBuffer)
FUNCTION(pjrt_memory, PJRT_Device_MemoryStats)
FUNCTION(pjrt_executable_destroy, PJRT_Executable_Destroy)
FUNCTION(pjrt_serialize, PJRT_Executable_Serialize)
FUNCTION(pjrt_get_executable, PJRT_LoadedExecutable_GetExecutable)
FUNCTION(pjrt_execute, PJRT_LoadedExecutable_Execute)
FUNCTION(pjrt_load, PJRT_Executable_DeserializeAndLoad)

#define FIELD(ours, a, theirs, b) _Static_assert(offsetof(ours, a) == offsetof(theirs, b), #theirs "." #b);
#define SIZE(ours, theirs) _Static_assert(sizeof(ours) == theirs##_STRUCT_SIZE, #theirs);
FIELD(pjrt_table, size, PJRT_Api, struct_size)
FIELD(pjrt_table, version.major, PJRT_Api, pjrt_api_version.major_version)
FIELD(pjrt_program, code, PJRT_Program, code)
FIELD(pjrt_program, code_size, PJRT_Program, code_size)
FIELD(pjrt_program, format, PJRT_Program, format)
FIELD(pjrt_program, format_size, PJRT_Program, format_size)
FIELD(pjrt_compile_args, client, PJRT_Client_Compile_Args, client)
FIELD(pjrt_compile_args, program, PJRT_Client_Compile_Args, program)
FIELD(pjrt_compile_args, options, PJRT_Client_Compile_Args, compile_options)
FIELD(pjrt_compile_args, options_size, PJRT_Client_Compile_Args, compile_options_size)
FIELD(pjrt_compile_args, loaded, PJRT_Client_Compile_Args, executable)
SIZE(pjrt_load_args, PJRT_Executable_DeserializeAndLoad_Args)
FIELD(pjrt_load_args, client, PJRT_Executable_DeserializeAndLoad_Args, client)
FIELD(pjrt_load_args, bytes, PJRT_Executable_DeserializeAndLoad_Args, serialized_executable)
FIELD(pjrt_load_args, bytes_size, PJRT_Executable_DeserializeAndLoad_Args, serialized_executable_size)
FIELD(pjrt_load_args, loaded, PJRT_Executable_DeserializeAndLoad_Args, loaded_executable)
FIELD(pjrt_load_args, options, PJRT_Executable_DeserializeAndLoad_Args, overridden_serialized_compile_options)
SIZE(pjrt_serialize_args, PJRT_Executable_Serialize_Args)
FIELD(pjrt_serialize_args, executable, PJRT_Executable_Serialize_Args, executable)
FIELD(pjrt_serialize_args, bytes, PJRT_Executable_Serialize_Args, serialized_bytes)
FIELD(pjrt_serialize_args, bytes_size, PJRT_Executable_Serialize_Args, serialized_bytes_size)
FIELD(pjrt_serialize_args, owner, PJRT_Executable_Serialize_Args, serialized_executable)
FIELD(pjrt_serialize_args, free, PJRT_Executable_Serialize_Args, serialized_executable_deleter)
SIZE(pjrt_execute_args, PJRT_LoadedExecutable_Execute_Args)
FIELD(pjrt_execute_args, executable, PJRT_LoadedExecutable_Execute_Args, executable)
FIELD(pjrt_execute_args, devices, PJRT_LoadedExecutable_Execute_Args, num_devices)
FIELD(pjrt_execute_args, outputs, PJRT_LoadedExecutable_Execute_Args, output_lists)
FIELD(pjrt_execute_args, complete, PJRT_LoadedExecutable_Execute_Args, device_complete_events)
SIZE(pjrt_upload_args, PJRT_Client_BufferFromHostBuffer_Args)
FIELD(pjrt_upload_args, semantics, PJRT_Client_BufferFromHostBuffer_Args, host_buffer_semantics)
_Static_assert(pjrt_only_during_call == PJRT_HostBufferSemantics_kImmutableOnlyDuringCall, "semantics");
_Static_assert(pjrt_memory_size == PJRT_Device_MemoryStats_Args_STRUCT_SIZE, "PJRT_Device_MemoryStats_Args");
FIELD(pjrt_memory_args, device, PJRT_Device_MemoryStats_Args, device)
FIELD(pjrt_memory_args, in_use, PJRT_Device_MemoryStats_Args, bytes_in_use)
FIELD(pjrt_memory_args, peak.value, PJRT_Device_MemoryStats_Args, peak_bytes_in_use)
FIELD(pjrt_memory_args, peak.is_set, PJRT_Device_MemoryStats_Args, peak_bytes_in_use_is_set)
FIELD(pjrt_memory_args, limit.value, PJRT_Device_MemoryStats_Args, bytes_limit)
FIELD(pjrt_memory_args, limit.is_set, PJRT_Device_MemoryStats_Args, bytes_limit_is_set)
SIZE(pjrt_message_args, PJRT_Error_Message_Args)
FIELD(pjrt_message_args, failure, PJRT_Error_Message_Args, error)
FIELD(pjrt_message_args, text, PJRT_Error_Message_Args, message)
FIELD(pjrt_message_args, text_size, PJRT_Error_Message_Args, message_size)
SIZE(pjrt_named, PJRT_NamedValue)
FIELD(pjrt_named, name, PJRT_NamedValue, name)
FIELD(pjrt_named, name_size, PJRT_NamedValue, name_size)
FIELD(pjrt_named, type, PJRT_NamedValue, type)
FIELD(pjrt_named, text, PJRT_NamedValue, string_value)
FIELD(pjrt_named, number, PJRT_NamedValue, int64_value)
FIELD(pjrt_named, value_size, PJRT_NamedValue, value_size)
_Static_assert((int)pjrt_text == (int)PJRT_NamedValue_kString && (int)pjrt_number == (int)PJRT_NamedValue_kInt64, "types of named values");
FIELD(pjrt_client_args, options, PJRT_Client_Create_Args, create_options)
FIELD(pjrt_client_args, options_size, PJRT_Client_Create_Args, num_options)
SIZE(pjrt_topology_args, PJRT_TopologyDescription_Create_Args)
FIELD(pjrt_topology_args, name, PJRT_TopologyDescription_Create_Args, topology_name)
FIELD(pjrt_topology_args, options, PJRT_TopologyDescription_Create_Args, create_options)
FIELD(pjrt_topology_args, options_size, PJRT_TopologyDescription_Create_Args, num_options)
FIELD(pjrt_topology_args, topology, PJRT_TopologyDescription_Create_Args, topology)
SIZE(pjrt_ahead_args, PJRT_Compile_Args)
FIELD(pjrt_ahead_args, topology, PJRT_Compile_Args, topology)
FIELD(pjrt_ahead_args, program, PJRT_Compile_Args, program)
FIELD(pjrt_ahead_args, options, PJRT_Compile_Args, compile_options)
FIELD(pjrt_ahead_args, options_size, PJRT_Compile_Args, compile_options_size)
FIELD(pjrt_ahead_args, client, PJRT_Compile_Args, client)
FIELD(pjrt_ahead_args, executable, PJRT_Compile_Args, executable)
SIZE(pjrt_need_args, PJRT_Executable_GetCompiledMemoryStats_Args)
FIELD(pjrt_need_args, executable, PJRT_Executable_GetCompiledMemoryStats_Args, executable)
FIELD(pjrt_need_args, arguments, PJRT_Executable_GetCompiledMemoryStats_Args, argument_size_in_bytes)
FIELD(pjrt_need_args, outputs, PJRT_Executable_GetCompiledMemoryStats_Args, output_size_in_bytes)
FIELD(pjrt_need_args, aliased, PJRT_Executable_GetCompiledMemoryStats_Args, alias_size_in_bytes)
FIELD(pjrt_need_args, temporary, PJRT_Executable_GetCompiledMemoryStats_Args, temp_size_in_bytes)
SIZE(pjrt_pair_args, PJRT_LoadedExecutable_GetExecutable_Args)
FIELD(pjrt_pair_args, from, PJRT_LoadedExecutable_GetExecutable_Args, loaded_executable)
FIELD(pjrt_pair_args, to, PJRT_LoadedExecutable_GetExecutable_Args, executable)
_Static_assert(pjrt_destroy_size == PJRT_Error_Destroy_Args_STRUCT_SIZE, "PJRT_Error_Destroy_Args");
FIELD(pjrt_pair_args, from, PJRT_Error_Destroy_Args, error)
_Static_assert(pjrt_destroy_size == PJRT_Executable_Destroy_Args_STRUCT_SIZE, "PJRT_Executable_Destroy_Args");
FIELD(pjrt_pair_args, from, PJRT_Executable_Destroy_Args, executable)
`

func TestTheTableIsThatOfGoXLAsHeader(t *testing.T) {
	check := func(source string) (string, error) {
		dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/gomlx/go-xla").Output()
		if err != nil {
			t.Fatalf("where go-xla's header is: %v", err)
		}
		cc := exec.Command("cc", "-x", "c", "-fsyntax-only", "-I", ".", "-I", filepath.Join(strings.TrimSpace(string(dir)), "pjrt"), "-")
		cc.Stdin = strings.NewReader(source)
		out, err := cc.CombinedOutput()
		return string(out), err
	}
	if out, err := check(compared); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := check(strings.Replace(compared, "FUNCTION(pjrt_compile, ", "FUNCTION(pjrt_compile + 1, ", 1)); err == nil {
		t.Error("a place that is wrong is not noticed")
	}
}
