package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/modality"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// This file is the methods of [Analysis] that ask a model about many texts with many pictures. Published code asks about
// one pair after the other; ours makes each text and each picture once.

// The methods that [Analysis] measures, as Options.Method names them.
const (
	Relevance = "relevance" // bi-modal relevance; the default
	EMAP      = "emap"      // Batches are examples, of which all texts meet all pictures
	Shapley   = "shapley"   // Batches are words and regions together, of which all subsets are asked about
)

// AnalysisMethods lists them.
var AnalysisMethods = []string{Relevance, EMAP, Shapley}

// mostPlayers is how many words and regions a measurement of Shapley values has at most.
const mostPlayers = 14

// checkMethod checks a method and its sizes, for which it has defaults.
func (o *Options) checkMethod() error {
	if o.Method == "" {
		o.Method = Relevance
	}
	if !slices.Contains(AnalysisMethods, o.Method) {
		return fmt.Errorf("%w: there is no method %q; there are %s", ErrOptions, o.Method, strings.Join(append(slices.Clone(AnalysisMethods), PatchingMethod, EmbedMethod), ", "))
	}
	least, largest := 1, maxOption
	switch o.Method {
	case EMAP:
		least, largest = 2, 1<<10
		if o.Batches == nil {
			o.Batches = []int{4, 16, 32}
		}
	case Shapley:
		least, largest = 3, mostPlayers
		if o.Batches == nil {
			o.Batches = []int{6, 10}
		}
	}
	for _, n := range o.Batches {
		if n < least || n > largest {
			return fmt.Errorf("%w: %s of %d, must be %d to %d", ErrOptions, o.Method, n, least, largest)
		}
		if w := playersOf(n); o.Method == Shapley && (w > o.Words-2 || n-w > o.Regions) {
			return fmt.Errorf("%w: shapley of %d takes %d words and %d regions, there are %d and %d", ErrOptions, n, w, n-w, o.Words-2, o.Regions)
		}
	}
	return nil
}

// passes is how many single passes the published way would take for what is done at once.
func passes(method string, n int) int {
	switch method {
	case EMAP:
		return n * n
	case Shapley:
		return 1 << n
	}
	return n
}

// playersOf says how many of n players are words; the others are regions.
func playersOf(n int) (words int) { return max(1, n/3) }

// once computes a method of one size, and the numbers to compare.
func (s explainSpec) once(ctx context.Context, m lxmert.Engine, inputs *lxmert.Batch, n int) (numbers func() []float32, err error) {
	switch s.Method {
	case EMAP:
		rows, err := firstRows(inputs, n)
		if err != nil {
			return nil, err
		}
		p, err := modality.EMAP(ctx, m, rows, modality.EMAPOptions{})
		if err != nil {
			return nil, err
		}
		return func() []float32 { return narrow(slices.Concat(p.Additive...)) }, nil
	case Shapley:
		// The id of [PAD] stands for absent words, as published: nothing else needs a vocabulary.
		shares, err := modality.Shapley(ctx, m, fewPlayers(inputs, n), analysis.Predicted(), modality.ShapleyOptions{AbsentWord: modality.PadWord, Exact: mostPlayers})
		if err != nil {
			return nil, err
		}
		return func() []float32 {
			return narrow(slices.Concat(shares[0].Scores[0].Inner(), shares[0].Scores[0].Regions))
		}, nil
	}
	return nil, fmt.Errorf("there is no method %q", s.Method)
}

// fewPlayers is the first example with its first words and regions alone, n together.
func fewPlayers(b *lxmert.Batch, n int) *lxmert.Batch {
	words := playersOf(n)
	regions := n - words
	last := 0
	for t, m := range b.TextMask[0] {
		if m > 0 {
			last = t
		}
	}
	ids := append(slices.Clone(b.IDs[0][:1+words]), b.IDs[0][last])
	cut := func(t lxmert.Tensor) lxmert.Tensor {
		width := t.Shape[2]
		return lxmert.Tensor{Shape: []int{1, regions, width}, Data: t.Data[:regions*width]}
	}
	return &lxmert.Batch{IDs: [][]int32{ids}, Feats: cut(b.Feats), Boxes: cut(b.Boxes)}
}

func narrow(values []float64) []float32 {
	out := make([]float32, len(values))
	for i, x := range values {
		out[i] = float32(x)
	}
	return out
}

// measurePasses times a method in this process. The batch of a timing is the passes that it stands for.
func (s explainSpec) measurePasses(ctx context.Context, m lxmert.Engine, inputs *lxmert.Batch, r *Result) error {
	for _, n := range s.Batches {
		var numbers func() []float32
		t, err := timed(passes(s.Method, n), s.Repeat, func() (err error) {
			numbers, err = s.once(ctx, m, inputs, n)
			return err
		}, func() error {
			if r.Logits == nil {
				r.Logits = [][]float32{numbers()}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("%s of %d: %w", s.Method, n, err)
		}
		r.Rows = append(r.Rows, t)
	}
	return nil
}
