// Package rounding tells how far off numbers may be that a model computes in float32 or bfloat16: bounds that follow from the
// weights and the data instead of from what was seen with other data.
package rounding

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// The last bit of a type, relative to a number. A rounding moves the number by half of it at the most.
const (
	Float32  = 0x1p-23
	BFloat16 = 0x1p-7
)

// Reach says how far rounding may move results of a model, by their names. It computes them with the model as it is and six
// times with every named activation moved by up to a last bit, each time in another way, and returns twice the largest move of
// a number of each result. Of a result with a number that is not finite it is not finite either.
//
// How far a rounding carries depends on the weights and the inputs, which a fixed bound cannot know. From one named activation
// to the next there are about four: of the product, its bias, what an activation function or a residual does, and the weights.
// Being independent they add up to what moving by a last bit, twice as far as each of them, does. Both are as good as random,
// and so is in which number of a result they end: that of all its numbers none moves half as far in six tries as one is off
// would take moves that are all unlike the roundings.
func Reach(eng lxmert.Engine, lastBit float64, results func(eng lxmert.Engine) (map[string][]float64, error)) (map[string]float64, error) {
	reach := map[string]float64{}
	exact, err := results(eng)
	if err != nil {
		return nil, err
	}
	for seed := range uint64(6) {
		moved, err := results(nudged{eng, lastBit, seed})
		if err != nil {
			return nil, err
		}
		for name, numbers := range moved {
			if len(numbers) != len(exact[name]) {
				return nil, fmt.Errorf("%s has %d numbers, %d where activations are moved", name, len(exact[name]), len(numbers))
			}
			for i, x := range numbers {
				reach[name] = max(reach[name], 2*math.Abs(x-exact[name][i]))
			}
		}
	}
	return reach, nil
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
