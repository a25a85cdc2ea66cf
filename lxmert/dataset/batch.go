package dataset

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/token"
)

// Batch makes the model's input of the examples with these indices, as the reference does: one row per example, or, in
// NLVR2, two, of its first and its second picture, both with the sentence. Sentences have length word pieces, padded and
// cut, or as many as they have if length is 0. IDs are [rows][length], Feats [rows,V,Dim] and Boxes [rows,V,4], V being
// the largest number of regions among them.
func (s *Set) Batch(ctx context.Context, tok *token.WordPiece, length int, index []int) (*lxmert.Batch, error) {
	m := newMaker(s, tok, length)
	for _, i := range index {
		if err := m.add(ctx, i, m.rowEach); err != nil {
			return nil, err
		}
	}
	return m.batch()
}

// PairedBatch makes the same rows as [Set.Batch] with each sentence and each picture only once, and Pairs that say which
// meet: what concerns one of the two only is then computed once. Its first use is prediction, where many questions are
// about one picture.
func (s *Set) PairedBatch(ctx context.Context, tok *token.WordPiece, length int, index []int) (*lxmert.Batch, error) {
	m := newMaker(s, tok, length)
	m.b.Pairs = [][2]int{}
	for _, i := range index {
		if err := m.add(ctx, i, m.pair); err != nil {
			return nil, err
		}
	}
	return m.batch()
}

// TextBatch makes the rows of [Set.Batch] without any regions: Feats are [rows,0,Dim] and Boxes [rows,0,4], for whoever has the regions
// elsewhere, those of the picture of each row, which [Set.Picture] tells apart.
func (s *Set) TextBatch(tok *token.WordPiece, length int, index []int) (b *lxmert.Batch, pictures []Picture, err error) {
	m := newMaker(s, tok, length)
	for _, i := range index {
		e, err := m.text(i)
		if err != nil {
			return nil, nil, err
		}
		for _, id := range e.Images {
			p, err := s.Picture(id)
			if err != nil {
				return nil, nil, err
			}
			m.addText(e.Text)
			pictures = append(pictures, p)
		}
	}
	if len(pictures) == 0 {
		return nil, nil, errNoExamples
	}
	m.b.Feats, m.b.Boxes = lxmert.NewTensor(len(pictures), 0, s.Dim), lxmert.NewTensor(len(pictures), 0, 4)
	return &m.b, pictures, nil
}

var errNoExamples = errors.New("dataset: a batch of no examples")

// maker collects the rows of a batch.
type maker struct {
	set    *Set
	tok    *token.WordPiece
	length int

	b      lxmert.Batch
	images []*region.Regions
	texts  map[string]token.Encoding
	found  map[string]*region.Regions
	textAt map[string]int // rows of b.IDs
	imgAt  map[string]int // rows of images
}

func newMaker(s *Set, tok *token.WordPiece, length int) *maker {
	return &maker{
		set: s, tok: tok, length: length, texts: map[string]token.Encoding{}, found: map[string]*region.Regions{},
		textAt: map[string]int{}, imgAt: map[string]int{},
	}
}

// text encodes the text of an example.
func (m *maker) text(i int) (*Example, error) {
	if i < 0 || i >= len(m.set.Examples) {
		return nil, fmt.Errorf("dataset: there is no example %d: the set has %d", i, len(m.set.Examples))
	}
	e := &m.set.Examples[i]
	if _, ok := m.texts[e.Text]; !ok {
		encoding, err := m.tok.Encode(e.Text, m.length)
		if err != nil {
			return nil, err
		}
		m.texts[e.Text] = encoding
	}
	return e, nil
}

// add reads what an example consists of and calls row for each of its pictures.
func (m *maker) add(ctx context.Context, i int, row func(text, image string)) error {
	e, err := m.text(i)
	if err != nil {
		return err
	}
	for _, id := range e.Images {
		if _, ok := m.found[id]; !ok {
			r, err := m.set.Regions(ctx, id)
			if err != nil {
				return fmt.Errorf("dataset: example %s: %w", excerpt.Quote(e.ID), err)
			}
			m.found[id] = r
		}
		row(e.Text, id)
	}
	return nil
}

func (m *maker) addText(text string) {
	encoding := m.texts[text]
	m.b.IDs = append(m.b.IDs, encoding.IDs)
	m.b.Segments = append(m.b.Segments, encoding.Segments)
	m.b.TextMask = append(m.b.TextMask, encoding.Mask)
	m.b.Words = append(m.b.Words, encoding.Words)
}

func (m *maker) rowEach(text, image string) {
	m.addText(text)
	m.images = append(m.images, m.found[image])
}

func (m *maker) pair(text, image string) {
	t, ok := m.textAt[text]
	if !ok {
		t = len(m.b.IDs)
		m.textAt[text] = t
		m.addText(text)
	}
	v, ok := m.imgAt[image]
	if !ok {
		v = len(m.images)
		m.imgAt[image] = v
		m.images = append(m.images, m.found[image])
	}
	m.b.Pairs = append(m.b.Pairs, [2]int{t, v})
}

func (m *maker) batch() (*lxmert.Batch, error) {
	if len(m.images) == 0 {
		return nil, errNoExamples
	}
	if err := region.Fill(&m.b, m.images...); err != nil {
		return nil, err
	}
	return &m.b, nil
}
