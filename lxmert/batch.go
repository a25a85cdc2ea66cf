package lxmert

import (
	"errors"
	"fmt"
)

// Batch is Nt texts, Ni images, and which of them meet. Row b of x.*, hid.*.k of the cross layers and out.* is Pairs[b];
// rows of l.*, in.word, in.position and the language levels are texts, rows of r.*, in.feat, in.box and the region levels are images.
// The language tower runs once per text and the object-relationship tower once per image, so several questions about
// one picture, NLVR2's two pictures of one sentence, or all N x N pairings cost little more than the cross layers.
type Batch struct {
	// IDs are the word pieces of each text, [CLS] first, [SEP] last. Rows may have different lengths; T is the longest.
	IDs [][]int32
	// Segments are the token types, shaped like IDs. Nil: zeros.
	Segments [][]int32
	// TextMask is 1 for a word and 0 for padding, shaped like IDs; a value m between adds (1-m) * -10000 to the scores of
	// its key. Nil: every id given is a word.
	TextMask [][]float32
	// Words say which part of the sentence each position came from. Optional: only drawing needs them.
	Words []Words

	// Feats [Ni,V,F] and Boxes [Ni,V,4] are the regions; boxes are x0 y0 x1 y1, divided by the picture's size. V may be 0.
	Feats, Boxes Tensor
	// RegionMask is 1 for a region and 0 for padding, [Ni][V], values between as in TextMask. Nil: every region is there.
	RegionMask [][]float32
	// Images say what the regions came from. Optional: only drawing needs them.
	Images []ImageInfo

	// Pairs are (text, image) of each row. Nil: text b meets image b.
	Pairs [][2]int
}

// Words places the positions of one text in its sentence. All slices have one entry per position.
type Words struct {
	Text   string   `json:"text"`   // the sentence as given
	Pieces []string `json:"pieces"` // word pieces, with [CLS], [SEP] and [PAD]
	Start  []int    `json:"start"`  // first byte of Text, with End; -1 for pieces that are not in it
	End    []int    `json:"end"`    // byte of Text after the piece
	Word   []int    `json:"word"`   // number of the word that the piece belongs to, from 0; -1 for pieces that are not in Text
}

// ImageInfo is what is known about one picture.
type ImageInfo struct {
	ID         string   `json:"id,omitempty"`
	Width      int      `json:"width,omitempty"`      // pixels; 0: not known
	Height     int      `json:"height,omitempty"`     // pixels; 0: not known
	File       string   `json:"file,omitempty"`       // the picture, where there is one
	Objects    []string `json:"objects,omitempty"`    // detector's label of each region, at most V
	Attributes []string `json:"attributes,omitempty"` // detector's attribute of each region, at most V
	Source     string   `json:"source,omitempty"`     // which file or extractor the features came from
	// ObjectIDs and AttributeIDs are the detector's classes of each region by number, as the heads out.obj and out.attr count
	// them; at most V, nil where the features' file has none.
	ObjectIDs    []int32 `json:"object_ids,omitempty"`
	AttributeIDs []int32 `json:"attribute_ids,omitempty"`
}

// ErrBatch is wrapped by every error that says a [Batch] does not fit a model.
var ErrBatch = errors.New("batch does not fit the model")

// Rows is the number of (text, image) rows.
func (b *Batch) Rows() int {
	if b.Pairs != nil {
		return len(b.Pairs)
	}
	return len(b.IDs)
}

// Pair is the text and the image that meet in a row.
func (b *Batch) Pair(row int) (text, image int) {
	if b.Pairs == nil {
		return row, row
	}
	return b.Pairs[row][0], b.Pairs[row][1]
}

// RowOf is the row that an activation of these rows has for a row of the batch: that of its text, of its image, or its own.
func (b *Batch) RowOf(rows Rows, row int) int {
	text, image := b.Pair(row)
	switch rows {
	case TextRows:
		return text
	case ImageRows:
		return image
	}
	return row
}

