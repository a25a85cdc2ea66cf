package lxmert

import (
	"errors"
	"fmt"
)

// Batch is Nt texts, Ni images, and which of them meet. Row b of x.*, hid.*.k of the cross layers and out.* is Pairs[b];
// rows of l.*, in.word and the language levels are texts, rows of r.*, in.feat, in.box and the region levels are images.
// The language tower runs once per text and the object-relationship tower once per image, so several questions about
// one picture, NLVR2's two pictures of one sentence, or all N x N pairings cost little more than the cross layers.
type Batch struct {
	// IDs are the word pieces of each text, [CLS] first, [SEP] last. Rows may have different lengths; T is the longest.
	IDs [][]int32
	// Segments are the token types, shaped like IDs. Nil: zeros.
	Segments [][]int32
	// TextMask is 1 for a word and 0 for padding, shaped like IDs. Nil: every id given is a word.
	TextMask [][]float32
	// Words say which part of the sentence each position came from. Optional: only drawing needs them.
	Words []Words

	// Feats [Ni,V,F] and Boxes [Ni,V,4] are the regions; boxes are x0 y0 x1 y1, divided by the picture's size. V may be 0.
	Feats, Boxes Tensor
	// RegionMask is 1 for a region and 0 for padding, [Ni][V]. Nil: every region is there.
	RegionMask [][]float32
	// Images say what the regions came from. Optional: only drawing needs them.
	Images []ImageInfo

	// Pairs are (text, image) of each row. Nil: text b meets image b.
	Pairs [][2]int
}

// Words places the positions of one text in its sentence. All slices have one entry per position.
type Words struct {
	Text       string   // the sentence as given
	Pieces     []string // word pieces, with [CLS], [SEP] and [PAD]
	Start, End []int    // bytes of Text; -1 for pieces that are not in it
	Word       []int    // number of the word that the piece belongs to, from 0; -1 for pieces that are not in Text
}

// ImageInfo is what is known about one picture.
type ImageInfo struct {
	ID            string   `json:"id,omitempty"`
	Width, Height int      // pixels; 0: not known
	File          string   `json:"file,omitempty"`       // the picture, where there is one
	Objects       []string `json:"objects,omitempty"`    // detector's label of each region
	Attributes    []string `json:"attributes,omitempty"` // detector's attribute of each region
	Source        string   `json:"source,omitempty"`     // which file or extractor the features came from
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

// Check returns an error that names the first entry that does not fit a model of these sizes.
func (b *Batch) Check(c Config) error {
	if err := b.checkTexts(c); err != nil {
		return fmt.Errorf("%w: %w", ErrBatch, err)
	}
	if err := b.checkRegions(c); err != nil {
		return fmt.Errorf("%w: %w", ErrBatch, err)
	}
	if err := b.checkPairs(); err != nil {
		return fmt.Errorf("%w: %w", ErrBatch, err)
	}
	return nil
}

func (b *Batch) checkTexts(c Config) error {
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
		if len(ids) > c.MaxPositions {
			return fmt.Errorf("text %d has %d word pieces, the model's longest is %d", n, len(ids), c.MaxPositions)
		}
		for t, id := range ids {
			if id < 0 || int(id) >= c.Vocab {
				return fmt.Errorf("text %d, position %d: id %d is outside the vocabulary of %d", n, t, id, c.Vocab)
			}
		}
		if b.Segments != nil {
			if len(b.Segments[n]) != len(ids) {
				return fmt.Errorf("text %d has %d word pieces but %d segments", n, len(ids), len(b.Segments[n]))
			}
			for t, s := range b.Segments[n] {
				if s < 0 || int(s) >= c.TokenTypes {
					return fmt.Errorf("text %d, position %d: segment %d, the model has %d", n, t, s, c.TokenTypes)
				}
			}
		}
		if b.TextMask != nil && len(b.TextMask[n]) != len(ids) {
			return fmt.Errorf("text %d has %d word pieces but %d mask values", n, len(ids), len(b.TextMask[n]))
		}
	}
	return nil
}

func (b *Batch) checkRegions(c Config) error {
	if len(b.Feats.Shape) != 3 || b.Feats.Shape[2] != c.FeatDim {
		return fmt.Errorf("region features have shape %v, the model needs [images, regions, %d]", b.Feats.Shape, c.FeatDim)
	}
	ni, v := b.Feats.Shape[0], b.Feats.Shape[1]
	if len(b.Boxes.Shape) != 3 || b.Boxes.Shape[0] != ni || b.Boxes.Shape[1] != v || b.Boxes.Shape[2] != c.BoxDim {
		return fmt.Errorf("boxes have shape %v, the features need [%d, %d, %d]", b.Boxes.Shape, ni, v, c.BoxDim)
	}
	if err := b.Feats.check("region features"); err != nil {
		return err
	}
	if err := b.Boxes.check("boxes"); err != nil {
		return err
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
	}
	if b.Images != nil && len(b.Images) != ni {
		return fmt.Errorf("%d images but %d descriptions of images", ni, len(b.Images))
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
		return errors.New("Pairs is empty: nil means one to one")
	}
	for n, p := range b.Pairs {
		if p[0] < 0 || p[0] >= nt || p[1] < 0 || p[1] >= ni {
			return fmt.Errorf("pair %d is text %d and image %d, there are %d texts and %d images", n, p[0], p[1], nt, ni)
		}
	}
	return nil
}
