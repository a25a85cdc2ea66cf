package modality_test

import (
	"context"
	"math"
	"math/rand/v2"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// special ids and sizes of models that are made up.
const (
	padID, clsID, sepID, maskID = 0, 1, 2, 3
	classes                     = 4
)

// made is a model whose logits are a function that a test makes up. It knows no activations but out.qa. seen is told of each
// run's batch.
type made struct {
	config lxmert.Config
	logits func(x seen) []float64
	run    func(b *lxmert.Batch)
}

// seen is what a model gets to see of one row: ids that are not masked out, and features of regions that are not, by number.
type seen struct {
	words   map[int]int32
	regions map[int][]float32
}

func newMade(logits func(x seen) []float64) *made {
	return &made{
		config: lxmert.Config{
			Vocab: 100, Hidden: 4, Heads: 1, Intermediate: 4, MaxPositions: 64, TokenTypes: 2, Activation: "gelu", LangLayers: 1, RegionLayers: 1, CrossLayers: 1,
			FeatDim: 2, BoxDim: 4, Answers: classes, Match: true, Special: lxmert.SpecialIDs{Pad: padID, Cls: clsID, Sep: sepID, Mask: maskID},
		},
		logits: logits,
	}
}

func (m *made) Config() lxmert.Config { return m.config }

func (m *made) Run(_ context.Context, b *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	if err := b.Check(m.config); err != nil {
		return nil, err
	}
	if m.run != nil {
		m.run(b)
	}
	trace := &lxmert.Trace{Values: map[string]lxmert.Tensor{}, Top: map[string]lxmert.TopK{}, Provenance: lxmert.Provenance{Weights: "made up"}}
	all := lxmert.NewTensor(b.Rows(), classes)
	for row := range b.Rows() {
		text, image := row, row
		if b.Pairs != nil {
			text, image = b.Pairs[row][0], b.Pairs[row][1]
		}
		x := seen{map[int]int32{}, map[int][]float32{}}
		for t, id := range b.IDs[text] {
			if b.TextMask == nil || b.TextMask[text][t] > 0 {
				x.words[t] = id
			}
		}
		for v := range b.V() {
			if b.RegionMask == nil || b.RegionMask[image][v] > 0 {
				x.regions[v] = b.Feats.Row(image).Row(v).Data
			}
		}
		for c, y := range m.logits(x) {
			all.Row(row).Data[c] = float32(y)
		}
	}
	for _, read := range r.Want {
		key := read.As
		if key == "" {
			key = read.Name
		}
		if read.Top == 0 {
			trace.Values[key] = all
			continue
		}
		top := lxmert.TopK{Values: lxmert.NewTensor(b.Rows(), 1)}
		for row := range b.Rows() {
			best := 0
			for c, y := range all.Row(row).Data {
				if y > all.Row(row).Data[best] {
					best = c
				}
			}
			top.Index = append(top.Index, int32(best))
			top.Values.Data[row] = all.At(row, best)
		}
		trace.Top[key] = top
	}
	if r.Grad != nil {
		trace.Score = make([]float32, b.Rows())
		for _, term := range r.Grad.Of {
			for row := range trace.Score {
				y := float64(all.At(row, term.Class[row]))
				if term.Kind == lxmert.Probability {
					sum := 0.0
					for _, other := range all.Row(row).Data {
						sum += math.Exp(float64(other) - y)
					}
					y = 1 / sum
				}
				trace.Score[row] += term.Weight[row] * float32(y)
			}
		}
	}
	return trace, nil
}

// examples are texts and pictures of random ids and features, of which the texts have different lengths.
func examples(n, words, regions int, seed uint64) *lxmert.Batch {
	random := rand.New(rand.NewPCG(seed, 0))
	b := &lxmert.Batch{Feats: lxmert.NewTensor(n, regions, 2), Boxes: lxmert.NewTensor(n, regions, 4)}
	for i := range n {
		ids := []int32{clsID}
		for range max(1, words-i%2) {
			ids = append(ids, 4+random.Int32N(90))
		}
		b.IDs = append(b.IDs, append(ids, sepID))
	}
	for i := range b.Feats.Data {
		b.Feats.Data[i] = 1 + random.Float32()
	}
	return b
}

// ofWords and ofRegions are sums over what is there, as whole numbers of 64ths, so that sums of float32 are exact.
func (x seen) ofWords(c int) float64 {
	sum := 0.0
	for t, id := range x.words {
		if id > maskID {
			sum += float64((int(id)*(7+c)+t*(3+5*c))%29) / 64
		}
	}
	return sum
}

func (x seen) ofRegions(c int) float64 {
	sum := 0.0
	for v, feats := range x.regions {
		sum += math.Round(64*float64(feats[0])*float64(1+(v+c)%3)) / 64
	}
	return sum
}
