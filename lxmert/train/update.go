package train

import (
	"errors"
	"fmt"
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert/internal/program"
)

// chunkSize is how many numbers one update program moves. A step's memory has one chunk twice, before and after; all
// parameters in one program would need the whole model and the optimizer's state twice. On a GPU one program moves all in place.
const chunkSize = 24 << 20

// update is a program that moves some parameters.
type update struct {
	*program.Program
	vars  []*variable
	first []int // of a variable's outputs: its value, its state, and its copy in bfloat16 if it has one
}

// updates returns the programs that move the parameters with these names, compiling them the first time.
func (t *Trainer) updates(params []string) ([]*update, error) {
	if t.movers != nil {
		return t.movers, nil
	}
	var chunks [][]*variable
	limit := chunkSize
	if t.onGPU {
		limit = math.MaxInt
	}
	size := limit
	for _, name := range params {
		v := t.vars.byName[name]
		if err := t.vars.start(v, t.optimizer.slots); err != nil {
			return nil, fmt.Errorf("train: memory for the optimizer: %w", err)
		}
		if n := v.shape.Size(); n > limit-size {
			chunks, size = append(chunks, nil), 0
		}
		size += v.shape.Size()
		last := len(chunks) - 1
		chunks[last] = append(chunks[last], v)
	}
	var movers []*update
	for _, chunk := range chunks {
		u, outputs := &update{vars: chunk}, 0
		for _, v := range chunk {
			u.first = append(u.first, outputs)
			outputs += t.arrays(v)
		}
		opt := program.Options{Name: "lxrt update"}
		if t.onGPU {
			opt.Alias = u.successor
		}
		p, err := t.compile(opt, func(b *program.Builder) []*Node { return t.defineUpdate(b, chunk) })
		if err != nil {
			return nil, fmt.Errorf("train: compiling the optimizer: %w", err)
		}
		u.Program = p
		movers = append(movers, u)
	}
	t.movers = movers
	return movers, nil
}

// arrays is how many an update returns of a variable.
func (t *Trainer) arrays(v *variable) int {
	n := 1 + t.optimizer.slots
	if v.half != nil {
		n++
	}
	return n
}

// successor is the output of an update that takes the place of one of its inputs.
func (u *update) successor(s program.Slot) (output int, ok bool) {
	in, ok := s.Input.(variableInput)
	if !ok || in.array == gradientArray {
		return 0, false
	}
	output = u.first[in.variable]
	switch in.array {
	case stateArray:
		output += 1 + in.slot
	case halfArray:
		output += 1 + len(u.vars[in.variable].slots)
	}
	return output, true
}

// defineUpdate returns the new value and optimizer state of each variable, or the old ones where the step's loss or the norm of its
// gradients is not finite. The factor of clipping is reckoned in float64, as a host reckons it.
func (t *Trainer) defineUpdate(b *program.Builder, vars []*variable) []*Node {
	scalars, count := t.scalarNodes(b)
	scalar := func(i int) *Node { return Reshape(Slice(scalars, AxisElem(i))) }
	correct1, correct2 := scalar(0), scalar(1)
	norm := Sqrt(ConvertDType(b.Input(gradientInput{squaresOutput}, dtypes.Float32), dtypes.Float64))
	good := And(IsFinite(b.Input(gradientInput{totalOutput}, dtypes.Float32)), IsFinite(norm))
	clip := ScalarOne(b.Graph, dtypes.Float32)
	if t.opt.Clip > 0 {
		limit := Const(b.Graph, t.opt.Clip)
		clip = ConvertDType(Min(ScalarOne(b.Graph, dtypes.Float64), Div(limit, Add(norm, Const(b.Graph, 1e-6)))), dtypes.Float32)
	}
	var out []*Node
	for i, v := range vars {
		in := func(array variableArray, slot int) *Node {
			return b.Input(variableInput{i, array, slot}, dtypes.Float32, v.shape.Dimensions...)
		}
		keep := func(fresh, old *Node) *Node { return Where(good, fresh, old) }
		p, g := in(valueArray, 0), Mul(in(gradientArray, 0), clip)
		var state []*Node
		for s := range t.optimizer.slots {
			state = append(state, in(stateArray, s))
		}
		fresh, moved := t.optimizer.update(rates{lr: scalar(2 + v.rate), correct1: correct1, correct2: correct2}, p, g, state)
		fresh = keep(fresh, p)
		out = append(out, fresh)
		for s := range state {
			out = append(out, keep(moved[s], state[s]))
		}
		if v.half != nil {
			b.Input(variableInput{i, halfArray, 0}, dtypes.BFloat16, v.shape.Dimensions...) // its memory is written to
			out = append(out, ConvertDType(fresh, dtypes.BFloat16))
		}
	}
	if count != nil {
		out = append(out, Add(count, ConvertDType(good, dtypes.Int32)))
	}
	return out
}

