package lx

import (
	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/analysis/patch"
)

// Patching says which heads, levels, words, regions and sublayers carry the difference between two answers: each of them is taken
// from the run of clean into that of corrupted, one at a time, and what that restores of the difference is a share: 0 nothing, 1
// all of it. The difference is that of the two answers' logits. Names change that:
//
//	lx.Patching(q, other, "noising")  // corrupted into clean: 1 no damage, 0 as bad as corrupted. What is needed, not what suffices
//	lx.Patching(q, other, "matched")  // two pictures: regions pair by class and place, others are taken away and listed
//	lx.Patching(q, other, "blue-red") // of another target, named as in Explain
//
// Without "matched" the questions have as many word pieces, the pictures the same regions, or one exchanged; see patch.NewPair.
func Patching(clean, corrupted *Answer, of ...string) analysis.Collection {
	pair, direction := paired(clean, corrupted, of)
	x := must(pair.Exact(cell().ctx, direction, 0))
	x.Inputs.Answer = clean.Best().Text
	return x.Collection()
}

// paired are two questions between whose runs something is exchanged, as names say.
func paired(clean, corrupted *Answer, names []string) (*patch.Pair, patch.Direction) {
	direction, matched := patch.Denoising, false
	var target []string
	for _, name := range names {
		switch name {
		case patch.Noising.String():
			direction = patch.Noising
		case patch.Denoising.String():
			direction = patch.Denoising
		case "matched":
			matched = true
		default:
			target = append(target, name)
		}
	}
	a, b := clean.answer(), corrupted.answer()
	t := clean.targetOr(patch.Contrast(a, b), target)
	if !matched {
		return must(patch.NewPair(cell().ctx, clean.Model, a.Batch, b.Batch, t)), direction
	}
	pair, _, err := patch.NewMatchedPair(cell().ctx, clean.Model, a.Batch, b.Batch, t, 0)
	return must(pair, err), direction
}
