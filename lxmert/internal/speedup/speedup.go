// Package speedup is where what makes XLA's CPU plugin faster meets package backend, which opens plugins and knows none of it. A
// program switches it on by importing package speed, as it does a driver of database/sql, because parts of it reach into
// libraries that have no place for them, and one takes the place of C's allocator for the whole program.
package speedup

import (
	"sync"
	"unsafe"

	"github.com/gomlx/compute"
)

// Part is one thing that makes programs of a CPU plugin faster.
type Part struct {
	Name string // as a reader of a line about the backend knows it, such as "own matrix products"
	// Off says why this machine or its environment does without, in a few words; "" if it does not.
	Off func() string
	// Prepare comes before the first client of a plugin whose file is path, and may replace the table of functions by which
	// go-xla calls it. Programs of clients with other options are others. nil: there is nothing to do.
	Prepare func(table *unsafe.Pointer, path, options string) error
	// Wrap returns a backend of the plugin that builds its programs in another way, or b itself. nil: b stays as it is.
	Wrap func(b compute.Backend, path string) (compute.Backend, error)
	// Compiled is called after each program has been compiled. nil: it need not know.
	Compiled func()
}

var registered struct {
	sync.RWMutex
	parts []Part
}

// Register adds a part, for every backend that is opened afterwards.
func Register(p Part) {
	registered.Lock()
	defer registered.Unlock()
	registered.parts = append(registered.parts, p)
}

// Parts are those that this program has, in the order in which they came.
func Parts() []Part {
	registered.RLock()
	defer registered.RUnlock()
	return registered.parts
}

// Compiled tells all parts that a program has been compiled.
func Compiled() {
	for _, p := range Parts() {
		if p.Compiled != nil {
			p.Compiled()
		}
	}
}
