// Package compare asks two models the same questions and says what has become different: before and after fine-tuning, or two
// training runs.
//
//	before := compare.Model{Name: "before", Engine: a, Head: headA}
//	after := compare.Model{Name: "after", Engine: b, Head: headB}
//	found, err := compare.Run(ctx, before, after, batches, compare.Options{})
//	err = report.Save("compare.html", found.Collection(), report.Options{})
//
// It looks at the answers, which are compared by their names where the two heads have other ones; at relevance: whether the two
// find the same words and regions relevant for the first model's answer; at attention: how far apart the rows of each head are
// (Jensen-Shannon divergence); at the states: how alike each level of one is to each of the other (debiased linear CKA). [Distances] says
// how far the weights themselves have moved, block by block. Questions whose answers changed are explained in both models, side by side.
//
// [Options.Saved] keeps what was found so far, so that a comparison that was cut off goes on.
//
// Both models must be at hand at once, because attention and states are compared row by row, and what a published model says of
// a thousand questions would be gigabytes to keep. Nothing but a line per question and sums is kept.
//
// What two models do not have in common is left out, and the result's notes say what and why: answers of heads that share no answer, heads of
// attention where there are more of them in one model, weights of other shapes. Two models that cannot be shown the same input are an
// error that wraps [ErrModels].
package compare
