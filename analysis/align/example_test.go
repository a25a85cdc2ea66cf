package align_test

import (
	"context"
	"fmt"

	"github.com/seed-516990b0/golxmert/analysis/align"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// How far words and regions of two examples are apart. This model's regions are where its words are, turned by a right angle:
// directions at a right angle are √2 apart.
func ExampleSpaces_Gap() {
	b := &lxmert.Batch{
		IDs: [][]int32{{2, 7, 3}, {2, 8, 3}}, Feats: lxmert.NewTensor(2, 1, 2), Boxes: lxmert.NewTensor(2, 1, 4),
	}
	spaces, err := align.Read(context.Background(), turned{}, b)
	if err != nil {
		fmt.Println(err)
		return
	}
	single, pooled := spaces.Gap()
	fmt.Printf("%.3f %.3f\n", single[0], pooled[0])
	// Output: 1.414 1.414
}

// turned is a model without layers whose words are (1, 0) and whose regions are (0, 1).
type turned struct{}

func (turned) Config() lxmert.Config {
	return lxmert.Config{Vocab: 10, Hidden: 2, Heads: 1, Intermediate: 1, MaxPositions: 8, TokenTypes: 1, Activation: "gelu", FeatDim: 2, BoxDim: 4}
}

func (turned) Run(_ context.Context, b *lxmert.Batch, _ lxmert.Request) (*lxmert.Trace, error) {
	words, regions := lxmert.NewTensor(b.Rows(), b.T(), 2), lxmert.NewTensor(b.Rows(), b.V(), 2)
	for i := range len(words.Data) / 2 {
		words.Data[2*i] = 1
	}
	for i := range len(regions.Data) / 2 {
		regions.Data[2*i+1] = 3 // how long they are does not count
	}
	return &lxmert.Trace{Values: map[string]lxmert.Tensor{"hid.t.0": words, "hid.i.0": regions}, Batch: b}, nil
}
