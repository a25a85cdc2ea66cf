package weights

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// This file reads, writes and adds up low-rank adapters (Hu et al. 2021, "LoRA", section 4.1): a linear layer's weight W is used as
// W + alpha/rank B A, where A [rank,in] and B [out,rank] are what is trained.

// LoRAKey is where [SaveAdapters] keeps what the adapters are, as JSON: a key of the safetensors file's metadata.
const LoRAKey = "lxmert_lora"

// LoRA says what adapters are.
type LoRA struct {
	Rank  int     `json:"rank"`
	Alpha float64 `json:"alpha"`
	// Base tells the weights that the adapters belong to, see [Fingerprint].
	Base string `json:"base"`
}

// Scale multiplies B A.
func (l LoRA) Scale() float64 { return l.Alpha / float64(l.Rank) }

// AdapterNames are the names of the two matrices of a linear layer, such as bert.pooler.dense.
func AdapterNames(layer string) (a, b string) {
	return layer + ".lora_A.weight", layer + ".lora_B.weight"
}

// AddLowRank adds scale times left right to w [rows,cols], for left [rows,rank] and right [rank,cols]. Sums are made in float64 and
// rounded once.
func AddLowRank(w []float32, rows, cols int, left, right []float32, scale float64) {
	rank := len(left) / rows
	sums := make([]float64, cols)
	for i := range rows {
		clear(sums)
		for k, x := range left[i*rank : (i+1)*rank] {
			for j, y := range right[k*cols : (k+1)*cols] {
				sums[j] += float64(x) * float64(y)
			}
		}
		row := w[i*cols : (i+1)*cols]
		for j, s := range sums {
			row[j] = float32(float64(row[j]) + scale*s)
		}
	}
}

// Fingerprint tells float32 parameters apart: a SHA-256, in hex, over names, shapes and the CRC-32 of the values, in the order of
// the names.
func Fingerprint(items []Item) (string, error) {
	items = slices.Clone(items)
	slices.SortFunc(items, func(a, b Item) int { return strings.Compare(a.Name, b.Name) })
	all := sha256.New()
	for _, it := range items {
		values := crc32.NewIEEE()
		if err := it.Values(values); err != nil {
			return "", err
		}
		fmt.Fprintf(all, "%s %v %08x\n", it.Name, it.Shape, values.Sum32())
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}

// SaveAdapters writes what training with adapters has changed: the adapters' matrices and all other parameters that were trained,
// under canonical names. cfg is the whole model's configuration.
func SaveAdapters(path string, cfg lxmert.Config, l LoRA, items []Item) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return Save(path, cfg, items, map[string]string{LoRAKey: string(text)})
}

// Adapters are an open file of adapters.
type Adapters struct {
	LoRA
	File   *File
	Config lxmert.Config // of the whole model
	Layers []string      // that are adapted
}

// IsAdapters says whether a file is one of adapters.
func IsAdapters(f *File) bool { _, ok := f.Metadata[LoRAKey]; return ok }

// OpenAdapters opens a file that [SaveAdapters] wrote.
func OpenAdapters(name string) (_ *Adapters, err error) {
	path, err := Resolve(name)
	if err != nil {
		return nil, err
	}
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	a := &Adapters{File: f}
	text, ok := f.Metadata[LoRAKey]
	if !ok {
		return nil, fmt.Errorf("%s holds no LoRA adapters; training with --lora writes them, as BEST.lora.safetensors and LAST.lora.safetensors", path)
	}
	if err := json.Unmarshal([]byte(text), &a.LoRA); err != nil {
		return nil, fmt.Errorf("%s: %s: %w", path, LoRAKey, err)
	}
	if err := json.Unmarshal([]byte(f.Metadata[ConfigKey]), &a.Config); err != nil {
		return nil, fmt.Errorf("%s: %s: %w", path, ConfigKey, err)
	}
	if err := a.Config.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, a.check()
}

