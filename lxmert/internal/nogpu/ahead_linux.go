//go:build cgo

package nogpu

/*
#include <stdlib.h>
#include "hook.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"
)

// Compile compiles a program with the CUDA plugin at a path, for GPUs that a GpuTargetConfigProto in text describes, such as [H100].
func Compile(plugin, gpu string, p Program) (n Need, err error) {
	table, err := tableOf(plugin)
	if err != nil {
		return n, err
	}
	description, topology := C.CString(gpu), C.CString(fmt.Sprintf("1x1x%d", p.Devices))
	text, options := C.CBytes(p.Text), C.CBytes(p.Options)
	defer func() {
		for _, memory := range []unsafe.Pointer{unsafe.Pointer(description), unsafe.Pointer(topology), text, options} {
			C.free(memory)
		}
	}()
	var need [4]C.int64_t
	said := C.nogpu_compile(*table, description, C.size_t(len(gpu)), topology, (*C.char)(text), C.size_t(len(p.Text)),
		(*C.char)(options), C.size_t(len(p.Options)), &need[0])
	if said != nil {
		defer C.free(unsafe.Pointer(said))
		return n, errors.New(C.GoString(said))
	}
	return Need{Arguments: int64(need[0]), Outputs: int64(need[1]), Aliased: int64(need[2]), Temporary: int64(need[3])}, nil
}
