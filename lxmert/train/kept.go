package train

import (
	"context"
	"errors"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/internal/program"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// This file keeps the regions of a data set's pictures on GPUs. A picture's features are 300 kB, which each step would send for each
// of its examples; of those that are there a step sends a number.

// kept are the regions of pictures on each device.
type kept struct {
	count, regions int
	arrays         [2][]compute.Buffer // featsArray and boxesArray, on each device
}

// regionArray is one of the arrays that are kept: [count,V,F] and [count,V,4].
type regionArray int

const (
	featsArray regionArray = iota
	boxesArray
)

// keptInput is one of these arrays, freshInput what is new of it, and placeInput the number of the first picture of that, int32.
type keptInput struct{ array regionArray }
type freshInput struct{ array regionArray }
type placeInput struct{}

func (a regionArray) String() string { return [...]string{"features", "boxes"}[a] }
func (in keptInput) String() string  { return "the " + in.array.String() + " that are kept" }
func (in freshInput) String() string { return "the " + in.array.String() + " to keep" }
func (placeInput) String() string    { return "the place of what is to be kept" }

// KeptBytes is the memory that [Trainer.Keep] takes of each device.
func KeptBytes(cfg lxmert.Config, bfloat16 bool, count, regions int) int64 {
	bytes := int64(0)
	for a := range regionArray(2) {
		bytes += keptShape(cfg, bfloat16, a, count, regions).ByteSize()
	}
	return bytes
}

// keptBytes is what the pictures that are kept, which there must be, take of each device.
func (t *Trainer) keptBytes() int64 {
	return KeptBytes(t.cfg, t.opt.BFloat16, t.kept.count, t.kept.regions)
}

func keptShape(cfg lxmert.Config, bfloat16 bool, a regionArray, count, regions int) shapes.Shape {
	switch {
	case a == boxesArray:
		return shapes.Make(dtypes.Float32, count, regions, cfg.BoxDim)
	case bfloat16:
		return shapes.Make(dtypes.BFloat16, count, regions, cfg.FeatDim)
	}
	return shapes.Make(dtypes.Float32, count, regions, cfg.FeatDim)
}

// freshBytes is about how much is sent at once.
const freshBytes = 64 << 20

// Keep brings pictures to the devices, a GPU's, each of which has the same number of regions. read fills features [n,V,F] and boxes
// [n,V,4] with the regions of the pictures from number first on, as a batch would have them. Features are kept in the type that layers
// compute in, which they would be converted to anyway, so that steps are the same to the bit. After an error the trainer keeps nothing,
// and is as before.
func (t *Trainer) Keep(ctx context.Context, count, regions int, read func(ctx context.Context, first int, feats, boxes []float32) error) (err error) {
	if !t.onGPU {
		return errors.New("train: regions are kept on GPUs only: what computes here reads them from the host's memory")
	}
	if count < 1 || regions < 1 || t.kept != nil {
		return fmt.Errorf("train: %d pictures with %d regions cannot be kept, or others are already", count, regions)
	}
	k := &kept{count: count, regions: regions}
	defer func() {
		if err != nil {
			err = errors.Join(err, k.free())
		}
	}()
	if err := t.empty(k); err != nil {
		return err
	}
	shape := func(a regionArray, n int) shapes.Shape { return keptShape(t.cfg, t.opt.BFloat16, a, n, regions) }
	n := min(count, max(1, freshBytes/int(4*shape(featsArray, 1).Size())))
	p, err := t.compile(program.Options{Name: "lxrt pictures", Alias: func(s program.Slot) (output int, ok bool) {
		in, ok := s.Input.(keptInput)
		return int(in.array), ok
	}}, func(b *program.Builder) []*Node {
		place, zero := b.Input(placeInput{}, dtypes.Int32), ScalarZero(b.Graph, dtypes.Int32)
		var out []*Node
		for a := range regionArray(2) {
			all, some := shape(a, count), shape(a, n)
			old := b.Input(keptInput{a}, all.DType, all.Dimensions...)
			fresh := ConvertDType(b.Input(freshInput{a}, dtypes.Float32, some.Dimensions...), all.DType)
			out = append(out, DynamicUpdateSlice(old, fresh, []*Node{place, zero, zero}))
		}
		return append(out, AddScalar(place, n))
	})
	if err != nil {
		return fmt.Errorf("train: compiling how pictures are kept: %w", err)
	}
	defer p.Free()
	feats, boxes := make([]float32, shape(featsArray, n).Size()), make([]float32, shape(boxesArray, n).Size())
	for first := 0; first < count; first += n {
		at := min(first, count-n) // the last pictures go with some that were there
		if err := read(ctx, at, feats, boxes); err != nil {
			return err
		}
		if err := onEach(t.vars.devices, func(d int) error { return t.keepMore(p, k, d, at, feats, boxes) }); err != nil {
			return fmt.Errorf("train: keeping pictures: %w", err)
		}
	}
	t.kept = k
	return nil
}

// empty makes arrays of zeros on every device.
func (t *Trainer) empty(k *kept) error {
	p, err := t.compile(program.Options{Name: "lxrt no pictures"}, func(b *program.Builder) (out []*Node) {
		for a := range regionArray(2) {
			out = append(out, Zeros(b.Graph, keptShape(t.cfg, t.opt.BFloat16, a, k.count, k.regions)))
		}
		return out
	})
	if err != nil {
		return fmt.Errorf("train: compiling where pictures are kept: %w", err)
	}
	defer p.Free()
	for d := range t.vars.devices {
		out, err := p.Execute(nil, compute.DeviceNum(d))
		if err != nil {
			return fmt.Errorf("train: memory for pictures: %w", err)
		}
		for a := range k.arrays {
			k.arrays[a] = append(k.arrays[a], out[a])
		}
	}
	return nil
}

// keepMore writes some pictures into the arrays of a device, and waits until they are there.
func (t *Trainer) keepMore(p *program.Program, k *kept, device, at int, feats, boxes []float32) (err error) {
	defer program.Recover(&err)
	where := compute.DeviceNum(device)
	inputs := make([]compute.Buffer, len(p.Slots))
	var own []compute.Buffer
	defer func() { err = errors.Join(err, freeAll(own)) }()
	for i, s := range p.Slots {
		var data any
		switch in := s.Input.(type) {
		case keptInput:
			inputs[i] = k.arrays[in.array][device]
			continue
		case freshInput:
			data = [...][]float32{feats, boxes}[in.array]
		case placeInput:
			data = []int32{int32(at)}
		}
		if inputs[i], err = t.backend.BufferFromFlatData(where, data, s.Shape); err != nil {
			return err
		}
		own = append(own, inputs[i])
	}
	out, err := p.Execute(inputs, where)
	if err != nil {
		return err
	}
	for a := range k.arrays {
		k.arrays[a][device] = out[a]
	}
	place := out[len(out)-1]
	_, err = program.Host(place, p.Outputs[len(out)-1])
	return errors.Join(err, place.Finalize())
}

func (k *kept) free() (err error) {
	if k == nil {
		return nil
	}
	for _, a := range k.arrays {
		err = errors.Join(err, freeAll(a))
	}
	return err
}

// feed checks a part's batch and prepares it.
func (t *Trainer) feed(part Part) (*lxrt.Fed, error) {
	if part.Pictures == nil {
		return lxrt.Feed(t.cfg, part.Batch)
	}
	if t.kept == nil {
		return nil, errors.New("train: the part's pictures are kept nowhere")
	}
	fed, err := lxrt.FeedTexts(t.cfg, part.Batch, t.kept.regions)
	if err != nil {
		return nil, err
	}
	if n := part.Batch.Feats.Shape[0]; n != len(part.Pictures) {
		return nil, fmt.Errorf("train: numbers of %d pictures for a batch of %d", len(part.Pictures), n)
	}
	for _, p := range part.Pictures {
		if p < 0 || int(p) >= t.kept.count {
			return nil, fmt.Errorf("train: there is no picture %d, %d are kept", p, t.kept.count)
		}
	}
	return fed, nil
}

// keptArray is the array that has an input of a part whose pictures are kept.
func (p Part) keptArray(s program.Slot) (a regionArray, ok bool) {
	switch {
	case p.Pictures == nil:
		return 0, false
	case lxrt.IsFeats(s.Input):
		return featsArray, true
	case lxrt.IsBoxes(s.Input):
		return boxesArray, true
	}
	return 0, false
}

// taken are the regions of the pictures with some numbers, int32 [n], in float32.
func taken(all, numbers *Node) *Node {
	return ConvertDType(Gather(all, ExpandAxes(numbers, -1)), dtypes.Float32)
}