// T is the longest text, in word pieces.
func (b *Batch) T() int {
	t := 0
	for _, ids := range b.IDs {
		t = max(t, len(ids))
	}
	return t
}

// V is the number of regions per image.
func (b *Batch) V() int {
	if len(b.Feats.Shape) != 3 {
		return 0
	}
	return b.Feats.Shape[1]
}

// Check returns an error, wrapping [ErrBatch], that names the first entry that does not fit a model of these sizes: a
// shape, an id or a length outside the model's, a pair of things that are not there, a mask value outside 0 to 1, or a
// feature or coordinate that is not a finite number.
func (b *Batch) Check(c Config) error {
	err := b.checkForm()
	if err == nil {
		err = b.checkSizes(c)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBatch, err)
	}
	return nil
}

// checkForm says whether the batch's parts fit each other, whatever the model.
func (b *Batch) checkForm() error {
	if err := b.checkTexts(); err != nil {
		return err
	}
	if err := b.checkRegions(); err != nil {
		return err
	}
	return b.checkPairs()
}

func (b *Batch) checkTexts() error {
	if len(b.IDs) == 0 {
		return errors.New("there is no text")
	}
	if b.Segments != nil && len(b.Segments) != len(b.IDs) {
		return fmt.Errorf("%d texts but %d rows of segments", len(b.IDs), len(b.Segments))
	}
	if b.TextMask != nil && len(b.TextMask) != len(b.IDs) {
		return fmt.Errorf("%d texts but %d rows of text mask", len(b.IDs), len(b.TextMask))
	}
	if b.Words != nil && len(b.Words) != len(b.IDs) {
		return fmt.Errorf("%d texts but %d rows of words", len(b.IDs), len(b.Words))
	}
	for n, ids := range b.IDs {
		if len(ids) == 0 {
			return fmt.Errorf("text %d is empty: it needs at least one word piece, [CLS]", n)
		}
		if b.Segments != nil && len(b.Segments[n]) != len(ids) {
			return fmt.Errorf("text %d has %d word pieces but %d segments", n, len(ids), len(b.Segments[n]))
		}
		if b.TextMask != nil {
			if len(b.TextMask[n]) != len(ids) {
				return fmt.Errorf("text %d has %d word pieces but %d mask values", n, len(ids), len(b.TextMask[n]))
			}
			if err := checkMask(b.TextMask[n]); err != nil {
				return fmt.Errorf("text %d: %w", n, err)
			}
		}
		if b.Words != nil {
			if err := b.Words[n].check(len(ids)); err != nil {
				return fmt.Errorf("text %d: %w", n, err)
			}
		}
	}
	return nil
}

// check says whether each of n positions has its place in the sentence.
func (w Words) check(n int) error {
	if len(w.Pieces) != n || len(w.Start) != n || len(w.End) != n || len(w.Word) != n {
		return fmt.Errorf("%d word pieces but words with %d pieces, %d starts, %d ends and %d numbers",
			n, len(w.Pieces), len(w.Start), len(w.End), len(w.Word))
	}
	for t := range n {
		start, end := w.Start[t], w.End[t]
		if outside := start == -1 && end == -1; !outside && (start < 0 || end < start || end > len(w.Text)) {
			return fmt.Errorf("position %d: bytes %d to %d of a sentence of %d", t, start, end, len(w.Text))
		}
		if w.Word[t] < -1 {
			return fmt.Errorf("position %d: word %d, must be a number from 0 or -1", t, w.Word[t])
		}
	}
	return nil
}

// checkMask refuses what would raise a score above those of unmasked keys, and NaN.
func checkMask(mask []float32) error {
	for i, m := range mask {
		if !(m >= 0 && m <= 1) {
			return fmt.Errorf("mask value %d is %g, must be from 0 to 1", i, m)
		}
	}
	return nil
}

