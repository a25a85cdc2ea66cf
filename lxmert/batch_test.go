package lxmert

import (
	"errors"
	"math"
	"strings"
	"testing"
)

// smallConfig is a model of a few units, with every head.
func smallConfig() Config {
	return Config{
		Vocab: 50, Hidden: 8, Heads: 2, Intermediate: 16, MaxPositions: 6, TokenTypes: 2, Activation: "gelu",
		LangLayers: 1, RegionLayers: 1, CrossLayers: 1, FeatDim: 3, BoxDim: 4,
		LM: true, Match: true, Objects: 5, Attributes: 4, FeatHead: true, Answers: 7, TaskClasses: 2, TaskImages: 1,
	}
}

// fullBatch has two texts of different lengths, two images of two regions, three pairs, and everything optional.
func fullBatch() *Batch {
	b := &Batch{
		IDs:      [][]int32{{1, 7, 9, 2}, {1, 2}},
		Segments: [][]int32{{0, 0, 1, 1}, {0, 0}},
		TextMask: [][]float32{{1, 1, 1, 0.5}, {1, 0}},
		Words: []Words{
			{Text: "a <ré>\u2028", Pieces: []string{"[CLS]", "a", "re", "[SEP]"}, Start: []int{-1, 0, 3, -1}, End: []int{-1, 1, 6, -1}, Word: []int{-1, 0, 1, -1}},
			{Pieces: []string{"[CLS]", "[SEP]"}, Start: []int{-1, -1}, End: []int{-1, -1}, Word: []int{-1, -1}},
		},
		Feats:      NewTensor(2, 2, 3),
		Boxes:      NewTensor(2, 2, 4),
		RegionMask: [][]float32{{1, 1}, {1, 0}},
		Images: []ImageInfo{
			{ID: "cat", Width: 640, Height: 480, File: "cat.jpg", Objects: []string{"cat", "mat"}, Attributes: []string{"black"}, Source: "train_obj36.tsv"},
			{ID: "dog"},
		},
		Pairs: [][2]int{{0, 0}, {0, 1}, {1, 1}},
	}
	for i := range b.Feats.Data {
		b.Feats.Data[i] = float32(i) / 4
	}
	for i := range b.Boxes.Data {
		b.Boxes.Data[i] = float32(i) / 16
	}
	return b
}

