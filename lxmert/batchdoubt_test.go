package lxmert

import (
	"strings"
	"testing"
)

func TestWhatLooksLikePaddingIsADoubt(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Batch)
		want   string // "": nothing
	}{
		{"as it should be", func(*Batch) {}, ""},
		{"padded words", func(b *Batch) { b.TextMask, b.IDs[1][1] = nil, 0 }, "1 of 2 texts end in word piece 0, [PAD], and there is no mask"},
		{"padded words with a mask", func(b *Batch) { b.IDs[1][1] = 0 }, ""},
		{"a text of padding alone", func(b *Batch) { b.TextMask, b.Segments, b.Words, b.IDs = nil, nil, nil, [][]int32{{0}, {1, 2}} }, ""},
		{"padded regions", func(b *Batch) {
			b.RegionMask = nil
			clear(b.Feats.Row(1).Data[3:])
			clear(b.Boxes.Row(1).Data[4:])
		}, "1 of 2 images end in regions whose features and boxes are all 0, and there is no mask"},
		{"padded regions with a mask", func(b *Batch) {
			clear(b.Feats.Row(1).Data[3:])
			clear(b.Boxes.Row(1).Data[4:])
		}, ""},
		{"a region without features", func(b *Batch) {
			b.RegionMask = nil
			clear(b.Feats.Row(1).Data[3:])
		}, ""},
		{"no region", func(b *Batch) {
			b.RegionMask, b.Images, b.Feats, b.Boxes = nil, nil, NewTensor(2, 0, 3), NewTensor(2, 0, 4)
		}, ""},
		{"pixels", func(b *Batch) { b.Boxes.Data[3] = 480 }, "reach from 0 to 480: they must be x0 y0 x1 y1, divided"},
		{"a model that takes none of it", func(b *Batch) { b.TextMask, b.IDs[1][1], b.Boxes = nil, 0, NewTensor(1, 2, 4) }, ""},
	} {
		b := fullBatch()
		c.change(b)
		if got := strings.Join(b.Doubts(), "\n"); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: it says %q, not %q", c.name, got, c.want)
		}
	}
}
