package lx

import (
	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/patch"
)

// Patching says which heads, levels, words, regions and sublayers carry the difference between two answers: each of them is taken
// from the run of clean into that of corrupted, one at a time, and what that restores of the difference is a share: 0 nothing, 1
// all of it. The difference is that of the two answers' logits, or a target's that is named as in [Explain].
//
// The questions have as many word pieces, the pictures the same regions, or one exchanged; see patch.NewPair.
func Patching(clean, corrupted *Answer, target ...string) analysis.Collection {
	a, b := clean.answer(), corrupted.answer()
	t := clean.targetOr(patch.Contrast(a, b), target)
	pair := must(patch.NewPair(cell().ctx, clean.Model, a.Batch, b.Batch, t))
	x := must(pair.Exact(cell().ctx, patch.Denoising, 0))
	x.Inputs.Answer = clean.Best().Text
	return x.Collection()
}