func TestBatchCheckNamesTheFirstEntryThatDoesNotFit(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		change func(*Batch)
		want   string
	}{
		{func(b *Batch) { *b = Batch{} }, "there is no text"},
		{func(b *Batch) { b.Segments = b.Segments[:1] }, "2 texts but 1 rows of segments"},
		{func(b *Batch) { b.TextMask = b.TextMask[:1] }, "2 texts but 1 rows of text mask"},
		{func(b *Batch) { b.Words = b.Words[:1] }, "2 texts but 1 rows of words"},
		{func(b *Batch) { b.IDs[1] = nil }, "text 1 is empty"},
		{func(b *Batch) { b.Segments[1] = []int32{0} }, "text 1 has 2 word pieces but 1 segments"},
		{func(b *Batch) { b.TextMask[0] = []float32{1} }, "text 0 has 4 word pieces but 1 mask values"},
		{func(b *Batch) { b.TextMask[0][2] = nan }, "text 0: mask value 2 is NaN"},
		{func(b *Batch) { b.TextMask[1][1] = 2 }, "text 1: mask value 1 is 2, must be from 0 to 1"},
		{func(b *Batch) { b.TextMask[1][0] = -1 }, "text 1: mask value 0 is -1"},
		{func(b *Batch) { b.Words[0].Pieces = nil }, "text 0: 4 word pieces but words with 0 pieces, 4 starts"},
		{func(b *Batch) { b.Words[1].Start = []int{-1} }, "text 1: 2 word pieces but words with 2 pieces, 1 starts"},
		{func(b *Batch) { b.Words[1].End = nil }, "2 starts, 0 ends"},
		{func(b *Batch) { b.Words[1].Word = nil }, "2 ends and 0 numbers"},
		{func(b *Batch) { b.Words[0].End[2] = 11 }, "text 0: position 2: bytes 3 to 11 of a sentence of 10"},
		{func(b *Batch) { b.Words[0].End[2] = 2 }, "text 0: position 2: bytes 3 to 2"},
		{func(b *Batch) { b.Words[0].Start[2] = -1 }, "text 0: position 2: bytes -1 to 6"},
		{func(b *Batch) { b.Words[0].Word[3] = -2 }, "text 0: position 3: word -2"},

		{func(b *Batch) { b.Feats = Tensor{} }, "region features have shape []"},
		{func(b *Batch) { b.Boxes = Tensor{} }, "boxes have shape []"},
		{func(b *Batch) { b.Boxes = NewTensor(1, 2, 4) }, "boxes have shape [1 2 4]"},
		{func(b *Batch) { b.Boxes = NewTensor(2, 3, 4) }, "the features need [2, 2, 4]"},
		{func(b *Batch) { b.Feats.Data = b.Feats.Data[1:] }, "region features: shape [2 2 3] does not fit 11 values"},
		{func(b *Batch) { b.Boxes.Data = nil }, "boxes: shape [2 2 4] does not fit 0 values"},
		{func(b *Batch) { b.Feats.Shape, b.Boxes.Shape = []int{-2, -2, 3}, []int{-2, -2, 4} }, "region features: shape [-2 -2 3]"},
		{func(b *Batch) {
			b.Feats = Tensor{Shape: []int{1 << 32, 1 << 32, 3}}
			b.Boxes = Tensor{Shape: []int{1 << 32, 1 << 32, 4}}
		}, "does not fit 0 values"},
		{func(b *Batch) { b.Feats.Data[11] = nan }, "region features: entry [1 1 2] is NaN"},
		{func(b *Batch) { b.Feats.Data[4] = -inf }, "region features: entry [0 1 1] is -Inf"},
		{func(b *Batch) { b.Boxes.Data[9] = inf }, "boxes: entry [1 0 1] is +Inf"},
		{func(b *Batch) { b.Feats, b.Boxes = NewTensor(0, 2, 3), NewTensor(0, 2, 4) }, "there is no image"},
		{func(b *Batch) { b.RegionMask = b.RegionMask[:1] }, "2 images but 1 rows of region mask"},
		{func(b *Batch) { b.RegionMask[1] = []float32{1} }, "image 1 has 2 regions but 1 mask values"},
		{func(b *Batch) { b.RegionMask[1][0] = nan }, "image 1: mask value 0 is NaN"},
		{func(b *Batch) { b.Images = b.Images[:1] }, "2 images but 1 descriptions"},
		{func(b *Batch) { b.Images[1].Objects = make([]string, 3) }, "image 1 has 2 regions but 3 objects and 0 attributes"},
		{func(b *Batch) { b.Images[1].Attributes = make([]string, 3) }, "0 objects and 3 attributes"},

		{func(b *Batch) { b.Pairs = [][2]int{} }, "there is no pair: nil Pairs mean one to one"},
		{func(b *Batch) {
			b.Pairs = nil
			b.IDs, b.Segments, b.TextMask, b.Words = b.IDs[:1], nil, nil, nil
		}, "1 texts and 2 images: without Pairs there must be as many of each"},
		{func(b *Batch) { b.Pairs[1][0] = 2 }, "pair 1 is text 2 and image 1, there are 2 texts and 2 images"},
		{func(b *Batch) { b.Pairs[1][0] = -1 }, "pair 1 is text -1"},
		{func(b *Batch) { b.Pairs[2][1] = 2 }, "pair 2 is text 1 and image 2"},
		{func(b *Batch) { b.Pairs[2][1] = -1 }, "pair 2 is text 1 and image -1"},

		{func(b *Batch) { b.IDs[1], b.Segments, b.TextMask, b.Words = make([]int32, 7), nil, nil, nil }, "text 1 has 7 word pieces, the model's longest is 6"},
		{func(b *Batch) { b.IDs[0][3] = 50 }, "text 0, position 3: id 50 is outside the vocabulary of 50"},
		{func(b *Batch) { b.IDs[0][3] = -1 }, "text 0, position 3: id -1"},
		{func(b *Batch) { b.Segments[0][3] = 2 }, "text 0, position 3: segment 2, the model has 2"},
		{func(b *Batch) { b.Segments[1][0] = -1 }, "text 1, position 0: segment -1"},
		{func(b *Batch) { b.Feats = NewTensor(2, 2, 2) }, "region features have shape [2 2 2], the model needs [images, regions, 3]"},
		{func(b *Batch) { b.Boxes = NewTensor(2, 2, 5) }, "boxes have shape [2 2 5], the model needs [2, 2, 4]"},
	} {
		b := fullBatch()
		c.change(b)
		err := b.Check(smallConfig())
		if !errors.Is(err, ErrBatch) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v does not say %q", err, c.want)
		}
	}
}

func TestBatchCheckAcceptsWhatIsOptional(t *testing.T) {
	for name, change := range map[string]func(*Batch){
		"everything": func(*Batch) {},
		"one to one": func(b *Batch) { b.Pairs = nil },
		"as little as possible": func(b *Batch) {
			*b = Batch{IDs: [][]int32{{1}}, Feats: NewTensor(1, 1, 3), Boxes: NewTensor(1, 1, 4)}
		},
		"no regions": func(b *Batch) {
			b.Feats, b.Boxes, b.RegionMask, b.Images = NewTensor(2, 0, 3), NewTensor(2, 0, 4), nil, nil
		},
		"a text all masked":    func(b *Batch) { b.TextMask[1] = []float32{0, 0} },
		"an image all masked":  func(b *Batch) { b.RegionMask[0] = []float32{0, 0} },
		"a text in no pair":    func(b *Batch) { b.Pairs = [][2]int{{0, 0}} },
		"the longest sentence": func(b *Batch) { b.IDs[1], b.Segments, b.TextMask, b.Words = make([]int32, 6), nil, nil, nil },
	} {
		b := fullBatch()
		change(b)
		if err := b.Check(smallConfig()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRowsTAndVOfABatch(t *testing.T) {
	b := fullBatch()
	if b.Rows() != 3 || b.T() != 4 || b.V() != 2 {
		t.Errorf("%d rows, T=%d, V=%d", b.Rows(), b.T(), b.V())
	}
	b.Pairs = nil
	if b.Rows() != 2 {
		t.Errorf("%d rows without pairs", b.Rows())
	}
	if b = new(Batch); b.Rows() != 0 || b.T() != 0 || b.V() != 0 {
		t.Errorf("an empty batch has %d rows, T=%d, V=%d", b.Rows(), b.T(), b.V())
	}
}
