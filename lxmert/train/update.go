package train

import (
	"errors"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert/internal/program"
)

// chunkSize is how many numbers one update program moves. A step's memory has one chunk twice, before and after; all
// parameters in one program would need the whole model and the optimizer's state twice.
const chunkSize = 32 << 20

// update is a program that moves some parameters.
type update struct {
	*program.Program
	vars []*variable
}

// updates returns the programs that move the parameters with these names, compiling them the first time.
func (t *Trainer) updates(params []string) ([]*update, error) {
	if t.movers != nil {
		return t.movers, nil
	}
	var chunks [][]*variable
	size := chunkSize
	for _, name := range params {
		v := t.vars.byName[name]
		if err := t.vars.start(v, t.optimizer.slots); err != nil {
			return nil, fmt.Errorf("train: memory for the optimizer: %w", err)
		}
		if n := v.shape.Size(); size+n > chunkSize {
			chunks, size = append(chunks, nil), 0
		}
		size += v.shape.Size()
		last := len(chunks) - 1
		chunks[last] = append(chunks[last], v)
	}
	var movers []*update
	for _, chunk := range chunks {
		u := &update{vars: chunk}
		p, err := t.compile(program.Options{Name: "lxrt update"}, func(b *program.Builder) []*Node { return t.defineUpdate(b, chunk) })
		if err != nil {
			return nil, fmt.Errorf("train: compiling the optimizer: %w", err)
		}
		u.Program = p
		movers = append(movers, u)
	}
	t.movers = movers
	return movers, nil
}

// defineUpdate returns the new value and optimizer state of each variable.
func (t *Trainer) defineUpdate(b *program.Builder, vars []*variable) []*Node {
	scalars := b.Input(scalarInput{}, dtypes.Float32, 3+len(t.rates))
	scalar := func(i int) *Node { return Reshape(Slice(scalars, AxisElem(i))) }
	clip, correct1, correct2 := scalar(0), scalar(1), scalar(2)
	var out []*Node
	for i, v := range vars {
		in := func(array variableArray, slot int) *Node {
			return b.Input(variableInput{i, array, slot}, dtypes.Float32, v.shape.Dimensions...)
		}
		p, g := in(valueArray, 0), Mul(in(gradientArray, 0), clip)
		var state []*Node
		for s := range t.optimizer.slots {
			state = append(state, in(stateArray, s))
		}
		p, state = t.optimizer.update(rates{lr: scalar(3 + v.rate), correct1: correct1, correct2: correct2}, p, g, state)
		out = append(out, p)
		out = append(out, state...)
	}
	return out
}

// run moves the variables on every device.
func (t *Trainer) runUpdate(u *update, scalars []float32, grads map[string][]compute.Buffer) (err error) {
	defer program.Recover(&err)
	width := 1 + t.optimizer.slots
	for d := range t.vars.devices {
		device := compute.DeviceNum(d)
		b, err := t.backend.BufferFromFlatData(device, scalars, shapes.Make(dtypes.Float32, len(scalars)))
		if err != nil {
			return err
		}
		inputs := make([]compute.Buffer, len(u.Slots))
		for i, s := range u.Slots {
			inputs[i] = b
			if in, ok := s.Input.(variableInput); ok {
				inputs[i] = u.vars[in.variable].buffer(in, d, grads)
			}
		}
		out, err := u.Execute(inputs, device)
		err = errors.Join(err, b.Finalize())
		if err != nil {
			return fmt.Errorf("train: moving the parameters: %w", err)
		}
		for i, v := range u.vars {
			err = errors.Join(err, replace(&v.value[d], out[i*width]), grads[v.Name][d].Finalize())
			for s := range t.optimizer.slots {
				err = errors.Join(err, replace(&v.slots[s][d], out[i*width+1+s]))
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// buffer is one of the variable's arrays on a device.
func (v *variable) buffer(in variableInput, device int, grads map[string][]compute.Buffer) compute.Buffer {
	switch in.array {
	case valueArray:
		return v.value[device]
	case gradientArray:
		return grads[v.Name][device]
	default:
		return v.slots[in.slot][device]
	}
}

// replace puts a buffer in the place of another, which is freed.
func replace(old *compute.Buffer, fresh compute.Buffer) error {
	err := (*old).Finalize()
	*old = fresh
	return err
}
