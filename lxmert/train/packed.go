package train

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/lxmert/internal/program"
	"github.com/seed-516990b0/golxmert/lxmert/internal/splitmix"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// This file sends what comes with a part to a GPU as one array, of which a small program makes the inputs of the gradient program:
// each upload is waited for, and one by one a hundred of them take as long as the step. Dropout's keys are made there from the
// seed, and labels that are mostly zeros, as those of thousands of answers are, travel as pairs of place and number.
// A CPU reads the host's own arrays, without any copy, so that it has no use for this.

// packed says how the array of one device is made and what becomes of it.
type packed struct {
	*program.Program
	fields []field
	words  int // of the array
}

// header is how the array begins: the seed of the run's dropout, low word first, and the number in the step of the device's share of
// rows, shares of all parts counted.
const header = 3

// field is an input of the gradient program on one device.
type field struct {
	slot  program.Slot
	shape shapes.Shape // on one device
	from  int          // where its words begin
	pairs int          // of place and number in each row, where it travels as these; otherwise 0
	kept  bool         // of each picture its number alone travels
	array regionArray  // that the pictures are taken from
}

// packedInput is the array.
type packedInput struct{}

func (packedInput) String() string { return "what comes with the part" }

// fields are the inputs of a gradient program that come with a part.
func (in *stepInputs) fields(p *program.Program) (fields []field, words int) {
	words = header
	for _, s := range p.Slots {
		if isResident(s) {
			continue
		}
		f := field{slot: s, shape: s.Shape, from: words}
		if s.Split {
			f.shape = s.Shape.Clone()
			f.shape.Dimensions[0] /= p.Devices
		}
		f.pairs = in.pairs(s)
		f.array, f.kept = in.part.keptArray(s)
		fields = append(fields, f)
		words += f.words()
	}
	return fields, words
}

// words are those that the field takes in the array.
func (f field) words() int {
	switch {
	case isKeys(f.slot):
		return 0
	case f.pairs > 0:
		return 2 * f.pairs * f.shape.Dimensions[0]
	case f.kept:
		return f.shape.Dimensions[0]
	}
	return f.shape.Size()
}

func isKeys(s program.Slot) bool {
	_, ok := s.Input.(keysInput)
	return ok
}

// pairs is how many pairs each row of labels needs, in steps so that few programs are compiled; 0 where they would be no shorter.
func (in *stepInputs) pairs(s program.Slot) int {
	label, ok := s.Input.(labelInput)
	if !ok || s.Shape.DType != dtypes.Float32 || s.Shape.Rank() != 2 {
		return 0
	}
	data, width := in.part.Labels[label.name].Data.([]float32), s.Shape.Dimensions[1]
	most := 1
	for row := range slices.Chunk(data, width) {
		n := 0
		for _, x := range row {
			if math.Float32bits(x) != 0 {
				n++
			}
		}
		most = max(most, n)
	}
	pairs := 8
	for pairs < most {
		pairs *= 2
	}
	if 4*pairs > width {
		return 0
	}
	return pairs
}

// packedFor is the program that unpacks the fields, compiled if there is none.
func (t *Trainer) packedFor(g *gradientProgram, in *stepInputs) (*packed, error) {
	fields, words := in.fields(g.Program)
	var key []int
	for _, f := range fields {
		key = append(key, f.pairs)
	}
	name := fmt.Sprint(key, in.part.Pictures != nil)
	if p := g.packed[name]; p != nil {
		return p, nil
	}
	p := &packed{fields: fields, words: words}
	compiled, err := t.compile(program.Options{Name: "lxrt inputs"}, func(b *program.Builder) []*Node { return t.defineInputs(b, p) })
	if err != nil {
		return nil, fmt.Errorf("train: compiling how inputs reach the device: %w", err)
	}
	p.Program = compiled
	if g.packed == nil {
		g.packed = map[string]*packed{}
	}
	g.packed[name] = p
	return p, nil
}

// defineInputs returns the fields.
func (t *Trainer) defineInputs(b *program.Builder, p *packed) []*Node {
	all := b.Input(packedInput{}, dtypes.Uint32, p.words)
	g := all.Graph()
	wide := func(i int) *Node { return ConvertDType(Reshape(Slice(all, AxisElem(i))), dtypes.Uint64) }
	places := map[int][]string{} // by rows
	for _, f := range p.fields {
		if in, ok := f.slot.Input.(keysInput); ok {
			rows := f.shape.Dimensions[0]
			places[rows] = append(places[rows], in.place)
		}
	}
	keys := map[int][]*Node{}
	var seed *Node
	if len(places) > 0 {
		steps := ConvertDType(b.Input(countInput{}, dtypes.Int32), dtypes.Uint64)
		seed = BitwiseOr(wide(0), BitwiseShiftLeft(wide(1), Const(g, uint64(32))))
		seed = Add(seed, Mul(steps, Const(g, uint64(splitmix.Gamma))))
	}
	for _, rows := range slices.Sorted(maps.Keys(places)) {
		first := Mul(wide(2), Const(g, uint64(rows)))
		keys[rows] = lxrt.DropoutKeyNodes(seed, first, places[rows], rows)
	}
	var out []*Node
	for _, f := range p.fields {
		words := func(first, n int) *Node { return Slice(all, AxisRange(f.from+first, f.from+first+n)) }
		switch {
		case isKeys(f.slot):
			rows := f.shape.Dimensions[0]
			out = append(out, keys[rows][0])
			keys[rows] = keys[rows][1:]
		case f.pairs > 0:
			out = append(out, f.spread(words))
		case f.kept:
			s := keptShape(t.cfg, t.opt.BFloat16, f.array, t.kept.count, t.kept.regions)
			out = append(out, taken(b.Input(keptInput{f.array}, s.DType, s.Dimensions...), Bitcast(words(0, f.words()), dtypes.Int32)))
		default:
			out = append(out, Reshape(Bitcast(words(0, f.words()), f.shape.DType), f.shape.Dimensions...))
		}
	}
	return out
}

