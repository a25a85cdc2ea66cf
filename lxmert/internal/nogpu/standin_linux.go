//go:build cgo

package nogpu

/*
#cgo CFLAGS: -O2
#include <stdlib.h>
#include "hook.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/pjrt"

	"github.com/seed-516990b0/golxmert/lxmert/internal/pjrttable"
	"github.com/seed-516990b0/golxmert/lxmert/internal/xlabuilder"
)

// Here says whether this program can do it.
const Here = true

// Open opens the CPU's plugin at a path as so many GPUs, whose float32 products are TensorFloat-32 if tf32 says so. It gives each program to
// take instead of compiling it. A process can do that once.
func Open(plugin string, devices int, tf32 bool, take func(Program)) (_ compute.Backend, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("go-xla: %v", p)
		}
	}()
	dir, err := os.MkdirTemp("", "lxmert-nogpu-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) // the name is needed until the plugin is loaded
	name := filepath.Join(dir, "xla_cuda_plugin.so")
	if err := os.Symlink(plugin, name); err != nil {
		return nil, err
	}
	table, err := tableOf(name)
	if err != nil {
		return nil, fmt.Errorf("XLA plugin %s does not open: %w", plugin, err)
	}
	standin := C.nogpu_table(*table, C.int64_t(devices))
	if standin == nil {
		return nil, errors.New("the plugin's interface is of another version, or one stands in for a GPU already")
	}
	*table = standin
	x, err := xla.NewWithOptions(fmt.Sprintf("%s,tf32=%v,shared_buffers=false", name, tf32), nil)
	if err != nil {
		return nil, err
	}
	return &gpus{x, name, take}, nil
}

// tableOf loads a plugin that calls itself CUDA's. go-xla would check whether a GPU's libraries are where it expects them.
func tableOf(path string) (*unsafe.Pointer, error) {
	const checks = "GOPJRT_CUDA_CHECKS"
	if os.Getenv(checks) == "" {
		if err := os.Setenv(checks, "no"); err != nil {
			return nil, err
		}
	}
	p, err := pjrt.GetPlugin(path)
	if err != nil {
		return nil, err
	}
	return pjrttable.Of(p)
}

// gpus are devices that take programs and compute nothing.
type gpus struct {
	compute.Backend
	name string
	take func(Program)
}

// PluginName is that of a CUDA plugin, by which the kind of a backend is known.
func (g *gpus) PluginName() string { return g.name }

func (g *gpus) Builder(name string) compute.Builder {
	return &builder{g.Backend.Builder(name), g, name, 1}
}

func (g *gpus) BufferFromFlatData(compute.DeviceNum, any, shapes.Shape) (compute.Buffer, error) {
	return empty{g}, nil
}

type builder struct {
	compute.Builder
	on      *gpus
	name    string
	devices int
}

// DistributedAutoSharding has the program run on all devices of the meshes.
func (b *builder) DistributedAutoSharding(meshes ...compute.Mesh) error {
	for _, m := range meshes {
		devices := 1
		for _, n := range m.AxesSizes {
			devices *= n
		}
		b.devices = max(b.devices, devices)
	}
	return b.Builder.DistributedAutoSharding(meshes...)
}

// Inner is the builder behind this one.
func (b *builder) Inner() compute.Builder { return b.Builder }

// Compile hands the program over.
func (b *builder) Compile() (compute.Executable, error) {
	outputs, inputs := 0, 0
	for _, f := range xlabuilder.Functions(b.Builder) {
		if f.Name == "main" {
			inputs, outputs = len(f.Inputs), len(f.Outputs)
		}
	}
	// go-xla compiles in the goroutine that asks for it, so that the thread says which program is meant.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_, err := b.Builder.Compile()
	var size, optionsSize C.size_t
	var options *C.char
	text := C.nogpu_taken(&size, &options, &optionsSize)
	if text == nil || outputs == 0 {
		return nil, fmt.Errorf("the program did not reach the compiler: %w", err)
	}
	defer C.free(unsafe.Pointer(text))
	defer C.free(unsafe.Pointer(options))
	b.on.take(Program{
		Name: b.name, Devices: b.devices,
		Text: C.GoBytes(unsafe.Pointer(text), C.int(size)), Options: C.GoBytes(unsafe.Pointer(options), C.int(optionsSize)),
	})
	return executable{b.on, inputs, outputs}, nil
}

// executable is a program that was handed over.
type executable struct {
	on              *gpus
	inputs, outputs int
}

func (executable) Finalize() {}

func (executable) Inputs() (names []string, inputShapes []shapes.Shape) { return nil, nil }

func (executable) Outputs() []shapes.Shape { return nil }

// Execute returns zeros for every device.
func (e executable) Execute(inputs []compute.Buffer, _ []bool, _ compute.DeviceNum) ([]compute.Buffer, error) {
	devices := 1
	if e.inputs > 0 {
		devices = len(inputs) / e.inputs
	}
	out := make([]compute.Buffer, devices*e.outputs)
	for i := range out {
		out[i] = empty{e.on}
	}
	return out, nil
}

// empty is an array of zeros that takes no memory, nor knows how many they are.
type empty struct{ on *gpus }

var errEmpty = errors.New("nothing is on a device that computes nothing")

func (e empty) Backend() compute.Backend { return e.on }

func (empty) Finalize() error { return nil }

func (empty) Shape() (shapes.Shape, error) { return shapes.Shape{}, errEmpty }

func (empty) DeviceNum() (compute.DeviceNum, error) { return 0, errEmpty }

func (empty) ToFlatData(flat any) error {
	reflect.ValueOf(flat).Clear()
	return nil
}

func (empty) Data() (any, error) { return nil, errEmpty }

func (e empty) CopyToDevice(compute.DeviceNum) (compute.Buffer, error) { return e, nil }
