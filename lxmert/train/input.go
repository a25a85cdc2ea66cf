package train

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"

	"github.com/seed-516990b0/golxmert/lxmert/internal/program"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// This file says what the programs of a step take in besides weights and batches, and feeds the first of them.

// keysInput are the [lxrt.DropoutKeys] of a place.
type keysInput struct{ place string }

// shareInput is what the part counts in the step, 1 / parts.
type shareInput struct{}

// sumInput is a parameter's gradient of the step's earlier parts, and totalInput their loss.
type sumInput struct{ param string }
type totalInput struct{}

// labelInput is one of the part's labels.
type labelInput struct{ name string }

func (in keysInput) String() string  { return "the dropout keys of " + in.place }
func (shareInput) String() string    { return "the share of the part" }
func (in sumInput) String() string   { return "the sum of the gradients of " + in.param }
func (totalInput) String() string    { return "the loss of earlier parts" }
func (in labelInput) String() string { return "the labels " + in.name }

// scalarInput is float32: 1 - b1^t and 1 - b2^t, and the trainer's learning rates; on a GPU two rows of these, see
// [Trainer.scalarRows]. countInput is how many steps have moved the parameters, an int32 that a GPU keeps. gradientInput is one of
// the scalars that a gradient program returns.
type scalarInput struct{}
type countInput struct{}
type gradientInput struct{ output int }

// variableInput is an array of a variable of an update: its value, its gradient, one of the optimizer's state, or its value in bfloat16.
type variableInput struct {
	variable int // of those that the update moves
	array    variableArray
	slot     int // of the state
}

type variableArray int

const (
	valueArray variableArray = iota
	gradientArray
	stateArray
	halfArray
)

func (scalarInput) String() string { return "the scalars of the update" }
func (countInput) String() string  { return "the number of steps" }
func (in gradientInput) String() string {
	return [...]string{"the loss of the part", "the loss of the step", "the squares of the gradients"}[in.output]
}
func (in variableInput) String() string {
	return fmt.Sprintf("the %s of variable %d", [...]string{"value", "gradient", fmt.Sprintf("state %d", in.slot), "bfloat16 copy"}[in.array], in.variable)
}

// stepInputs are the arrays that a gradient program takes for one part of a step.
type stepInputs struct {
	trainer       *Trainer
	fed           *lxrt.Fed
	part          Part
	number, parts int      // the part's number in the step, and how many there are
	before        *started // the part before it

	own    []compute.Buffer // made for this run
	packed *packed          // how a GPU gets them, where they were sent
	arrays []compute.Buffer // what was sent to each
}

// buffers are the program's inputs, all of the first device, then all of the second, and so on. free frees those that are not
// the trainer's.
func (in *stepInputs) buffers(g *gradientProgram) (all []compute.Buffer, err error) {
	if in.trainer.onGPU {
		return in.unpacked(g)
	}
	for d := range g.Devices {
		for _, s := range g.Slots {
			b := in.resident(s, d)
			if b == nil {
				if b, err = in.upload(s, d, g.Devices); err != nil {
					return nil, err
				}
			}
			all = append(all, b)
		}
	}
	return all, nil
}

// isResident says whether a slot takes what is on the device already: a weight, or what earlier parts made.
func isResident(s program.Slot) bool {
	switch s.Input.(type) {
	case nil, halfInput, sumInput, totalInput:
		return true
	}
	return false
}

// resident is the buffer of that; nil for the others.
func (in *stepInputs) resident(s program.Slot, device int) compute.Buffer {
	switch input := s.Input.(type) {
	case nil:
		return in.trainer.vars.byName[s.Weight].value[device]
	case halfInput:
		return in.trainer.vars.byName[input.param].half[device]
	case sumInput:
		return in.before.gradient(device, input.param)
	case totalInput:
		return in.before.on(device, totalOutput)
	}
	return nil
}

// upload copies an input, or the device's part of it, to the device.
func (in *stepInputs) upload(s program.Slot, device, devices int) (compute.Buffer, error) {
	data, shape := in.data(s), s.Shape
	if s.Split {
		data, shape = splitOf(data, shape, device, devices)
	}
	b, err := in.trainer.backend.BufferFromFlatData(compute.DeviceNum(device), data, shape)
	if err == nil {
		in.own = append(in.own, b)
	}
	return b, err
}

// data is an input over all devices, flat.
func (in *stepInputs) data(s program.Slot) any {
	switch input := s.Input.(type) {
	case keysInput:
		rows := s.Shape.Dimensions[0]
		return lxrt.DropoutKeys(stepSeed(in.trainer.opt.Seed, in.trainer.step), input.place, in.number*rows, rows)
	case shareInput:
		return []float32{1 / float32(in.parts)}
	case labelInput:
		return in.part.Labels[input.name].Data
	}
	return in.fed.Data(s.Input)
}

func (in *stepInputs) free() {
	freeAll(in.own)
	freeAll(in.arrays)
	in.own, in.arrays = nil, nil
}

// splitOf is a device's part of flat data along its first axis.
func splitOf(data any, shape shapes.Shape, device, devices int) (any, shapes.Shape) {
	part := shape.Clone()
	part.Dimensions[0] /= devices
	n := part.Size()
	switch x := data.(type) {
	case []float32:
		return x[device*n : (device+1)*n], part
	case []int32:
		return x[device*n : (device+1)*n], part
	case []uint32:
		return x[device*n : (device+1)*n], part
	}
	panic(fmt.Errorf("train: input of type %T", data))
}
