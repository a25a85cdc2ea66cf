package lxrt

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/shapes"

	"github.com/seed-516990b0/golxmert/lxmert/internal/program"
)

// weightStore keeps a model's parameters on the device. Each is read when a program first needs it.
type weightStore struct {
	model *Model
	mu    sync.Mutex
	on    map[string]*weight
	live  func(name string) (compute.Buffer, error) // nil: buffers are the store's own
}

type weight struct {
	mu     sync.Mutex
	buffer compute.Buffer // nil until it has been read
}

func (w *weightStore) init(m *Model) { w.model, w.on = m, map[string]*weight{} }

// isLinear reports whether a parameter is the matrix of a linear layer, which the device has as [in,out]: XLA's CPU
// products are up to twice as fast that way.
func isLinear(name string, shape []int) bool {
	return len(shape) == 2 && !strings.HasPrefix(name, "bert.embeddings.")
}

// shape is a parameter's shape on the device; nil where the model has none of that name.
func (w *weightStore) shape(name string) []int {
	shape := w.model.source.Shape(name)
	if isLinear(name, shape) {
		return []int{shape[1], shape[0]}
	}
	return shape
}

// load brings the parameters of a program to the device while it is compiled, for which it leaves processors until compiled
// is closed.
func (w *weightStore) load(slots []program.Slot, compiled <-chan struct{}) error {
	if w.live != nil {
		return nil
	}
	names, given := make(chan string), make(chan struct{})
	const readers = 2 // each uses several processors for large parameters
	errs := make(chan error, readers)
	for i := range readers {
		go func() {
			if i > 0 && runtime.GOMAXPROCS(0) < 2*readers {
				select {
				case <-compiled:
				case <-given: // others have read all, and what follows need not wait
				}
			}
			var first error
			for name := range names {
				if _, err := w.buffer(name); err != nil && first == nil {
					first = err
				}
			}
			errs <- first
		}()
	}
	for _, s := range slots {
		if s.Input == nil {
			names <- s.Weight
		}
	}
	close(names)
	close(given)
	var first error
	for range readers {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}

// buffer is a parameter on the device.
func (w *weightStore) buffer(name string) (compute.Buffer, error) {
	if w.live != nil {
		return w.live(name)
	}
	w.mu.Lock()
	e := w.on[name]
	if e == nil {
		e = &weight{}
		w.on[name] = e
	}
	w.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.buffer == nil {
		b, err := w.read(name)
		if err != nil {
			return nil, fmt.Errorf("lxrt: %s: %w", name, err)
		}
		e.buffer = b
	}
	return e.buffer, nil
}

func (w *weightStore) read(name string) (_ compute.Buffer, err error) {
	defer program.Recover(&err)
	m := w.model
	dims := w.shape(name)
	shape := shapes.Make(m.dtype, dims...)
	transposed := isLinear(name, m.source.Shape(name))
	if m.dtype == dtypes.Float32 && m.backend.HasSharedBuffers() {
		buffer, flat, err := m.backend.NewSharedBuffer(0, shape)
		if err != nil {
			return nil, err
		}
		if err := m.source.Read(name, flat.([]float32), transposed); err != nil {
			return nil, errors.Join(err, buffer.Finalize())
		}
		return buffer, nil
	}
	data := make([]float32, shape.Size())
	if err := m.source.Read(name, data, transposed); err != nil {
		return nil, err
	}
	if m.dtype == dtypes.Float32 {
		return m.backend.BufferFromFlatData(0, data, shape)
	}
	half := make([]bfloat16.BFloat16, len(data))
	for i, x := range data {
		half[i] = bfloat16.FromFloat32(x)
	}
	return m.backend.BufferFromFlatData(0, half, shape)
}

// free releases the parameters' memory on the device.
func (w *weightStore) free() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var first error
	for _, e := range w.on {
		if e.buffer != nil {
			if err := e.buffer.Finalize(); err != nil && first == nil {
				first = err
			}
		}
	}
	w.on = map[string]*weight{}
	return first
}
