//go:build cgo

package xlacall

/*
#cgo CFLAGS: -O2
#include <stdlib.h>
#include "compute.h"
#include "call.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"

	"github.com/seed-516990b0/golxmert/lxmert/internal/xlabuilder"
)

// Names by which compiled programs call the functions.
const (
	callProduct   = C.call_product
	callSoftmax   = C.call_softmax
	callNormalize = C.call_normalize
)

// maxBatches is how many axes of batches a product has.
const maxBatches = C.product_batches

// Off says why nothing is called: the processor, or the environment.
func Off() string {
	switch {
	case os.Getenv("GOLXMERT_MATMUL") == "0":
		return "GOLXMERT_MATMUL=0"
	case C.compute_works() == 0:
		return "the processor has no AVX2"
	}
	return ""
}

// Use returns a backend that is b, except that its programs call the functions of this package. b is of XLA's CPU plugin,
// which was loaded from the path plugin. With an error, which says why everything stays with XLA, it is b itself.
func Use(b compute.Backend, plugin string) (compute.Backend, error) {
	x, ok := b.(*xla.Backend)
	if !ok {
		return b, fmt.Errorf("this version of go-xla has another kind of backend, %T", b)
	}
	narrow := C.int(0)
	if os.Getenv("GOLXMERT_MATMUL") == "avx2" {
		narrow = 1
	}
	C.compute_narrow(narrow)
	if err := register(plugin); err != nil {
		return b, err
	}
	return &backend{x}, nil
}

// registered has an error or nil by the plugin's path.
var registered = struct {
	sync.Mutex
	results map[string]error
}{results: map[string]error{}}

// register makes the functions known to a plugin, once.
func register(plugin string) error {
	registered.Lock()
	defer registered.Unlock()
	if err, ok := registered.results[plugin]; ok {
		return err
	}
	path := C.CString(plugin)
	defer C.free(unsafe.Pointer(path))
	var err error
	if why := C.calls_register(path); why != nil {
		err = errors.New(C.GoString(why))
	}
	registered.results[plugin] = err
	return err
}

// backend is one whose programs call the functions.
type backend struct{ *xla.Backend }

func (b *backend) Builder(name string) compute.Builder {
	inner := b.Backend.Builder(name)
	if x, ok := inner.(*xla.Builder); ok {
		return &builder{Builder: x}
	}
	return inner
}

// builder rewrites its program before it is compiled.
type builder struct {
	*xla.Builder
	spread bool // over several devices: XLA cannot cut a call into parts
}

// Inner is the builder behind this one.
func (b *builder) Inner() compute.Builder { return b.Builder }

func (b *builder) DistributedSPMD(devices int) error {
	b.spread = true
	return b.Builder.DistributedSPMD(devices)
}

func (b *builder) DistributedAutoSharding(meshes ...compute.Mesh) error {
	b.spread = true
	return b.Builder.DistributedAutoSharding(meshes...)
}

func (b *builder) Compile() (compute.Executable, error) {
	if !b.spread {
		for _, fn := range xlabuilder.Functions(b.Builder) {
			rewrite(fn)
		}
	}
	return b.Builder.Compile()
}