// scalarNodes are the update's scalars, [2+rates]; and on a GPU the count, whose parity says which of two rows they are.
func (t *Trainer) scalarNodes(b *program.Builder) (scalars, count *Node) {
	n := 2 + len(t.rates)
	if !t.onGPU {
		return b.Input(scalarInput{}, dtypes.Float32, n), nil
	}
	rows := b.Input(scalarInput{}, dtypes.Float32, 2, n)
	row := func(i int) *Node { return Reshape(Slice(rows, AxisElem(i)), n) }
	count = b.Input(countInput{}, dtypes.Int32)
	odd := Equal(BitwiseAnd(count, ScalarOne(b.Graph, dtypes.Int32)), ScalarOne(b.Graph, dtypes.Int32))
	return Where(odd, row(1), row(0)), count
}

// scalars are those of the step that follows so many.
func (t *Trainer) scalars(steps int) []float32 {
	c1, c2 := corrections(steps + 1)
	scalars, factor := []float32{c1, c2}, t.factor(steps)
	for _, lr := range t.rates {
		scalars = append(scalars, float32(lr*factor))
	}
	return scalars
}

// scalarRows are the scalars for a GPU, where the step before may not be finished, so that the host knows of two numbers only that one
// of them is the count: those of the even one, then those of the odd one.
func (t *Trainer) scalarRows() []float32 {
	even, odd := t.scalars(t.step), t.scalars(t.step+1)
	if t.step%2 == 1 {
		even, odd = odd, even
	}
	return append(even, odd...)
}

// move runs the optimizer on every device and frees the gradients.
func (t *Trainer) move(run *started) error {
	movers, err := t.updates(run.params)
	if err == nil {
		err = t.adapters.forget()
	}
	if err != nil {
		return err
	}
	scalars, shape := t.scalars(t.step), shapes.Make(dtypes.Float32, 2+len(t.rates))
	if t.onGPU {
		scalars, shape = t.scalarRows(), shapes.Make(dtypes.Float32, 2, 2+len(t.rates))
	}
	err = onEach(t.vars.devices, func(d int) error { return t.moveOn(d, movers, scalars, shape, run) })
	switch {
	case err != nil && t.onGPU:
		t.lost = true
		return fmt.Errorf("train: moving the parameters, of which nothing is left but what the run saved last: %w", err)
	case err != nil:
		return fmt.Errorf("train: moving the parameters: %w", err)
	}
	return nil
}

// moveOn moves the variables on one device.
func (t *Trainer) moveOn(device int, movers []*update, scalars []float32, shape shapes.Shape, run *started) (err error) {
	defer program.Recover(&err)
	where := compute.DeviceNum(device)
	numbers, err := t.backend.BufferFromFlatData(where, scalars, shape)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, numbers.Finalize()) }()
	for _, u := range movers {
		inputs := make([]compute.Buffer, len(u.Slots))
		for i, s := range u.Slots {
			switch in := s.Input.(type) {
			case scalarInput:
				inputs[i] = numbers
			case countInput:
				inputs[i] = t.count[device]
			case gradientInput:
				inputs[i] = run.on(device, in.output)
			case variableInput:
				inputs[i] = u.vars[in.variable].buffer(in, device, run)
			}
		}
		out, err := u.Execute(inputs, where)
		if err != nil {
			return err
		}
		for i, v := range u.vars {
			made := out[u.first[i]:]
			err = errors.Join(err, t.replace(&v.value[device], made[0]), run.freeGradient(device, v.Name))
			for s := range v.slots {
				err = errors.Join(err, t.replace(&v.slots[s][device], made[1+s]))
			}
			if v.half != nil {
				err = errors.Join(err, t.replace(&v.half[device], made[1+len(v.slots)]))
			}
		}
		if t.onGPU {
			err = errors.Join(err, t.count[device].Finalize())
			t.count[device] = out[len(out)-1]
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// buffer is one of the variable's arrays on a device.
func (v *variable) buffer(in variableInput, device int, run *started) compute.Buffer {
	switch in.array {
	case valueArray:
		return v.value[device]
	case gradientArray:
		return run.gradient(device, v.Name)
	case halfArray:
		return v.half[device]
	default:
		return v.slots[in.slot][device]
	}
}

// replace puts a buffer that an update made in the place of another, which is freed unless the update took it.
func (t *Trainer) replace(old *compute.Buffer, fresh compute.Buffer) (err error) {
	if !t.onGPU {
		err = (*old).Finalize()
	}
	*old = fresh
	return err
}
