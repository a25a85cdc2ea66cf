package train

import (
	"errors"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert/internal/program"
)

// This file keeps copies of matrices in bfloat16 on a GPU where layers compute in it. The update writes them beside the parameters, so
// that a step reads two bytes of each number where it would read four and write two more for products to read. Vectors need none: they
// are converted within what reads them. A CPU converts in the step, as it has the memory for each number once.

// halfInput is the copy of a parameter in bfloat16.
type halfInput struct{ param string }

func (in halfInput) String() string { return "the bfloat16 copy of " + in.param }

// half gives layers the node of a parameter's copy, nil where they are to convert the parameter.
func (t *Trainer) half(b *program.Builder) func(name string) *Node {
	if !t.halves {
		return nil
	}
	return func(name string) *Node {
		shape := t.vars.shapeOf(name)
		if len(shape) < 2 {
			return nil
		}
		return b.Input(halfInput{name}, dtypes.BFloat16, shape...)
	}
}

// startHalves makes the copies that a program reads and that are not there. From then on updates write them.
func (t *Trainer) startHalves(g *gradientProgram) error {
	var missing []*variable
	for _, s := range g.Slots {
		if in, ok := s.Input.(halfInput); ok {
			if v := t.vars.byName[in.param]; v.half == nil {
				missing = append(missing, v)
			}
		}
	}
	if missing == nil {
		return nil
	}
	p, err := t.compile(program.Options{Name: "lxrt halves"}, func(b *program.Builder) (out []*Node) {
		for i, v := range missing {
			x := b.Input(variableInput{i, valueArray, 0}, dtypes.Float32, v.shape.Dimensions...)
			out = append(out, ConvertDType(x, dtypes.BFloat16))
		}
		return out
	})
	if err != nil {
		return fmt.Errorf("train: compiling how parameters are converted: %w", err)
	}
	defer p.Free()
	for d := range t.vars.devices {
		inputs := make([]compute.Buffer, len(missing))
		for i, v := range missing {
			inputs[i] = v.value[d]
		}
		out, err := p.Execute(inputs, compute.DeviceNum(d))
		if err != nil {
			for _, v := range missing {
				err = errors.Join(err, v.forgetHalf())
			}
			return fmt.Errorf("train: memory for parameters in bfloat16: %w", err)
		}
		for i, v := range missing {
			v.half = append(v.half, out[i])
		}
	}
	for _, u := range t.movers { // of which none writes these
		u.Free()
	}
	t.movers = nil
	return nil
}

// forgetHalf frees the copy.
func (v *variable) forgetHalf() error {
	err := freeAll(v.half)
	v.half = nil
	return err
}
