package lxmert

import "slices"

// Part returns some rows of a batch as a batch of their own, with one text and one image for each of them. Texts share
// memory with the whole, regions are copied.
func (b *Batch) Part(rows ...int) *Batch {
	v := b.V()
	part := &Batch{Feats: NewTensor(len(rows), v, b.Feats.Shape[2]), Boxes: NewTensor(len(rows), v, b.Boxes.Shape[2])}
	for n, row := range rows {
		text, image := b.Pair(row)
		part.IDs = append(part.IDs, b.IDs[text])
		if b.Segments != nil {
			part.Segments = append(part.Segments, b.Segments[text])
		}
		if b.TextMask != nil {
			part.TextMask = append(part.TextMask, b.TextMask[text])
		}
		if b.Words != nil {
			part.Words = append(part.Words, b.Words[text])
		}
		copy(part.Feats.Row(n).Data, b.Feats.Row(image).Data)
		copy(part.Boxes.Row(n).Data, b.Boxes.Row(image).Data)
		if b.RegionMask != nil {
			part.RegionMask = append(part.RegionMask, b.RegionMask[image])
		}
		if b.Images != nil {
			part.Images = append(part.Images, b.Images[image])
		}
	}
	return part
}

// Trim returns a batch without the regions at the end that are masked in every image, as a [Batch.Part] has them whose
// images have fewer than their former neighbours. So what is computed of it owes nothing to these. Of images that have no
// region at all V becomes 0.
func (b *Batch) Trim() *Batch {
	v := 0
	for _, mask := range b.RegionMask {
		for at := len(mask); at > v; at-- {
			if mask[at-1] > 0 {
				v = at
			}
		}
	}
	if b.RegionMask == nil || v == b.V() {
		return b.withoutMask()
	}
	c := *b
	c.Feats, c.Boxes = firstOf(b.Feats, v), firstOf(b.Boxes, v)
	c.RegionMask = make([][]float32, len(b.RegionMask))
	for i, mask := range b.RegionMask {
		c.RegionMask[i] = mask[:v]
	}
	c.Images = slices.Clone(b.Images)
	for i := range c.Images {
		info := &c.Images[i]
		info.Objects, info.Attributes = info.Objects[:min(v, len(info.Objects))], info.Attributes[:min(v, len(info.Attributes))]
		info.ObjectIDs, info.AttributeIDs = info.ObjectIDs[:min(v, len(info.ObjectIDs))], info.AttributeIDs[:min(v, len(info.AttributeIDs))]
	}
	return c.withoutMask()
}

// withoutMask leaves a mask away that masks nothing.
func (b *Batch) withoutMask() *Batch {
	for _, mask := range b.RegionMask {
		if slices.ContainsFunc(mask, func(m float32) bool { return m != 1 }) {
			return b
		}
	}
	c := *b
	c.RegionMask = nil
	return &c
}

// firstOf copies the first n entries along the second axis of [N,V,F].
func firstOf(t Tensor, n int) Tensor {
	part := NewTensor(t.Shape[0], n, t.Shape[2])
	for i := range t.Shape[0] {
		copy(part.Row(i).Data, t.Row(i).Data)
	}
	return part
}

// NoRegions is how to ask a model about a batch, so that each row is answered as the reference answers it alone. Where
// every region of a picture is masked, the reference's mask adds the same to every key, which softmax ignores: the text
// would see what is masked, such as the padding that only its neighbours in the batch need. Such a batch asks to attend to
// nothing; rows that have regions are not changed by that.
func (b *Batch) NoRegions() NoRegions {
	for _, mask := range b.RegionMask {
		if !slices.ContainsFunc(mask, func(m float32) bool { return m > 0 }) {
			return AttendNothing
		}
	}
	return UniformShift
}
