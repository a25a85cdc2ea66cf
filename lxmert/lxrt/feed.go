package lxrt

// feedBatch says how to make the inputs that a batch gives, padded to the buckets.
func (p *plan) feedBatch() {
	b, s := p.batch, p.sizes
	words := func(fill func(text, t int) int32) any {
		flat := make([]int32, s.texts[1]*s.words[1])
		for n, ids := range b.IDs {
			for t := range ids {
				flat[n*s.words[1]+t] = fill(n, t)
			}
		}
		return flat
	}
	p.feeds["ids"] = func() any { return words(func(n, t int) int32 { return b.IDs[n][t] }) }
	p.feeds["segments"] = func() any {
		if b.Segments == nil {
			return make([]int32, s.texts[1]*s.words[1])
		}
		return words(func(n, t int) int32 { return b.Segments[n][t] })
	}
	p.feeds["text mask"] = func() any {
		return maskScores(s.texts[0], s.texts[1], s.words[0], s.words[1], func(n int) int { return len(b.IDs[n]) }, b.TextMask)
	}
	p.feeds["region mask"] = func() any {
		return maskScores(s.images[0], s.images[1], s.regions[0], s.regions[1], func(int) int { return s.regions[0] }, b.RegionMask)
	}
	p.feeds["feats"] = func() any {
		return pad(b.Feats.Data, b.Feats.Shape, []int{s.images[1], s.regions[1], p.cfg.FeatDim}, 0)
	}
	p.feeds["boxes"] = func() any {
		return pad(b.Boxes.Data, b.Boxes.Shape, []int{s.images[1], s.regions[1], p.cfg.BoxDim}, 0)
	}
	p.feeds["any region"] = func() any {
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
	pairs := func(side int) any {
		flat := make([]int32, s.rows[1])
		for n, pair := range b.Pairs {
			flat[n] = int32(pair[side])
		}
		return flat
	}
	p.feeds["pair text"] = func() any { return pairs(0) }
	p.feeds["pair image"] = func() any { return pairs(1) }
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
