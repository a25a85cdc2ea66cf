package lxmert

import "fmt"

// padding is the word piece [PAD] of BERT's vocabularies.
const padding = 0

// Doubts says what a model computes without complaint and is unlikely to be meant, one line each: texts or regions that
// are padded where no mask says so, which the model then attends to, and boxes that are not shares of the picture's size.
// What does not fit a model at all is for [Batch.Check] to say.
func (b *Batch) Doubts() (list []string) {
	if b.checkForm() != nil {
		return nil
	}
	if n := b.paddedTexts(); b.TextMask == nil && n > 0 {
		list = append(list, fmt.Sprintf("%d of %d texts end in word piece %d, [PAD], and there is no mask: the model attends to the padding", n, len(b.IDs), padding))
	}
	if n := b.paddedImages(); b.RegionMask == nil && n > 0 {
		list = append(list, fmt.Sprintf("%d of %d images end in regions whose features and boxes are all 0, and there is no mask: the model attends to the padding", n, b.Feats.Shape[0]))
	}
	least, most := float32(0), float32(0)
	for _, v := range b.Boxes.Data {
		least, most = min(least, v), max(most, v)
	}
	if least < -0.01 || most > 1.01 {
		list = append(list, fmt.Sprintf("coordinates of boxes reach from %.4g to %.4g: they must be x0 y0 x1 y1, divided by the picture's width and height", least, most))
	}
	return list
}

func (b *Batch) paddedTexts() (n int) {
	for _, ids := range b.IDs {
		if len(ids) > 1 && ids[len(ids)-1] == padding {
			n++
		}
	}
	return n
}

func (b *Batch) paddedImages() (n int) {
	if b.V() == 0 {
		return 0
	}
	zeros := func(t Tensor, image int) bool {
		row := t.Row(image).Data
		for _, v := range row[len(row)-t.Shape[2]:] {
			if v != 0 {
				return false
			}
		}
		return true
	}
	for i := range b.Feats.Shape[0] {
		if zeros(b.Feats, i) && zeros(b.Boxes, i) {
			n++
		}
	}
	return n
}
