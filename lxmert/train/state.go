package train

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/internal/program"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// Source gives the values that parameters start with: those of files and of [Random] are ones. Values are in the file's
// orientation unless transposed.
type Source interface {
	Read(name string, dst []float32, transposed bool) error
}

// variable is a parameter on the devices, with what the optimizer keeps for it.
type variable struct {
	lxmert.Param
	shape      shapes.Shape // on the device
	transposed bool
	frozen     bool // it stays as it is
	rate       int  // its learning rate among the trainer's

	value []compute.Buffer   // per device
	slots [][]compute.Buffer // [slot][device]; nil until the parameter is first moved
	half  []compute.Buffer   // per device, the value in bfloat16; nil: no program has read it
	chunk int                // which update program moves it; -1: none has yet
}

// variables are all parameters of a model.
type variables struct {
	backend compute.Backend
	devices int
	list    []*variable
	byName  map[string]*variable
}

// newVariables reads all parameters to every device.
func newVariables(ctx context.Context, backend compute.Backend, params []lxmert.Param, source Source, devices int) (*variables, error) {
	vs := &variables{backend: backend, devices: devices, byName: map[string]*variable{}}
	largest := 0
	for _, p := range params {
		largest = max(largest, lxmert.Size(p.Shape))
	}
	scratch := make([]float32, largest)
	for _, p := range params {
		if err := ctx.Err(); err != nil {
			return nil, errors.Join(err, vs.free())
		}
		dims, transposed := lxrt.DeviceShape(p)
		v := &variable{Param: p, shape: shapes.Make(dtypes.Float32, dims...), transposed: transposed, chunk: -1}
		data := scratch[:v.shape.Size()]
		if err := source.Read(p.Name, data, transposed); err != nil {
			return nil, errors.Join(fmt.Errorf("train: %s: %w", p.Name, err), vs.free())
		}
		vs.list = append(vs.list, v)
		vs.byName[p.Name] = v
		if err := vs.set(&v.value, data, v.shape); err != nil {
			return nil, errors.Join(noRoom(err, backend, params, p.Name, devices), vs.free())
		}
	}
	return vs, nil
}

// set replaces a buffer on every device.
func (vs *variables) set(buffers *[]compute.Buffer, data []float32, shape shapes.Shape) error {
	fresh, err := vs.upload(data, shape, vs.devices)
	if err != nil {
		return err
	}
	err = freeAll(*buffers)
	*buffers = fresh
	return err
}

// upload copies values to the first devices.
func (vs *variables) upload(data []float32, shape shapes.Shape, devices int) (fresh []compute.Buffer, err error) {
	defer program.Recover(&err)
	for d := range devices {
		b, err := vs.backend.BufferFromFlatData(compute.DeviceNum(d), data, shape)
		if err != nil {
			return nil, errors.Join(err, freeAll(fresh))
		}
		fresh = append(fresh, b)
	}
	return fresh, nil
}

// shapeOf is a parameter's shape on the device; nil where there is none of that name.
func (vs *variables) shapeOf(name string) []int {
	if v := vs.byName[name]; v != nil {
		return v.shape.Dimensions
	}
	return nil
}

// buffer is a parameter on the first device.
func (vs *variables) buffer(name string) (compute.Buffer, error) {
	if v := vs.byName[name]; v != nil {
		return v.value[0], nil
	}
	return nil, fmt.Errorf("train: the model has no parameter %q", name)
}

// host copies a buffer of a variable's shape from the first device.
func host(buffers []compute.Buffer, shape shapes.Shape) (data []float32, err error) {
	defer program.Recover(&err)
	x, err := program.Host(buffers[0], shape)
	if err != nil {
		return nil, err
	}
	return x.([]float32), nil
}

// start gives a parameter zeros as optimizer state, all of it or, where there is no memory for that, none.
func (vs *variables) start(v *variable, slots int) error {
	if v.slots != nil {
		return nil
	}
	zeros, all := make([]float32, v.shape.Size()), make([][]compute.Buffer, slots)
	for i := range all {
		if err := vs.set(&all[i], zeros, v.shape); err != nil {
			return errors.Join(err, freeAll(slices.Concat(all...)))
		}
	}
	v.slots = all
	return nil
}

func (vs *variables) free() error {
	var err error
	for _, v := range vs.list {
		err = errors.Join(err, freeAll(v.value), v.forgetHalf())
		for _, s := range v.slots {
			err = errors.Join(err, freeAll(s))
		}
		v.value, v.slots = nil, nil
	}
	return err
}

// freeAll frees buffers, but for those that were not made.
func freeAll(buffers []compute.Buffer) (err error) {
	for _, b := range buffers {
		if b != nil {
			err = errors.Join(err, b.Finalize())
		}
	}
	return err
}

// onEach does something on every device at once, since whatever waits for one would keep the others waiting, too.
func onEach(devices int, do func(device int) error) error {
	errs := make([]error, devices)
	var all sync.WaitGroup
	for d := range devices {
		all.Go(func() { errs[d] = do(d) })
	}
	all.Wait()
	return errors.Join(errs...)
}