// check compares the matrices with the layers that they adapt, and all other tensors with the model's.
func (a *Adapters) check() error {
	if a.Rank < 1 {
		return fmt.Errorf("%s: the adapters have rank %d, must be at least 1", a.File.Path, a.Rank)
	}
	known := 0
	for _, p := range a.Config.Params() {
		if t, ok := a.File.Tensor(p.Name); ok {
			known++
			if err := a.shaped(t, p.Shape); err != nil {
				return err
			}
		}
		layer, isWeight := strings.CutSuffix(p.Name, ".weight")
		nameA, nameB := AdapterNames(layer)
		x, hasA := a.File.Tensor(nameA)
		y, hasB := a.File.Tensor(nameB)
		if !isWeight || !hasA && !hasB {
			continue
		}
		if !hasA || !hasB || len(p.Shape) != 2 {
			return fmt.Errorf("%s: the adapter of %s lacks one of its matrices %s and %s", a.File.Path, layer, nameA, nameB)
		}
		known += 2
		if err := a.shaped(x, []int{a.Rank, p.Shape[1]}); err != nil {
			return err
		}
		if err := a.shaped(y, []int{p.Shape[0], a.Rank}); err != nil {
			return err
		}
		a.Layers = append(a.Layers, layer)
	}
	if n := len(a.File.Names()); known != n || a.Layers == nil {
		return fmt.Errorf("%s: of its %d tensors %d belong to the model and to adapters of %d of its layers", a.File.Path, n, known, len(a.Layers))
	}
	return nil
}

func (a *Adapters) shaped(t *Tensor, shape []int) error {
	if !slices.Equal(t.Shape, shape) || !t.DType.IsFloat() {
		return fmt.Errorf("%s: %s is %s %v, must be of floating-point numbers %v", a.File.Path, t.Name, t.DType, t.Shape, shape)
	}
	return nil
}

// Close closes the file.
func (a *Adapters) Close() error { return a.File.Close() }

// Merge adds the adapters to the weights that they were trained on, and gives a whole model of the adapters' configuration as
// [Model.Items] does. Other weights are an error.
func (a *Adapters) Merge(base *Model, dtype DType) ([]Item, error) {
	name := snapshotNames(a.Config)
	var frozen, items []Item
	for _, p := range a.Config.Params() {
		if t, ok := a.File.Tensor(p.Name); ok {
			items = append(items, FromTensor(name(p.Name), t, dtype))
			continue
		}
		t, ok := base.Tensor(p.Name)
		if !ok || !slices.Equal(t.Shape, p.Shape) {
			return nil, fmt.Errorf("%s has no %s %v, to which the adapters of %s belong", base.File.Path, p.Name, p.Shape, a.File.Path)
		}
		frozen = append(frozen, FromTensor(p.Name, t, F32))
		items = append(items, a.adapted(name(p.Name), p, t, dtype))
	}
	mark, err := Fingerprint(frozen)
	if err != nil {
		return nil, err
	}
	if mark != a.Base {
		return nil, fmt.Errorf("the adapters of %s were trained on other weights than %s; run.json beside them says on which", a.File.Path, base.File.Path)
	}
	if a.Config.LM {
		items = append(items, TiedDecoder(items[0]))
	}
	return items, nil
}

// adapted is a parameter of the base with its adapter added, if it has one.
func (a *Adapters) adapted(name string, p lxmert.Param, t *Tensor, dtype DType) Item {
	layer, isWeight := strings.CutSuffix(p.Name, ".weight")
	if !isWeight || !slices.Contains(a.Layers, layer) {
		return FromTensor(name, t, dtype)
	}
	if dtype == "" {
		dtype = t.DType
	}
	nameA, nameB := AdapterNames(layer)
	x, _ := a.File.Tensor(nameA)
	y, _ := a.File.Tensor(nameB)
	return Item{Name: name, DType: dtype, Shape: p.Shape, Values: func(out io.Writer) error {
		w := make([]float32, lxmert.Size(p.Shape))
		left, right := make([]float32, p.Shape[0]*a.Rank), make([]float32, a.Rank*p.Shape[1])
		if err := errors.Join(t.ReadFloat32(w), y.ReadFloat32(left), x.ReadFloat32(right)); err != nil {
			return err
		}
		AddLowRank(w, p.Shape[0], p.Shape[1], left, right, a.Scale())
		return FromFloats(name, p.Shape, w, dtype).Values(out)
	}}
}
