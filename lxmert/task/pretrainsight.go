package task

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/region"
)

// This file measures after each epoch of pre-training whether the model looks at pictures: whether it tells a sentence's own
// picture from another one, and what the picture is worth when it fills in masked words. The losses do not say: a model that
// knows sentences only has good ones, too.

const (
	sightSentences = 2000 // that are judged, of those to validate on
	sightBatch     = 64
	// sightDraws is the epoch whose random numbers choose the other pictures and mask the words: it is the same after every
	// epoch, so that epochs can be compared, and none that trains.
	sightDraws = -1 << 40
)

// sight is what was measured.
type sight struct {
	pairs int
	auc   map[string]float64 // of matching, by category; "" is all
	words int                // masked word pieces
	// With and without are their loss with the picture and with features of zero at its boxes, which is how pre-training hides
	// regions: nats per piece. The gain is without less with, and low to high its 95 % interval, over pictures.
	with, without, gain, low, high float64
}

// see measures with the parameters as they are.
func (p *pretraining) see(ctx context.Context, m lxmert.Engine) (*sight, error) {
	var own, other []scoredPair
	var words []wordLoss
	n := min(p.valid.Len(), sightSentences)
	for from := 0; from < n; from += sightBatch {
		var index []int
		for k := from; k < min(n, from+sightBatch); k++ {
			index = append(index, k*p.valid.Len()/n)
		}
		if p.opt.Pretraining.Matched {
			o, x, err := p.matchBoth(ctx, m, index)
			if err != nil {
				return nil, err
			}
			own, other = append(own, o...), append(other, x...)
		}
		if p.opt.Pretraining.MaskLM {
			w, err := p.wordsBoth(ctx, m, index)
			if err != nil {
				return nil, err
			}
			words = append(words, w...)
		}
		if p.opt.Predict != nil {
			p.opt.Predict(from+len(index), n)
		}
	}
	s := &sight{pairs: len(own) + len(other), auc: matchAUC(own, other)}
	s.gains(words)
	return s, nil
}

// sightExample is a sentence with the regions of its own picture, nothing hidden but words at a rate.
func (p *pretraining) sightExample(ctx context.Context, i int, rate float64) (*dataset.Masked, error) {
	return p.valid.Mask(ctx, dataset.ExampleDraws(p.opt.Seed, sightDraws, i), p.tok, p.length(p.cfg), i, dataset.Masking{Words: rate, From: p.corpus})
}

// scoredPair is how much larger the logit of "match" is than its opposite.
type scoredPair struct {
	category string
	margin   float64
}

// matchBoth scores sentences with their own picture and with another one.
func (p *pretraining) matchBoth(ctx context.Context, m lxmert.Engine, index []int) (own, other []scoredPair, err error) {
	var examples []*dataset.Masked
	var pictures []*region.Regions
	b := &lxmert.Batch{}
	for k, i := range index {
		e, err := p.sightExample(ctx, i, 0)
		if err != nil {
			return nil, nil, err
		}
		examples = append(examples, e)
		b.Pairs = append(b.Pairs, [2]int{k, k}, [2]int{k, len(index) + k})
	}
	for _, e := range examples {
		pictures = append(pictures, e.Regions)
	}
	for _, i := range index {
		another, err := p.valid.Regions(ctx, p.valid.Other(dataset.ExampleDraws(p.opt.Seed, sightDraws, i), i))
		if err != nil {
			return nil, nil, err
		}
		pictures = append(pictures, another)
	}
	texts, err := dataset.InputOf(examples, p.cfg.Special.Pad, p.length(p.cfg))
	if err != nil {
		return nil, nil, err
	}
	b.IDs, b.TextMask, b.Segments = texts.IDs, texts.TextMask, texts.Segments
	if err := region.Fill(b, pictures...); err != nil {
		return nil, nil, err
	}
	t, err := m.Run(ctx, b, lxmert.Request{Want: lxmert.All("out.match")})
	if err != nil {
		return nil, nil, err
	}
	logits := t.Values["out.match"].Data
	for k, i := range index {
		score := func(row int) scoredPair {
			return scoredPair{p.valid.Category(i), float64(logits[2*row+1]) - float64(logits[2*row])}
		}
		own, other = append(own, score(2*k)), append(other, score(2*k+1))
	}
	return own, other, nil
}

// matchAUC is the share of all pairs of an own and another picture's score in which the own is the larger one, half where both
// are equal; by category, and "" for all. Nil where there is nothing to compare.
func matchAUC(own, other []scoredPair) map[string]float64 {
	type scores struct{ own, other []float64 }
	by := map[string]*scores{}
	add := func(pairs []scoredPair, to func(*scores) *[]float64) {
		for _, x := range pairs {
			for _, name := range []string{"", x.category} {
				if by[name] == nil {
					by[name] = &scores{}
				}
				list := to(by[name])
				*list = append(*list, x.margin)
			}
		}
	}
	add(own, func(s *scores) *[]float64 { return &s.own })
	add(other, func(s *scores) *[]float64 { return &s.other })
	var auc map[string]float64
	for name, s := range by {
		if len(s.own) == 0 || len(s.other) == 0 {
			continue
		}
		slices.Sort(s.other)
		wins := 0.0
		for _, x := range s.own {
			below, equal := slices.BinarySearch(s.other, x)
			wins += float64(below)
			for ; equal && below < len(s.other) && s.other[below] == x; below++ {
				wins += 0.5
			}
		}
		if auc == nil {
			auc = map[string]float64{}
		}
		auc[name] = wins / float64(len(s.own)) / float64(len(s.other))
	}
	return auc
}

