package roofline

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Cost is what running a program once must take, on each device that it runs on.
type Cost struct {
	Kernels int                `json:"kernels"` // what is started, copies and transfers between devices too
	FLOPs   map[string]float64 `json:"flops"`   // of matrix products, by the type that multiplies: "bf16", "tf32", "f32" and so on
	Bytes   float64            `json:"bytes"`   // that kernels read and write
	Seconds float64            `json:"seconds"`
}

// Add adds what another program takes after this one.
func (c *Cost) Add(other Cost) { c.times(1, other) }

func (c *Cost) times(n float64, other Cost) {
	c.Kernels += int(n) * other.Kernels
	c.Bytes += n * other.Bytes
	c.Seconds += n * other.Seconds
	for t, f := range other.FLOPs {
		if c.FLOPs == nil {
			c.FLOPs = map[string]float64{}
		}
		c.FLOPs[t] += n * f
	}
}

// Device is what a device can reach.
type Device struct {
	Bandwidth float64            // bytes/s of its memory
	FLOPS     map[string]float64 // by the type that multiplies, /s
	Launch    float64            // s, the least that a kernel takes
}

// H100 is NVIDIA's H100 SXM, dense, as its data sheet has it: 3.35 TB/s, and 989, 494 and 67 TFLOP/s in bfloat16, TensorFloat-32 and
// float32. Good kernels reach 80 % of the bandwidth and of float32, and 60 % of the tensor cores.
func H100() Device {
	return Device{
		Bandwidth: 0.8 * 3.35e12,
		FLOPS:     map[string]float64{"bf16": 0.6 * 989e12, "f16": 0.6 * 989e12, "tf32": 0.6 * 494e12, "f32": 0.8 * 67e12, "f64": 0.8 * 34e12},
		Launch:    2.5e-6,
	}
}

// Cost sums up the kernels of a program. It is an error if something in it cannot be counted.
func (m *Module) Cost(d Device) (Cost, error) { return m.costOf(m.entry, d) }

func (m *Module) costOf(c *computation, d Device) (all Cost, err error) {
	for _, in := range c.list {
		one, err := m.instructionCost(c, in, d)
		if err != nil {
			return all, fmt.Errorf("%s in %s: %w", in.name, c.name, err)
		}
		all.Add(one)
	}
	return all, nil
}

// free are operations that start nothing.
var free = []string{"parameter", "constant", "get-tuple-element", "tuple", "bitcast", "after-all", "partition-id", "replica-id", "opt-barrier", "async-update"}

var tripCount = regexp.MustCompile(`"known_trip_count":\{"n":"(\d+)"\}`)

func (m *Module) instructionCost(c *computation, in *instruction, d Device) (Cost, error) {
	switch {
	case slices.Contains(free, in.op), strings.HasSuffix(in.op, "-done"):
		return Cost{}, nil
	case in.op == "call":
		return m.called(in, "to_apply", d)
	case in.op == "async-start":
		return m.called(in, "calls", d)
	case in.op == "while":
		return m.loop(in, d)
	case in.op == "conditional":
		return m.branches(in, d)
	}
	return m.kernel(c, in, d)
}

// called is the cost of a computation that an attribute names.
func (m *Module) called(in *instruction, attribute string, d Device) (Cost, error) {
	body, err := m.computation(in.attribute(attribute))
	if err != nil {
		return Cost{}, err
	}
	return m.costOf(body, d)
}

func (m *Module) computation(name string) (*computation, error) {
	if c := m.all[name]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("there is no computation %q", name)
}

// loop counts as often as it is known to run, and once where that is not known.
func (m *Module) loop(in *instruction, d Device) (all Cost, err error) {
	n := 1.0
	if found := tripCount.FindStringSubmatch(in.attributes); found != nil {
		if n, err = strconv.ParseFloat(found[1], 64); err != nil {
			return all, err
		}
	}
	for _, part := range []string{"condition", "body"} {
		one, err := m.called(in, part, d)
		if err != nil {
			return all, err
		}
		all.times(n, one)
	}
	return all, nil
}

// branches counts as the one that takes longest.
func (m *Module) branches(in *instruction, d Device) (most Cost, err error) {
	names := reference.FindAllStringSubmatch(in.attribute("branch_computations"), -1)
	for _, two := range []string{"true_computation", "false_computation"} {
		if name := in.attribute(two); name != "" {
			names = append(names, []string{"", name})
		}
	}
	for _, name := range names {
		c, err := m.computation(name[1])
		if err != nil {
			return most, err
		}
		one, err := m.costOf(c, d)
		if err != nil {
			return most, err
		}
		if one.Seconds > most.Seconds {
			most = one
		}
	}
	return most, nil
}

// kernel is the cost of an instruction that is one.
func (m *Module) kernel(c *computation, in *instruction, d Device) (Cost, error) {
	k := Cost{Kernels: 1, FLOPs: map[string]float64{}}
	read, err := m.read(c, in)
	if err != nil {
		return k, err
	}
	written, err := written(in)
	if err != nil {
		return k, err
	}
	if strings.HasSuffix(in.op, "-start") && strings.HasPrefix(in.shape, "(") {
		written = max(0, written-read) // its shape has the operands, too
	}
	k.Bytes = read + written
	if err := m.addProducts(k.FLOPs, c, in); err != nil {
		return k, err
	}
	multiplying := 0.0
	for _, t := range slices.Sorted(maps.Keys(k.FLOPs)) {
		peak := d.FLOPS[t]
		if peak == 0 {
			return k, fmt.Errorf("how fast the device multiplies %s is not known", t)
		}
		multiplying += k.FLOPs[t] / peak
	}
	k.Seconds = max(k.Bytes/d.Bandwidth, multiplying, d.Launch)
	return k, nil
}

// written are the bytes of what an instruction returns. What cuBLAS works in counts for nothing.
func written(in *instruction) (float64, error) {
	shape := in.shape
	if isProductCall(in) {
		shape, _, _ = strings.Cut(shape, ", s8[")
	}
	return bytesOf(shape)
}

// read are the bytes of an instruction's operands; of those that a fusion only takes slices of, or rows, what it takes.
func (m *Module) read(c *computation, in *instruction) (total float64, err error) {
	var inner *computation
	if in.op == "fusion" {
		if inner, err = m.computation(in.attribute("calls")); err != nil {
			return 0, err
		}
	}
	for i, name := range in.operands {
		from := c.byName[name]
		if from == nil {
			continue // a computation's name
		}
		n, err := bytesOf(from.shape)
		if err != nil {
			return 0, err
		}
		if inner != nil {
			taken, all, err := inner.taken(i)
			if err != nil {
				return 0, err
			}
			if !all {
				n = min(n, taken)
			}
		}
		total += n
	}
	return total, nil
}

// taken are the bytes that a computation takes of a parameter; all: it takes it whole.
func (c *computation) taken(number int) (n float64, all bool, err error) {
	var parameter *instruction
	for _, in := range c.list {
		if in.op == "parameter" && in.arguments == strconv.Itoa(number) {
			parameter = in
		}
	}
	if parameter == nil {
		return 0, true, nil
	}
	used := false
	for _, in := range c.list {
		if !slices.Contains(in.operands, parameter.name) {
			continue
		}
		if !slices.Contains([]string{"slice", "dynamic-slice", "gather"}, in.op) || in.operands[0] != parameter.name {
			return 0, true, nil
		}
		one, err := bytesOf(in.shape)
		if err != nil {
			return 0, true, err
		}
		n, used = n+one, true
	}
	return n, !used, nil
}
