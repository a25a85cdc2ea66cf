package patch_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/patch"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// linear is an engine whose model has the names of LXMERT and is linear: each level and each head's .ctx is a random mixture of
// the input and of all such activations before it, and so is the one answer's logit.
type linear struct {
	cfg    lxmert.Config
	places []lxmert.Activation
	mix    [][][]float64 // of each place the weights of all numbers before it: those of the input, then the places'
	answer []float64
}

const linearWords, linearRegions = 3, 2

func newLinear(seed uint64) *linear {
	e := &linear{cfg: lxmert.Config{
		Vocab: 9, Hidden: 2, Heads: 2, Intermediate: 2, MaxPositions: 8, TokenTypes: 2, Activation: "gelu",
		LangLayers: 1, RegionLayers: 1, CrossLayers: 1, FeatDim: 2, BoxDim: 4, Answers: 1,
	}}
	draw := rand.New(rand.NewPCG(seed, 1))
	weights := func(n int) []float64 {
		w := make([]float64, n)
		for i := range w {
			w[i] = draw.NormFloat64() / math.Sqrt(float64(n))
		}
		return w
	}
	before := linearWords + linearRegions*e.cfg.FeatDim
	for _, a := range e.cfg.Names() {
		if !lxmert.Match("hid.*.*", a.Name) && !lxmert.Match("*.*.*.ctx", a.Name) {
			continue
		}
		e.places = append(e.places, a)
		var rows [][]float64
		for range lxmert.Size(a.Dims(e.cfg, linearWords, linearRegions)) {
			rows = append(rows, weights(before))
		}
		e.mix = append(e.mix, rows)
		before += len(rows)
	}
	e.answer = weights(before)
	return e
}

func (e *linear) Config() lxmert.Config { return e.cfg }

// Run knows the edit Set, reads of whole activations, and gradients of the answer's logit.
func (e *linear) Run(_ context.Context, b *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	trace := &lxmert.Trace{Values: map[string]lxmert.Tensor{}, Grads: map[string]lxmert.Tensor{}, Batch: b}
	pairs := b.Pairs
	b = analysis.Separate(b)
	for _, a := range e.places {
		shape := append([]int{b.Rows()}, a.Dims(e.cfg, linearWords, linearRegions)...)
		trace.Values[a.Name], trace.Grads[a.Name] = lxmert.NewTensor(shape...), lxmert.NewTensor(shape...)
	}
	for n := range b.Rows() {
		var x, open []float64 // all numbers so far, and how much of each an edit lets through
		for _, id := range b.IDs[n] {
			x = append(x, float64(id))
		}
		x = append(x, b.Feats.Row(n).Float64s()...)
		open = append(open, make([]float64, len(x))...)
		for i, a := range e.places {
			var y []float64
			for _, w := range e.mix[i] {
				y = append(y, dot(w, x))
			}
			passed := slices.Repeat([]float64{1}, len(y))
			for _, edit := range r.Edits {
				if edit.Name == a.Name {
					n := n // of edits, a row of a text or of a picture
					switch rows := e.cfg.Rows(a.Name); {
					case pairs != nil && rows == lxmert.TextRows:
						n = pairs[n][0]
					case pairs != nil && rows == lxmert.ImageRows:
						n = pairs[n][1]
					}
					value, mask := spread(edit.Value, n, trace.Values[a.Name].Shape), spread(edit.Mask, n, trace.Values[a.Name].Shape)
					for j := range y {
						y[j] += (value[j] - y[j]) * mask[j]
						passed[j] *= 1 - mask[j]
					}
				}
			}
			narrow(trace.Values[a.Name].Row(n), y)
			x, open = append(x, y...), append(open, passed...)
		}
		trace.Score = append(trace.Score, float32(dot(e.answer, x)))
		g := slices.Clone(e.answer)
		for i, end := len(e.places)-1, len(x); i >= 0; i-- {
			at := end - len(e.mix[i])
			narrow(trace.Grads[e.places[i].Name].Row(n), g[at:end])
			for j, w := range e.mix[i] {
				for k := range w {
					g[k] += g[at+j] * open[at+j] * w[k]
				}
			}
			end = at
		}
	}
	return trace, nil
}

// spread is a row of a tensor that is broadcast to a shape.
func spread(t lxmert.Tensor, row int, shape []int) []float64 {
	var out []float64
	index := make([]int, len(shape))
	for i := range lxmert.Size(shape[1:]) {
		for axis, rest := len(shape)-1, i; axis > 0; axis-- {
			index[axis] = min(rest%shape[axis], t.Shape[axis]-1)
			rest /= shape[axis]
		}
		index[0] = min(row, t.Shape[0]-1)
		out = append(out, float64(t.At(index...)))
	}
	return out
}

func dot(x, y []float64) (sum float64) {
	for i := range x {
		sum += x[i] * y[i]
	}
	return sum
}

func narrow(to lxmert.Tensor, from []float64) {
	for i, x := range from {
		to.Data[i] = float32(x)
	}
}

// TestAttributionPatchingOfALinearModelIsExact: heads and levels at every position, both ways; and not because nothing happens.
func TestAttributionPatchingOfALinearModelIsExact(t *testing.T) {
	for seed := range uint64(3) {
		eng := newLinear(seed)
		draw := rand.New(rand.NewPCG(seed, 2))
		input := func() *lxmert.Batch {
			b := &lxmert.Batch{Feats: lxmert.NewTensor(2, linearRegions, 2), Boxes: lxmert.NewTensor(2, linearRegions, 4)}
			for range 2 {
				b.IDs = append(b.IDs, []int32{1, draw.Int32N(9), 2})
			}
			for i := range b.Feats.Data {
				b.Feats.Data[i] = draw.Float32()
			}
			return b
		}
		p := pairOf(t, eng, input(), input(), analysis.Answer(0))
		for _, d := range []patch.Direction{patch.Noising, patch.Denoising} {
			for row, a := range attribute(t, p, patch.AttributionOptions{Direction: d, Check: -1}) {
				most := 0.0
				for _, e := range a.Effects {
					most = max(most, math.Abs(e.Exact))
				}
				for _, e := range a.Effects {
					if math.Abs(e.Exact-e.Estimate) > 1e-5*(1+most) {
						t.Errorf("seed %d, %s, row %d: %s changes the score by %g, by first order %g", seed, d, row, e.Node, e.Exact, e.Estimate)
					}
				}
				if most < 0.01 {
					t.Errorf("seed %d, %s, row %d: no node has an effect", seed, d, row)
				}
			}
		}
	}
}
