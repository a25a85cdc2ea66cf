package analysis_test

import (
	"context"
	"math/rand/v2"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// fake is an engine without a model: its outputs are numbers from a seed, and it remembers what it ran.
type fake struct {
	cfg  lxmert.Config
	last *lxmert.Batch
}

func (f *fake) Config() lxmert.Config { return f.cfg }

func (f *fake) Run(ctx context.Context, b *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.last = b
	trace := &lxmert.Trace{Batch: b, Top: map[string]lxmert.TopK{}}
	for _, w := range r.Want {
		random := rand.New(rand.NewPCG(1, uint64(len(w.Name))))
		var top lxmert.TopK
		rows := b.Rows()
		if f.cfg.Rows(w.Name) == lxmert.TaskRows {
			rows /= 2
		}
		for range rows {
			top.Index = append(top.Index, int32(random.IntN(f.cfg.ClassCount(w.Name))))
		}
		trace.Top[w.As] = top
	}
	return trace, nil
}

// small is a model with every head.
func small() lxmert.Config {
	return lxmert.Config{
		Vocab: 40, Hidden: 12, Heads: 3, Intermediate: 20, MaxPositions: 16, TokenTypes: 2, Activation: "gelu",
		LangLayers: 1, RegionLayers: 1, CrossLayers: 1, FeatDim: 6, BoxDim: 4,
		LM: true, Match: true, Objects: 8, Attributes: 5, FeatHead: true, Answers: 6,
		Special: lxmert.SpecialIDs{Pad: 0, Cls: 1, Sep: 2, Mask: 3},
	}
}

// sentences is a batch of two texts of different lengths and two pictures of three regions.
func sentences() *lxmert.Batch {
	b := &lxmert.Batch{
		IDs:   [][]int32{{1, 10, 11, 12, 2}, {1, 20, 2}},
		Feats: lxmert.NewTensor(2, 3, 6), Boxes: lxmert.NewTensor(2, 3, 4),
		Images: []lxmert.ImageInfo{{ID: "a", Source: "a.tsv", Objects: []string{"cat", "dog"}}, {ID: "b"}},
	}
	for i := range b.Feats.Data {
		b.Feats.Data[i] = float32(i + 1)
	}
	for i := range b.Boxes.Data {
		b.Boxes.Data[i] = float32(i%4) / 4
	}
	return b
}
