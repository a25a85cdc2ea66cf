package lx

import (
	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/patch"
)

// Patching says which heads, levels, words, regions and sublayers carry the difference between two answers: each of them is taken
// from the run of clean into that of corrupted, one at a time, and what that restores of the difference is a share: 0 nothing, 1
// all of it. The difference is that of the two answers' logits.
//
// The questions have as many word pieces, the pictures the same regions, or one exchanged; see patch.NewPair.
func Patching(clean, corrupted *Answer) analysis.Collection {
	a, b := clean.answer(), corrupted.answer()
	pair := must(patch.NewPair(cell().ctx, clean.Model, a.Batch, b.Batch, patch.Contrast(a, b)))
	x := must(pair.Exact(cell().ctx, patch.Denoising, 0))
	x.Inputs.Answer = clean.Best().Text + " instead of " + corrupted.Best().Text
	return x.Collection()
}
