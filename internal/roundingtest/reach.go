// Package roundingtest tells how far off numbers may be that a model computes in float32 or bfloat16, for tests that compare
// them with exact ones: bounds that follow from the data instead of from what was seen with other data.
package roundingtest

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// The last bit of a type, relative to a number. A rounding moves the number by half of it at the most.
const (
	Float32  = 0x1p-23
	BFloat16 = 0x1p-7
)

// Reach says how far rounding may move results of a model, by their names. It computes them with the model as it is and six
// times with every named activation moved by up to a last bit, each time in another way, and returns twice the largest move of
// a number of each result.
//
// How far a rounding carries depends on the weights and the inputs, which a fixed bound cannot know. From one named activation
// to the next there are about four: of the product, its bias, what an activation function or a residual does, and the weights.
// Being independent they add up to what moving by a last bit, twice as far as each of them, does. Both are as good as random,
// and so is in which number of a result they end: that of all its numbers none moves half as far in six tries as one is off
// would take moves that are all unlike the roundings.
func Reach(t testing.TB, eng lxmert.Engine, lastBit float64, results func(eng lxmert.Engine) map[string][]float64) map[string]float64 {
	t.Helper()
	reach := map[string]float64{}
	exact := results(eng)
	for seed := range uint64(6) {
		for name, moved := range results(nudged{eng, lastBit, seed}) {
			if len(moved) != len(exact[name]) {
				t.Fatalf("%s has %d numbers, %d where activations are moved", name, len(exact[name]), len(moved))
			}
			for i, x := range moved {
				reach[name] = max(reach[name], 2*math.Abs(x-exact[name][i]))
			}
		}
	}
	return reach
}

// nudged is an engine that moves every number of every named activation by up to a last bit.
type nudged struct {
	lxmert.Engine
	lastBit float64
	seed    uint64
}

func (e nudged) Run(ctx context.Context, b *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	draw := rand.New(rand.NewPCG(e.seed, 0))
	edits := append([]lxmert.Edit(nil), r.Edits...)
	for _, a := range e.Config().Names() {
		factor := lxmert.NewTensor(append([]int{1}, a.Dims(e.Config(), b.T(), b.V())...)...)
		for i := range factor.Data {
			factor.Data[i] = float32(1 + e.lastBit*(2*draw.Float64()-1))
		}
		edits = append(edits, lxmert.Edit{Name: a.Name, Op: lxmert.Multiply, Value: factor})
	}
	r.Edits = edits
	return e.Engine.Run(ctx, b, r)
}
