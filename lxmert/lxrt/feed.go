package lxrt

import "github.com/seed-516990b0/golxmert/lxmert/internal/program"

// feed makes the data of an input of the plan's graph, flat and padded to the buckets: []float32 or []int32. It is nil for inputs of
// other packages.
func (p *plan) feed(in program.Input) any {
	switch in := in.(type) {
	case batchInput:
		return p.batchData(in)
	case editInput:
		e := p.edits[in.activation][in.number]
		if in.mask {
			return e.mask.data()
		}
		return e.value.data()
	case positionsInput:
		return p.reads[in.read].positionData(p)
	case termInput:
		return p.terms[in.term].data(in.array)
	}
	return nil
}

// batchData is one of the arrays that the batch gives.
func (p *plan) batchData(in batchInput) any {
	b, s := p.batch, p.sizes
	switch in {
	case idsInput:
		return wordData(b.IDs, s)
	case segmentsInput:
		return wordData(b.Segments, s)
	case textMaskInput:
		return maskScores(s.texts[0], s.texts[1], s.words[0], s.words[1], func(n int) int { return len(b.IDs[n]) }, b.TextMask)
	case featsInput:
		return pad(b.Feats.Data, b.Feats.Shape, []int{s.images[1], s.regions[1], p.cfg.FeatDim}, 0)
	case boxesInput:
		return pad(b.Boxes.Data, b.Boxes.Shape, []int{s.images[1], s.regions[1], p.cfg.BoxDim}, 0)
	case regionMaskInput:
		return maskScores(s.images[0], s.images[1], s.regions[0], s.regions[1], func(int) int { return s.regions[0] }, b.RegionMask)
	case anyRegionInput:
		return p.anyRegionData()
	case pairTextInput:
		return pairData(b.Pairs, 0, s.rows[1])
	case pairImageInput:
		return pairData(b.Pairs, 1, s.rows[1])
	}
	return nil
}

// wordData is a number for each word of each text, 0 in the padding; all 0 where texts is nil.
func wordData(texts [][]int32, s sizes) []int32 {
	flat := make([]int32, s.texts[1]*s.words[1])
	for n, text := range texts {
		copy(flat[n*s.words[1]:(n+1)*s.words[1]], text)
	}
	return flat
}

// anyRegionData is 1 for each image with a region that is not masked.
func (p *plan) anyRegionData() []float32 {
	b, s := p.batch, p.sizes
	flat := make([]float32, s.images[1])
	for n := range s.images[0] {
		if b.RegionMask == nil && s.regions[0] > 0 {
			flat[n] = 1
		}
		for v := range s.regions[0] {
			if b.RegionMask != nil && b.RegionMask[n][v] > 0 {
				flat[n] = 1
			}
		}
	}
	return flat
}

// pairData is one side of all pairs.
func pairData(pairs [][2]int, side, size int) []int32 {
	flat := make([]int32, size)
	for n, pair := range pairs {
		flat[n] = int32(pair[side])
	}
	return flat
}

func (o operand) data() []float32 {
	return pad(broadcast(o.tensor.Data, o.tensor.Shape, o.spelled), o.spelled, o.padded, o.fill)
}

// positionData is [rows,count] of the buckets.
func (r read) positionData(p *plan) []int32 {
	width := r.count()[1]
	flat := make([]int32, p.sizes.dims(p.cfg, r.act, 1)[0]*width)
	for n, ps := range r.positions {
		copy(flat[n*width:], int32s(ps, len(ps)))
	}
	return flat
}

// data is one of a term's arrays, with a number for each row.
func (t term) data(array termArray) any {
	switch array {
	case classArray:
		return int32s(t.Class, t.rows[1])
	case positionArray:
		return int32s(t.Position, t.rows[1])
	}
	weight := make([]float32, t.rows[1])
	copy(weight, t.Weight)
	if t.Weight == nil {
		for n := range t.rows[0] {
			weight[n] = 1
		}
	}
	return weight
}

func int32s(values []int, size int) []int32 {
	out := make([]int32, size)
	for i, v := range values {
		out[i] = int32(v)
	}
	return out
}

// maskScores makes what is added to the scores of each key: [rows, width], of which n rows are real, with up to longest keys,
// and row i has the first length(i) of them. Keys from there to the longest are masked as the reference masks its padding; in a
// row of which everything is masked they are absent, since they would count as much as the row's own.
func maskScores(n, rows, longest, width int, length func(row int) int, mask [][]float32) []float32 {
	flat := make([]float32, rows*width)
	for i := range flat {
		flat[i] = Absent
	}
	for i := range n {
		row, seen := flat[i*width:(i+1)*width], false
		for k := range length(i) {
			row[k] = 0
			if mask != nil {
				row[k] = (1 - mask[i][k]) * masked
			}
			seen = seen || row[k] > masked/2
		}
		for k := length(i); k < longest && seen; k++ {
			row[k] = masked
		}
	}
	// A row that only fills the bucket has one key, so that its softmax is finite and gradients stay so.
	for i := n; i < rows; i++ {
		flat[i*width] = 0
	}
	return flat
}
