package train

import (
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/gomlx/compute"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// This file trains low-rank adapters in the place of the layers that they adapt (Hu et al. 2021, "LoRA", section 4.1).

// LoRA are the choices of low-rank adapters. The zero value is none. With adapters, the model's body stays as it is: what trains is
// they, and the heads. Models and snapshots of a trainer have them added to the weights.
type LoRA struct {
	Rank    int     // of B A; 0: there are no adapters
	Alpha   float64 // B A is multiplied by Alpha / Rank; 0: by 1
	Dropout float64 // rate of dropout of what adapters read, 0 to below 1
	// Targets are the layers of the body that are adapted: words of [LoRATargets], or patterns of layers' names such as
	// "bert.encoder.x_layers.*". None: query and value, which the paper found best for their number of parameters.
	Targets []string
}

// LoRATargets are words for the projections of all attention blocks, and for both layers of all feed-forward blocks.
func LoRATargets() []string { return []string{"query", "key", "value", "output", "ffn"} }

// kindOf is the word of [LoRATargets] for a layer, "" for one outside attention and feed-forward blocks.
func kindOf(layer string) string {
	parts := strings.Split(layer, ".")
	last := parts[len(parts)-1]
	switch {
	case last == "query" || last == "key" || last == "value":
		return last
	case !strings.Contains(layer, "layer"): // of none of the stacks layer, r_layers and x_layers
		return ""
	case strings.HasSuffix(layer, ".output.dense") && strings.Contains(parts[len(parts)-3], "att"):
		return "output"
	}
	return "ffn"
}

func (l LoRA) check() error {
	switch {
	case l.Rank < 0:
		return fmt.Errorf("train: the rank of adapters is %d, must be at least 1", l.Rank)
	case !(l.Alpha >= 0) || math.IsInf(l.Alpha, 0):
		return fmt.Errorf("train: alpha of adapters is %g, must be 0 or more", l.Alpha)
	case !(l.Dropout >= 0 && l.Dropout < 1):
		return fmt.Errorf("train: the dropout rate of adapters is %g, must be from 0 to below 1", l.Dropout)
	}
	return nil
}

// adapters are those of a trainer.
type adapters struct {
	lxrt.LoRA
	about  weights.LoRA
	layers []string // in the model's order
	params []lxmert.Param

	mu    sync.Mutex
	added map[string][]compute.Buffer // weights with their adapters, as the parameters are
}

// newAdapters finds the layers to adapt. Nil: there are none.
func newAdapters(cfg lxmert.Config, l LoRA) (*adapters, error) {
	if err := l.check(); err != nil || l.Rank == 0 {
		return nil, err
	}
	if l.Alpha == 0 {
		l.Alpha = float64(l.Rank)
	}
	targets := l.Targets
	if targets == nil {
		targets = []string{"query", "value"}
	}
	shapes := map[string][]int{}
	var all []string
	for _, p := range cfg.Params() {
		if _, linear := lxrt.DeviceShape(p); linear && isBody(p.Name) {
			layer := strings.TrimSuffix(p.Name, ".weight")
			all, shapes[layer] = append(all, layer), p.Shape
		}
	}
	a := &adapters{LoRA: lxrt.LoRA{Layers: map[string]bool{}}, about: weights.LoRA{Rank: l.Rank, Alpha: l.Alpha}}
	a.Scale = a.about.Scale()
	for _, target := range targets {
		var chosen []string
		if slices.Contains(LoRATargets(), target) {
			chosen = slices.DeleteFunc(slices.Clone(all), func(layer string) bool { return kindOf(layer) != target })
		} else {
			var err error
			if chosen, err = matchNames(target, all, "layer of the model's body"); err != nil {
				return nil, fmt.Errorf("train: adapters: %w; there are also the words %s", err, strings.Join(LoRATargets(), ", "))
			}
		}
		for _, layer := range chosen {
			a.Layers[layer] = true
		}
	}
	for _, layer := range all {
		if !a.Layers[layer] {
			continue
		}
		shape := shapes[layer]
		if most := min(shape[0], shape[1]); l.Rank > most {
			return nil, fmt.Errorf("train: adapters: rank %d is more than %s has, %v; take at most %d, or leave it out of the targets", l.Rank, layer, shape, most)
		}
		nameA, nameB := weights.AdapterNames(layer)
		a.layers = append(a.layers, layer)
		a.params = append(a.params, lxmert.Param{Name: nameA, Shape: []int{l.Rank, shape[1]}}, lxmert.Param{Name: nameB, Shape: []int{shape[0], l.Rank}})
	}
	return a, nil
}

// isBody says whether a parameter is of the part that all tasks share.
func isBody(name string) bool { return strings.HasPrefix(name, "bert.") }

// start are the values that a matrix of an adapter starts with, as in the paper: A is normal, and B zero, so that training begins
// with the model as it is. The paper does not say how wide A is; with a variance of one over its inputs A x is as large as x.
func (a *adapters) start(seed uint64, p lxmert.Param, dst []float32, transposed bool) {
	clear(dst)
	if strings.HasSuffix(p.Name, ".lora_B.weight") {
		return
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%d/%s", seed, p.Name)
	values := make([]float32, len(dst))
	normals(values, h.Sum64(), 1/math.Sqrt(float64(p.Shape[1])))
	put(dst, values, p.Shape, transposed)
}

// adapted says whether a parameter is a weight with an adapter, and names its layer.
func (a *adapters) adapted(param string) (layer string, ok bool) {
	if a == nil {
		return "", false
	}
	layer, isWeight := strings.CutSuffix(param, ".weight")
	return layer, isWeight && a.Layers[layer]
}

// adapter says whether a parameter is an adapter's matrix, and names the layer.
func (a *adapters) adapter(param string) (layer string, ok bool) {
	if a == nil {
		return "", false
	}
	layer, _, ok = strings.Cut(param, ".lora_")
	return layer, ok && a.Layers[layer]
}

// withAdapters is a source with the values that adapters start with.
type withAdapters struct {
	Source
	adapters *adapters
	seed     uint64
}

func (s withAdapters) Read(name string, dst []float32, transposed bool) error {
	for _, p := range s.adapters.params {
		if p.Name == name {
			s.adapters.start(s.seed, p, dst, transposed)
			return nil
		}
	}
	return s.Source.Read(name, dst, transposed)
}

// effective is a parameter's values on the host, on the device's axes, with its adapter added if it has one.
func (t *Trainer) effective(v *variable) ([]float32, error) {
	data, err := host(v.value, v.shape)
	layer, ok := t.adapters.adapted(v.Name)
	if err != nil || !ok {
		return data, err
	}
	var low [2][]float32
	nameA, nameB := weights.AdapterNames(layer)
	for i, name := range []string{nameA, nameB} {
		m := t.vars.byName[name]
		if low[i], err = host(m.value, m.shape); err != nil {
			return nil, err
		}
	}
	dims := v.shape.Dimensions
	weights.AddLowRank(data, dims[0], dims[1], low[0], low[1], t.adapters.Scale)
	return data, nil
}

// saveAdapters writes the adapters and the heads: what weights.Adapters adds to the model that training began with.
func (t *Trainer) saveAdapters(path string) error {
	var trained, base []weights.Item
	for _, v := range t.vars.list {
		it := v.item(v.Name, func() ([]float32, error) { return host(v.value, v.shape) })
		if _, is := t.adapters.adapter(v.Name); is || !isBody(v.Name) {
			trained = append(trained, it)
		} else {
			base = append(base, it)
		}
	}
	about := &t.adapters.about
	if about.Base == "" { // it stays as it is
		var err error
		if about.Base, err = weights.Fingerprint(base); err != nil {
			return err
		}
	}
	return weights.SaveAdapters(path, t.cfg, *about, trained)
}

// adaptersFile is the file of adapters beside a snapshot.
func adaptersFile(snapshot string) string {
	return strings.TrimSuffix(snapshot, ".pth") + ".lora.safetensors"
}

// current is a parameter on the first device as models compute with it. Weights with their adapters added are kept until the
// parameters move.
func (t *Trainer) current(name string) (compute.Buffer, error) {
	v := t.vars.byName[name]
	if _, ok := t.adapters.adapted(name); !ok || v == nil {
		return t.vars.buffer(name)
	}
	a := t.adapters
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.added[name] == nil {
		data, err := t.effective(v)
		if err != nil {
			return nil, err
		}
		if a.added[name], err = t.vars.upload(data, v.shape, 1); err != nil {
			return nil, err
		}
	}
	return a.added[name][0], nil
}

// forget frees what current has made.
func (a *adapters) forget() error {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []compute.Buffer
	for _, b := range a.added {
		all = append(all, b...)
	}
	a.added = map[string][]compute.Buffer{}
	return freeAll(all)
}
