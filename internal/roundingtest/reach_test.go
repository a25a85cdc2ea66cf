package roundingtest

import (
	"context"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// steep is an engine without a model, whose only output is a number of which a relative change comes out a thousandfold.
type steep struct{}

func (steep) Config() lxmert.Config {
	return lxmert.Config{Hidden: 2, Heads: 1, FeatDim: 1, BoxDim: 4, Answers: 1}
}

func (steep) Run(_ context.Context, b *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	y := lxmert.NewTensor(1)
	for _, e := range r.Edits {
		if e.Name == "out.qa" {
			y.Data[0] = 1000 * (e.Value.Data[0] - 1)
		}
	}
	return &lxmert.Trace{Values: map[string]lxmert.Tensor{"out.qa": y}, Batch: b}, nil
}

// TestReachGrowsWithWhatRoundingDoes to a result, and is nothing for one that rounding does not touch.
func TestReachGrowsWithWhatRoundingDoes(t *testing.T) {
	b := &lxmert.Batch{IDs: [][]int32{{1}}, Feats: lxmert.NewTensor(1, 1, 1), Boxes: lxmert.NewTensor(1, 1, 4)}
	results := func(eng lxmert.Engine) map[string][]float64 {
		trace, err := eng.Run(t.Context(), b, lxmert.Request{Want: lxmert.All("out.qa")})
		if err != nil {
			t.Fatal(err)
		}
		return map[string][]float64{"steep": {1, float64(trace.Values["out.qa"].Data[0])}, "level": {1, 2}}
	}
	for _, lastBit := range []float64{Float32, BFloat16} {
		reach := Reach(t, steep{}, lastBit, results)
		if most := 2 * 1000 * lastBit; reach["steep"] < most/4 || reach["steep"] > most || reach["level"] != 0 {
			t.Errorf("last bit %g: reach %v, the most that moves can give is %g", lastBit, reach, most)
		}
	}
}
