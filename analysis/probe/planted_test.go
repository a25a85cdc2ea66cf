package probe_test

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// planted is an engine whose states hold what a test puts there, and noise.
type planted struct {
	cfg   lxmert.Config
	seed  uint64
	words func(b *lxmert.Batch, row, level, position int, state []float32)
	boxes func(b *lxmert.Batch, row, level, region int, state []float32)
	maps  func(name string, row int, m lxmert.Tensor, b *lxmert.Batch)
}

func (e planted) Config() lxmert.Config { return e.cfg }

func (e planted) Run(_ context.Context, b *lxmert.Batch, r lxmert.Request) (*lxmert.Trace, error) {
	random := rand.New(rand.NewPCG(e.seed, uint64(b.IDs[0][1])))
	t := &lxmert.Trace{Values: map[string]lxmert.Tensor{}, Batch: b, Provenance: lxmert.Provenance{Weights: "planted"}}
	for _, want := range r.Want {
		for _, a := range e.cfg.Names() {
			if !lxmert.Match(want.Name, a.Name) {
				continue
			}
			x := lxmert.NewTensor(append([]int{b.Rows()}, a.Dims(e.cfg, b.T(), b.V())...)...)
			for i := range x.Data {
				x.Data[i] = float32(random.NormFloat64())
			}
			t.Values[a.Name] = x
			for row := range b.Rows() {
				if a.IsMap() {
					e.maps(a.Name, row, x.Row(row), b)
					continue
				}
				var stream string
				level := 0
				if _, err := fmt.Sscanf(a.Name, "hid.%1s.%d", &stream, &level); err != nil {
					return nil, err
				}
				plant := e.words
				if stream == "i" {
					plant = e.boxes
				}
				for i := range x.Row(row).Shape[0] {
					if plant != nil {
						plant(b, row, level, i, x.Row(row).Row(i).Data)
					}
				}
			}
		}
	}
	return t, nil
}

var (
	shapes = []string{"circle", "square", "star"}
	paints = []string{"red", "blue", "green", "black"}
)

// scenes are questions about pictures of three regions, each another shape; two questions about each picture.
func scenes(n int) iter.Seq2[*lxmert.Batch, error] {
	return func(yield func(*lxmert.Batch, error) bool) {
		random := rand.New(rand.NewPCG(4, 2))
		for at := 0; at < n; at += 10 {
			b := &lxmert.Batch{Feats: lxmert.NewTensor(10, 3, 1), Boxes: lxmert.NewTensor(10, 3, 4)}
			for row := range 10 {
				info := lxmert.ImageInfo{ID: fmt.Sprintf("picture %d", at+row-row%2), Source: "drawn"}
				if row%2 == 1 {
					info = b.Images[row-1]
					copy(b.Boxes.Row(row).Data, b.Boxes.Row(row-1).Data)
				} else {
					for v, s := range random.Perm(3) {
						info.Objects, info.Attributes = append(info.Objects, shapes[s]), append(info.Attributes, paints[random.IntN(4)])
						x, y := float32(random.Float64()*0.8), float32(random.Float64()*0.8)
						copy(b.Boxes.Row(row).Row(v).Data, []float32{x, y, x + 0.1, y + 0.1 + 0.1*random.Float32()})
					}
				}
				b.Images = append(b.Images, info)
				text := "what colour is the " + shapes[random.IntN(3)]
				w := lxmert.Words{Text: text, Pieces: []string{"[CLS]"}, Start: []int{-1}, End: []int{-1}, Word: []int{-1}}
				from := 0
				for k, word := range strings.Fields(text) {
					start := from + strings.Index(text[from:], word)
					from = start + len(word)
					w.Pieces, w.Start, w.End, w.Word = append(w.Pieces, word), append(w.Start, start), append(w.End, from), append(w.Word, k)
				}
				w.Pieces, w.Start, w.End, w.Word = append(w.Pieces, "[SEP]"), append(w.Start, -1), append(w.End, -1), append(w.Word, -1)
				b.Words = append(b.Words, w)
				b.IDs = append(b.IDs, []int32{1, int32(at + 1), 5, 6, 7, 8, 2}[:len(w.Pieces)])
			}
			if !yield(b, nil) {
				return
			}
		}
	}
}

func config() lxmert.Config {
	return lxmert.Config{Vocab: 100000, Hidden: 8, Heads: 2, Intermediate: 4, MaxPositions: 16, TokenTypes: 2, Activation: "gelu",
		LangLayers: 1, RegionLayers: 1, CrossLayers: 2, FeatDim: 1, BoxDim: 4}
}

// collected are all batches of a sequence.
func collected(t *testing.T, batches iter.Seq2[*lxmert.Batch, error]) (all []*lxmert.Batch) {
	t.Helper()
	for b, err := range batches {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}
