package train

import (
	"fmt"
	"hash/fnv"
	"math"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/internal/splitmix"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// Initial are the values that parameters start with: drawn as BERT draws them, until something better is given.
//
// Weights of linear layers and embeddings are normal with mean 0 and standard deviation Range, biases 0, LayerNorm's
// weights 1. Each number is a function of the seed, the parameter's name and its place, so that it does not matter what
// else a model has.
type Initial struct {
	Config lxmert.Config
	Seed   uint64
	Range  float64        // [InitialRange] in the reference
	Own    []lxmert.Param // see [Options].Own

	given map[string]func(dst []float32, transposed bool) error
}

// InitialRange is the standard deviation that the reference draws weights with.
const InitialRange = 0.02

// Set gives a parameter the values of an open file's tensor. The file must stay open until they have been read. It
// returns an error if the model has no such parameter or the shapes differ.
func (x *Initial) Set(name string, t *weights.Tensor) error {
	shape := x.Shape(name)
	if shape == nil {
		return fmt.Errorf("train: the model has no parameter %q", name)
	}
	if fmt.Sprint(shape) != fmt.Sprint(t.Shape) {
		return fmt.Errorf("train: %s has shape %v in the file, the model needs %v", name, t.Shape, shape)
	}
	x.give(name, func(dst []float32, transposed bool) error {
		if transposed {
			return t.ReadTransposed(dst)
		}
		return t.ReadFloat32(dst)
	})
	return nil
}

// SetValues gives a parameter values in the file's orientation.
func (x *Initial) SetValues(name string, values []float32) error {
	shape := x.Shape(name)
	if shape == nil || lxmert.Size(shape) != len(values) {
		return fmt.Errorf("train: %d values for %s, which has shape %v", len(values), name, shape)
	}
	x.give(name, func(dst []float32, transposed bool) error {
		put(dst, values, shape, transposed)
		return nil
	})
	return nil
}

func (x *Initial) give(name string, read func([]float32, bool) error) {
	if x.given == nil {
		x.given = map[string]func([]float32, bool) error{}
	}
	x.given[name] = read
}

// Given reports whether a parameter has been given its values.
func (x *Initial) Given(name string) bool { return x.given[name] != nil }

// Shape of a parameter as files have it, nil where there is none; with [Initial.Read] and [Initial.Provenance] it makes a model
// that nobody has trained, see lxrt.New.
func (x *Initial) Shape(name string) []int {
	for _, p := range append(x.Config.Params(), x.Own...) {
		if p.Name == name {
			return p.Shape
		}
	}
	return nil
}

// Provenance says that the weights were drawn, and by which seed. Parameters that were given values are not in it.
func (x *Initial) Provenance() (file, hash string, err error) {
	return fmt.Sprintf("random weights, seed %d", x.Seed), fmt.Sprintf("random:%d", x.Seed), nil
}

// Read implements [Source].
func (x *Initial) Read(name string, dst []float32, transposed bool) error {
	if read := x.given[name]; read != nil {
		return read(dst, transposed)
	}
	shape := x.Shape(name)
	if shape == nil || lxmert.Size(shape) != len(dst) {
		return fmt.Errorf("train: no values for %s of shape %v", name, shape)
	}
	values := make([]float32, len(dst))
	switch {
	case strings.HasSuffix(name, ".bias"):
	case len(shape) == 1:
		for i := range values {
			values[i] = 1
		}
	default:
		h := fnv.New64a()
		fmt.Fprintf(h, "%d/%s", x.Seed, name)
		normals(values, h.Sum64(), x.Range)
	}
	put(dst, values, shape, transposed)
	return nil
}

// normals fills dst with a normal distribution around 0, by Box and Muller's method.
func normals(dst []float32, state uint64, deviation float64) {
	uniform := func() float64 {
		state += splitmix.Gamma
		return (float64(splitmix.Mix(state)>>11) + 0.5) / (1 << 53)
	}
	for i := 0; i < len(dst); i += 2 {
		r, angle := math.Sqrt(-2*math.Log(uniform())), 2*math.Pi*uniform()
		dst[i] = float32(deviation * r * math.Cos(angle))
		if i+1 < len(dst) {
			dst[i+1] = float32(deviation * r * math.Sin(angle))
		}
	}
}

// put copies values, transposing a matrix if asked to.
func put(dst, values []float32, shape []int, transposed bool) {
	if !transposed {
		copy(dst, values)
		return
	}
	rows, cols := shape[0], shape[1]
	for r := range rows {
		for c := range cols {
			dst[c*rows+r] = values[r*cols+c]
		}
	}
}