func (b *Batch) checkRegions() error {
	if len(b.Feats.Shape) != 3 {
		return fmt.Errorf("region features have shape %v, must be [images, regions, features]", b.Feats.Shape)
	}
	ni, v := b.Feats.Shape[0], b.Feats.Shape[1]
	if len(b.Boxes.Shape) != 3 || b.Boxes.Shape[0] != ni || b.Boxes.Shape[1] != v {
		return fmt.Errorf("boxes have shape %v, the features need [%d, %d, 4]", b.Boxes.Shape, ni, v)
	}
	for _, x := range []struct {
		name string
		Tensor
	}{{"region features", b.Feats}, {"boxes", b.Boxes}} {
		if err := x.check(x.name); err != nil {
			return err
		}
		if err := x.checkFinite(x.name); err != nil {
			return err
		}
	}
	if ni == 0 {
		return errors.New("there is no image")
	}
	if b.RegionMask != nil && len(b.RegionMask) != ni {
		return fmt.Errorf("%d images but %d rows of region mask", ni, len(b.RegionMask))
	}
	for n, m := range b.RegionMask {
		if len(m) != v {
			return fmt.Errorf("image %d has %d regions but %d mask values", n, v, len(m))
		}
		if err := checkMask(m); err != nil {
			return fmt.Errorf("image %d: %w", n, err)
		}
	}
	if b.Images != nil && len(b.Images) != ni {
		return fmt.Errorf("%d images but %d descriptions of images", ni, len(b.Images))
	}
	for n, info := range b.Images {
		if max(len(info.Objects), len(info.Attributes)) > v {
			return fmt.Errorf("image %d has %d regions but %d objects and %d attributes", n, v, len(info.Objects), len(info.Attributes))
		}
		if max(len(info.ObjectIDs), len(info.AttributeIDs)) > v {
			return fmt.Errorf("image %d has %d regions but %d classes of objects and %d of attributes", n, v, len(info.ObjectIDs), len(info.AttributeIDs))
		}
	}
	return nil
}

func (b *Batch) checkPairs() error {
	nt, ni := len(b.IDs), b.Feats.Shape[0]
	if b.Pairs == nil {
		if nt != ni {
			return fmt.Errorf("%d texts and %d images: without Pairs there must be as many of each", nt, ni)
		}
		return nil
	}
	if len(b.Pairs) == 0 {
		return errors.New("there is no pair: nil Pairs mean one to one")
	}
	for n, p := range b.Pairs {
		if p[0] < 0 || p[0] >= nt || p[1] < 0 || p[1] >= ni {
			return fmt.Errorf("pair %d is text %d and image %d, there are %d texts and %d images", n, p[0], p[1], nt, ni)
		}
	}
	return nil
}

// checkSizes says whether a batch of good form fits a model.
func (b *Batch) checkSizes(c Config) error {
	for n, ids := range b.IDs {
		if len(ids) > c.MaxPositions {
			return fmt.Errorf("text %d has %d word pieces, the model's longest is %d", n, len(ids), c.MaxPositions)
		}
		for t, id := range ids {
			if id < 0 || int(id) >= c.Vocab {
				return fmt.Errorf("text %d, position %d: id %d is outside the vocabulary of %d", n, t, id, c.Vocab)
			}
		}
		if b.Segments == nil {
			continue
		}
		for t, s := range b.Segments[n] {
			if s < 0 || int(s) >= c.TokenTypes {
				return fmt.Errorf("text %d, position %d: segment %d, the model has %d", n, t, s, c.TokenTypes)
			}
		}
	}
	if f := b.Feats.Shape; f[2] != c.FeatDim {
		return fmt.Errorf("region features have shape %v, the model needs [images, regions, %d]", f, c.FeatDim)
	}
	if x := b.Boxes.Shape; x[2] != c.BoxDim {
		return fmt.Errorf("boxes have shape %v, the model needs [%d, %d, %d]", x, x[0], x[1], c.BoxDim)
	}
	return nil
}
