package modality

import (
	"context"
	"slices"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// meeting asks a model about texts and pictures of which any may meet any. They are made when their turn comes, each once
// in a run. A pair is a text and a picture, or where the answers are about two pictures, both of them.
type meeting struct {
	eng     lxmert.Engine
	group   int // pictures of one answer
	text    func(to *lxmert.Batch, i int)
	picture func(to *lxmert.Batch, i int) // all pictures of one answer
	request func(pairs [][2]int) lxmert.Request
}

// run asks about lists of pairs, each list in a run of its own, and calls each for every pair with its row of the trace,
// in order. Lists shorter than others are filled up, so that all runs share a compiled graph.
func (m meeting) run(ctx context.Context, runs [][][2]int, each func(pair [2]int, trace *lxmert.Trace, row int)) error {
	var most [3]int // texts, pictures and pairs of a run
	for _, pairs := range runs {
		for side := range 2 {
			most[side] = max(most[side], len(distinct(pairs, side)))
		}
		most[2] = max(most[2], len(pairs))
	}
	for _, pairs := range runs {
		if len(pairs) == 0 {
			continue
		}
		asked := slices.Clone(pairs)
		for len(asked) < most[2] {
			asked = append(asked, asked[len(pairs)-1])
		}
		b := &lxmert.Batch{}
		at := [2]map[int]int{}
		for side, add := range []func(*lxmert.Batch, int){m.text, m.picture} {
			items := distinct(pairs, side)
			at[side] = map[int]int{}
			for place := range most[side] {
				item := items[min(place, len(items)-1)]
				if place < len(items) {
					at[side][item] = place
				}
				add(b, item)
			}
		}
		for _, p := range asked {
			for g := range m.group {
				b.Pairs = append(b.Pairs, [2]int{at[0][p[0]], at[1][p[1]]*m.group + g})
			}
		}
		trace, err := m.eng.Run(ctx, b, m.request(asked))
		if err != nil {
			return err
		}
		for row, p := range pairs {
			each(p, trace, row)
		}
	}
	return nil
}

// distinct lists the texts (side 0) or pictures (side 1) of pairs, in the order of their first pairs.
func distinct(pairs [][2]int, side int) []int {
	var list []int
	seen := map[int]bool{}
	for _, p := range pairs {
		if !seen[p[side]] {
			seen[p[side]] = true
			list = append(list, p[side])
		}
	}
	return list
}

// tiles lists every pair of some texts and pictures, in squares of up to side x side pairs of side texts and side
// pictures: a run of a square passes the towers side times for side x side pairs.
func tiles(texts, pictures, side int) [][][2]int {
	var runs [][][2]int
	for _, t := range even(texts, side) {
		for _, p := range even(pictures, side) {
			var square [][2]int
			for i := t[0]; i < t[1]; i++ {
				for j := p[0]; j < p[1]; j++ {
					square = append(square, [2]int{i, j})
				}
			}
			runs = append(runs, square)
		}
	}
	return runs
}

// even cuts 0 … n into as few spans of at most size as there can be, all but equal.
func even(n, size int) [][2]int {
	parts := (n + size - 1) / size
	var spans [][2]int
	for k := range parts {
		spans = append(spans, [2]int{n * k / parts, n * (k + 1) / parts})
	}
	return spans
}

// appendText appends a row's text to a batch, padded to width, after change has seen its ids and its mask.
func appendText(to, from *lxmert.Batch, row, width int, pad int32, change func(ids []int32, mask []float32)) {
	ids, mask := make([]int32, width), make([]float32, width)
	n := copy(ids, from.IDs[row])
	for t := range n {
		mask[t] = 1
		if from.TextMask != nil {
			mask[t] = from.TextMask[row][t]
		}
	}
	for t := n; t < width; t++ {
		ids[t] = pad
	}
	if change != nil {
		change(ids, mask)
	}
	to.IDs, to.TextMask = append(to.IDs, ids), append(to.TextMask, mask)
	if from.Segments != nil {
		segments := make([]int32, width)
		copy(segments, from.Segments[row])
		to.Segments = append(to.Segments, segments)
	}
}

// appendPicture appends a row's regions to a batch, after change has seen their features and their mask.
func appendPicture(to, from *lxmert.Batch, row int, change func(feats lxmert.Tensor, mask []float32)) {
	for _, side := range []struct{ to, from *lxmert.Tensor }{{&to.Feats, &from.Feats}, {&to.Boxes, &from.Boxes}} {
		if side.to.IsZero() {
			side.to.Shape = append([]int{0}, side.from.Shape[1:]...)
		}
		side.to.Data = append(side.to.Data, side.from.Row(row).Data...)
		side.to.Shape[0]++
	}
	mask := make([]float32, from.V())
	for v := range mask {
		mask[v] = 1
		if from.RegionMask != nil {
			mask[v] = from.RegionMask[row][v]
		}
	}
	if change != nil {
		change(to.Feats.Row(to.Feats.Shape[0]-1), mask)
	}
	to.RegionMask = append(to.RegionMask, mask)
}