// wordLoss is the sum of the losses of a sentence's masked words.
type wordLoss struct {
	picture       string
	words         int
	with, without float64
}

// wordsBoth fills in masked words of sentences with their own picture, and without it.
func (p *pretraining) wordsBoth(ctx context.Context, m lxmert.Engine, index []int) ([]wordLoss, error) {
	var examples []*dataset.Masked
	var of []wordLoss
	for _, i := range index {
		e, err := p.sightExample(ctx, i, p.opt.Pretraining.WordMaskRate)
		if err != nil {
			return nil, err
		}
		if n := masked(e.Words); n > 0 {
			examples, of = append(examples, e), append(of, wordLoss{picture: p.valid.Image(i), words: n})
		}
	}
	if len(examples) == 0 {
		return nil, nil
	}
	b, err := dataset.InputOf(examples, p.cfg.Special.Pad, p.length(p.cfg))
	if err != nil {
		return nil, err
	}
	terms := wordTerms(examples, p.length(p.cfg))
	score := func() ([]float32, error) {
		t, err := m.Run(ctx, b, lxmert.Request{Grad: &lxmert.Grad{Of: terms}})
		if err != nil {
			return nil, err
		}
		return t.Score, nil
	}
	with, err := score()
	if err != nil {
		return nil, err
	}
	clear(b.Feats.Data)
	without, err := score()
	if err != nil {
		return nil, err
	}
	for row := range of {
		of[row].with, of[row].without = float64(with[row]), float64(without[row])
	}
	return of, nil
}

// wordTerms make the score of a row the sum of its masked words' losses.
func wordTerms(examples []*dataset.Masked, length int) []lxmert.Term {
	terms := make([]lxmert.Term, wordPlaces(wordsOf(examples), length))
	rows := len(examples)
	for k := range terms {
		terms[k] = lxmert.Term{Output: "out.mlm", Kind: lxmert.LogProb, Position: make([]int, rows), Class: make([]int, rows), Weight: make([]float32, rows)}
	}
	for row, e := range examples {
		k := 0
		for place, w := range e.Words {
			if w >= 0 {
				terms[k].Position[row], terms[k].Class[row], terms[k].Weight[row] = place, int(w), -1
				k++
			}
		}
	}
	return terms
}

// gains are the mean losses of masked words and how far they differ. Words of one picture are not independent of each other,
// so the interval is that of a ratio of sums over pictures.
func (s *sight) gains(all []wordLoss) {
	type sums struct{ words, gain float64 }
	by := map[string]sums{}
	for _, w := range all {
		s.words += w.words
		s.with, s.without = s.with+w.with, s.without+w.without
		x := by[w.picture]
		by[w.picture] = sums{x.words + float64(w.words), x.gain + w.without - w.with}
	}
	if s.words == 0 {
		return
	}
	n := float64(s.words)
	s.with, s.without = s.with/n, s.without/n
	s.gain = s.without - s.with
	squares := 0.0
	for _, picture := range slices.Sorted(maps.Keys(by)) { // a sum of floats depends on the order
		d := by[picture].gain - s.gain*by[picture].words
		squares += d * d
	}
	half := math.Inf(1)
	if g := float64(len(by)); g > 1 {
		half = 1.96 * math.Sqrt(squares*g/(g-1)) / n
	}
	s.low, s.high = s.gain-half, s.gain+half
}

// String are the lines of the log.
func (s *sight) String() string {
	text := ""
	if s.auc != nil {
		text = fmt.Sprintf("Overall match AUC %0.4f, ", s.auc[""])
		for _, name := range slices.Sorted(maps.Keys(s.auc)) {
			if name != "" {
				text += fmt.Sprintf("%s AUC %0.4f, ", name, s.auc[name])
			}
		}
		text += "\n"
	}
	if s.words > 0 {
		text += fmt.Sprintf("Masked words with the picture %0.4f, without %0.4f: it gains %0.4f (95 %%: %0.4f to %0.4f)\n", s.with, s.without, s.gain, s.low, s.high)
	}
	return text
}

// put fills a line of metrics.jsonl.
func (s *sight) put(line map[string]any) {
	for name, x := range s.auc {
		putNumber(line, strings.TrimSuffix("valid.match.auc."+name, "."), x)
	}
	if s.words == 0 {
		return
	}
	for name, x := range map[string]float64{"with": s.with, "without": s.without, "gain": s.gain, "gain.low": s.low, "gain.high": s.high} {
		putNumber(line, "valid.words."+name, x)
	}
}
