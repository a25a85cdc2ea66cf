//go:build cgo && linux

package devicememory

/*
#cgo CFLAGS: -O2
#include "memory.h"
*/
import "C"

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/pjrt"

	"github.com/seed-516990b0/golxmert/lxmert/internal/pjrttable"
	"github.com/seed-516990b0/golxmert/lxmert/internal/xlabuilder"
)

// Of asks a backend about its first devices, and is what it says of the one that has the most in use. ok is false where it does not
// say; the processor never does.
func Of(b compute.Backend, devices int) (u Use, ok bool) {
	x, isXLA := b.(*xla.Backend)
	if !isXLA {
		return Use{}, false
	}
	client := xlabuilder.Hidden[*pjrt.Client](x, "client")
	plugin := xlabuilder.Hidden[*pjrt.Plugin](x, "plugin")
	if client == nil || *client == nil || plugin == nil || *plugin == nil {
		return Use{}, false
	}
	table, err := pjrttable.Of(*plugin)
	if err != nil {
		return Use{}, false
	}
	all := (*client).AddressableDevices()
	for _, device := range all[:min(devices, len(all))] {
		pointer := xlabuilder.Pointer(device, "cDevice")
		var in, peak, limit C.int64_t
		if pointer == nil || C.devicememory_of(*table, pointer, &in, &peak, &limit) == 0 {
			return Use{}, false
		}
		if one := (Use{int64(in), int64(peak), int64(limit)}); !ok || one.InUse > u.InUse {
			u, ok = one, true
		}
	}
	return u, ok
}

// OfProgram is what XLA's compiler says that a program takes. ok is false where it does not say.
func OfProgram(e compute.Executable) (n Need, ok bool) {
	x, isXLA := e.(*xla.Executable)
	if !isXLA {
		return Need{}, false
	}
	loaded := xlabuilder.Hidden[*pjrt.LoadedExecutable](x, "exec")
	if loaded == nil || *loaded == nil {
		return Need{}, false
	}
	s := (*loaded).OnDeviceMemoryUsageStats
	return Need{Inputs: s.Inputs, Outputs: s.Outputs, Shared: s.Aliases, Temporary: s.Temporary}, s.Inputs+s.Outputs > 0
}