// spread puts each row's numbers in their places and zeros in all others. Pairs that only fill a row have the number 0.
func (f field) spread(words func(first, n int) *Node) *Node {
	rows, width, n := f.shape.Dimensions[0], f.shape.Dimensions[1], f.pairs
	shape := shapes.Make(dtypes.Float32, rows, n, width)
	over := func(x *Node) *Node {
		return BroadcastToShape(Reshape(x, rows, n, 1), shapes.Make(x.DType(), shape.Dimensions...))
	}
	places := over(Bitcast(words(0, rows*n), dtypes.Int32))
	numbers := over(Bitcast(words(rows*n, rows*n), dtypes.Float32))
	here := Equal(places, Iota(places.Graph(), places.Shape(), 2))
	return ReduceSum(Where(here, numbers, ZerosLike(numbers)), 1)
}

// send uploads the part to every device, all at once.
func (in *stepInputs) send(g *gradientProgram) error {
	p, err := in.trainer.packedFor(g, in)
	if err != nil {
		return err
	}
	in.packed, in.arrays = p, make([]compute.Buffer, g.Devices)
	for len(in.trainer.packing) < g.Devices {
		in.trainer.packing = append(in.trainer.packing, nil)
	}
	return onEach(g.Devices, func(d int) (err error) {
		defer program.Recover(&err)
		in.arrays[d], err = in.trainer.backend.BufferFromFlatData(compute.DeviceNum(d), in.pack(p, d, g.Devices), shapes.Make(dtypes.Uint32, p.words))
		return err
	})
}

// unpacked sends the part if nobody has, and gives the inputs in the order of the program's slots, all of the first device, then all
// of the second, and so on.
func (in *stepInputs) unpacked(g *gradientProgram) ([]compute.Buffer, error) {
	if in.packed == nil {
		if err := in.send(g); err != nil {
			return nil, err
		}
	}
	if err := in.trainer.startCount(); err != nil {
		return nil, err
	}
	fresh := make([][]compute.Buffer, g.Devices)
	err := onEach(g.Devices, func(d int) (err error) {
		fresh[d], err = in.unpack(d)
		return err
	})
	in.own = slices.Concat(fresh...)
	err = errors.Join(err, freeAll(in.arrays))
	if in.arrays = nil; err != nil {
		return nil, err
	}
	var all []compute.Buffer
	for d := range g.Devices {
		for _, s := range g.Slots {
			b := in.resident(s, d)
			if b == nil {
				b, fresh[d] = fresh[d][0], fresh[d][1:]
			}
			all = append(all, b)
		}
	}
	return all, nil
}

// unpack makes inputs of what was sent to a device.
func (in *stepInputs) unpack(device int) (fields []compute.Buffer, err error) {
	inputs := make([]compute.Buffer, len(in.packed.Slots))
	for i, s := range in.packed.Slots {
		switch input := s.Input.(type) {
		case countInput:
			inputs[i] = in.trainer.count[device]
		case keptInput:
			inputs[i] = in.trainer.kept.arrays[input.array][device]
		default:
			inputs[i] = in.arrays[device]
		}
	}
	return in.packed.Execute(inputs, compute.DeviceNum(device))
}

// pack makes the array of a device, which is the caller's until it is made for another part.
func (in *stepInputs) pack(p *packed, device, devices int) []uint32 {
	packing := in.trainer.packing
	words := slices.Grow(packing[device][:0], p.words)
	defer func() { packing[device] = words }()
	seed := in.trainer.opt.Seed
	words = append(words, uint32(seed), uint32(seed>>32), uint32(in.number*devices+device))
	for _, f := range p.fields {
		if isKeys(f.slot) {
			continue
		}
		if f.kept {
			n, first := f.shape.Dimensions[0], 0
			if f.slot.Split {
				first = device * n
			}
			words = append(words, bits(in.part.Pictures[first:first+n])...)
			continue
		}
		data := in.data(f.slot)
		if f.slot.Split {
			data, _ = splitOf(data, f.slot.Shape, device, devices)
		}
		switch x := data.(type) {
		case []float32:
			if f.pairs > 0 {
				words = appendPairs(words, x, f)
			} else {
				words = append(words, bits(x)...)
			}
		case []int32:
			words = append(words, bits(x)...)
		default:
			panic(fmt.Errorf("train: input of type %T", data))
		}
	}
	return words
}

// bits are numbers as they are in memory.
func bits[T float32 | int32](x []T) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}

// appendPairs appends the places of all rows, then the numbers that stand there.
func appendPairs(words []uint32, data []float32, f field) []uint32 {
	from, n := len(words), f.shape.Dimensions[0]*f.pairs
	words = append(words, make([]uint32, 2*n)...)
	places, numbers := words[from:from+n], words[from+n:]
	row := 0
	for values := range slices.Chunk(data, f.shape.Dimensions[1]) {
		at := row * f.pairs
		for i, v := range values {
			if math.Float32bits(v) != 0 {
				places[at], numbers[at] = uint32(i), math.Float32bits(v)
				at++
			}
		}
		row++
	}
	return words
}
