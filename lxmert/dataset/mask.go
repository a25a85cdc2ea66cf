package dataset

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/region"
	"github.com/seed-516990b0/golxmert/lxmert/token"
)

// This file draws what pre-training hides (section 5.2 of the reference's preprocessing).

// Draws are random numbers: uniform from 0 to below 1, and integers from 0 to n-1. A [rand.Rand] gives them.
type Draws interface {
	Float64() float64
	IntN(n int) int
}

// hiding is what becomes of a word or of a region.
type hiding int

const (
	untouched hiding = iota // it is seen, and not asked for
	erased                  // [MASK], or features of 0
	replaced                // a random word piece, or a random region of a training picture
	kept                    // it is seen, and asked for
)

// hide draws which: at the given rate it is asked for, of which 8 in 10 are erased, 1 is replaced and 1 kept.
func hide(rng Draws, rate float64) hiding {
	p := rng.Float64()
	if p >= rate {
		return untouched
	}
	switch p /= rate; {
	case p < 0.8:
		return erased
	case p < 0.9:
		return replaced
	}
	return kept
}

// maskWords hides word pieces in place and returns which pieces there were; -1 where nothing is asked for. Any piece of the
// vocabulary may come in a piece's place, the special ones too.
func maskWords(rng Draws, ids []int32, rate float64, vocabulary int, mask int32) []int32 {
	labels := make([]int32, len(ids))
	for i, id := range ids {
		labels[i] = -1
		switch hide(rng, rate) {
		case untouched:
			continue
		case erased:
			ids[i] = mask
		case replaced:
			ids[i] = int32(rng.IntN(vocabulary))
		}
		labels[i] = id
	}
	return labels
}

// maskRegions hides features in place, [n,dim] flat, and returns for which regions they are asked for. other draws the features
// of a region of a training picture.
func maskRegions(rng Draws, features []float32, n, dim int, rate float64, other func() ([]float32, error)) ([]bool, error) {
	asked := make([]bool, n)
	for i := range n {
		row := features[i*dim : (i+1)*dim]
		switch hide(rng, rate) {
		case untouched:
			continue
		case erased:
			clear(row)
		case replaced:
			from, err := other()
			if err != nil {
				return nil, err
			}
			copy(row, from)
		}
		asked[i] = true
	}
	return asked, nil
}

// Masking is how examples of pre-training are made.
type Masking struct {
	Words, Regions float64 // rates at which word pieces and regions are asked for
	// Swap: every other sentence is replaced by one about another picture.
	Swap bool
	// From has the regions that come in the place of others: the corpus that is trained on, while validating, too.
	From *Corpus
}

// Check says what cannot be a masking.
func (m Masking) Check() error {
	for _, r := range []struct {
		flag string
		rate float64
	}{{"wordMaskRate", m.Words}, {"objMaskRate", m.Regions}} {
		if !(r.rate >= 0 && r.rate <= 1) {
			return fmt.Errorf("dataset: --%s is %g, must be from 0 to 1", r.flag, r.rate)
		}
	}
	return nil
}

// Masked is an example of pre-training with what it hides.
type Masked struct {
	IDs     []int32 // word pieces with [CLS] and [SEP], not padded
	Words   []int32 // of each of IDs what was there before, -1 where nothing is asked for
	Regions *region.Regions
	// Features are those of the regions before any were hidden, and Asked for which ones they are asked for.
	Features []float32
	Asked    []bool
	Matched  bool  // the sentence is about the picture
	Answer   int32 // -1: none is asked for
}

// Mask makes an example anew: all that is random in it comes from rng. Sentences are cut to length word pieces.
func (c *Corpus) Mask(ctx context.Context, rng Draws, tok *token.WordPiece, length, i int, m Masking) (*Masked, error) {
	special, err := tok.SpecialIDs()
	if err != nil {
		return nil, err
	}
	e := &Masked{Matched: true, Answer: -1}
	text := c.sentences[i].text
	if m.Swap && rng.Float64() < 0.5 {
		e.Matched = false
		text = c.sentences[c.Other(rng, i)].text
	}
	encoding, err := tok.Encode(text, length)
	if err != nil {
		return nil, err
	}
	n := len(encoding.Mask)
	for encoding.Mask[n-1] == 0 {
		n--
	}
	e.IDs = encoding.IDs[:n]
	e.Words = append(append([]int32{-1}, maskWords(rng, e.IDs[1:n-1], m.Words, tok.Size(), special.Mask)...), -1)

	if e.Regions, err = c.Regions(ctx, i); err != nil {
		return nil, err
	}
	e.Features = append([]float32(nil), e.Regions.Features...)
	e.Asked, err = maskRegions(rng, e.Regions.Features, e.Regions.N, e.Regions.Dim, m.Regions, func() ([]float32, error) { return m.From.anyRegion(ctx, rng) })
	if err != nil {
		return nil, err
	}
	if e.Matched {
		e.Answer = drawAnswer(rng, c.Labels(i))
	}
	return e, nil
}

// Other draws a sentence about another picture; see [Corpus.SeveralPictures].
func (c *Corpus) Other(rng Draws, i int) int {
	other := rng.IntN(c.Len())
	for c.sentences[other].image == c.sentences[i].image {
		other = rng.IntN(c.Len())
	}
	return other
}

// anyRegion draws a sentence, so that pictures count by how many they have, and one of its picture's regions.
func (c *Corpus) anyRegion(ctx context.Context, rng Draws) ([]float32, error) {
	r, err := c.Regions(ctx, rng.IntN(c.Len()))
	if err != nil {
		return nil, err
	}
	if r.N == 0 {
		return make([]float32, r.Dim), nil
	}
	k := rng.IntN(r.N)
	return r.Features[k*r.Dim : (k+1)*r.Dim], nil
}

// drawAnswer draws one of several answers by their scores; -1 where there is none.
func drawAnswer(rng Draws, answers []AnswerScore) int32 {
	total := 0.0
	for _, a := range answers {
		total += float64(a.Score)
	}
	switch {
	case len(answers) == 0 || total == 0:
		return -1
	case len(answers) == 1:
		return answers[0].ID
	}
	p := rng.Float64() * total
	for _, a := range answers {
		if p -= float64(a.Score); p < 0 {
			return a.ID
		}
	}
	return answers[len(answers)-1].ID
}

// ExampleDraws are the random numbers of a sentence in an epoch: they depend on nothing else, so that a run resumes at any
// step.
func ExampleDraws(seed uint64, epoch, i int) *rand.Rand {
	return rand.New(rand.NewPCG(seed+uint64(epoch)*0x9e3779b97f4a7c15, uint64(i)))
}

// InputOf is the model's input of some examples, sentences padded to length with tok's [PAD].
func InputOf(examples []*Masked, pad int32, length int) (*lxmert.Batch, error) {
	b := &lxmert.Batch{}
	regions := make([]*region.Regions, len(examples))
	for n, e := range examples {
		ids, mask := make([]int32, length), make([]float32, length)
		for t := range ids {
			ids[t] = pad
			if t < len(e.IDs) {
				ids[t], mask[t] = e.IDs[t], 1
			}
		}
		b.IDs, b.TextMask, b.Segments = append(b.IDs, ids), append(b.TextMask, mask), append(b.Segments, make([]int32, length))
		regions[n] = e.Regions
	}
	return b, region.Fill(b, regions...)
}
