//go:build cgo

package compileoption

/*
#cgo CFLAGS: -O2
#include <stdlib.h>
#include "hook.h"
*/
import "C"

import (
	"errors"
	"sync"

	"github.com/gomlx/go-xla/pjrt"

	"github.com/seed-516990b0/golxmert/lxmert/internal/pjrttable"
)

// using makes plugins wait for each other.
var using sync.Mutex

var once sync.Once // says what to add where compiling fails

// Use lets programs of a plugin, which go-xla knows by the name path, have options. It must come before the plugin's first
// client, since go-xla reads the plugin's table without a lock. Where it fails, programs that want options get the error.
func Use(plugin *pjrt.Plugin, path string) {
	using.Lock()
	defer using.Unlock()
	if _, ok := used.Load(path); ok {
		return
	}
	table, err := pjrttable.Of(plugin)
	if err != nil {
		used.Store(path, err)
		return
	}
	with := C.compileoption_table(*table)
	if with == nil {
		used.Store(path, errors.New("the plugin's interface is of another version, or there are too many plugins"))
		return
	}
	*table = with
	once.Do(func() {
		otherwise := WithoutTriton(nil)
		C.compileoption_otherwise(C.CBytes(otherwise), C.size_t(len(otherwise)))
	})
	used.Store(path, nil)
}

// begin gives options to what this thread compiles; done ends that, and says whether it compiled something, and whether only
// [withoutTriton].
func begin(options []byte) (done func() (used, again bool)) {
	bytes := C.CBytes(options)
	C.compileoption_begin(bytes, C.size_t(len(options)))
	return func() (used, again bool) {
		var otherwise C.int
		used = C.compileoption_end(&otherwise) != 0
		C.free(bytes)
		return used, otherwise != 0
	}
}
