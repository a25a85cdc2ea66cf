// Package patch exchanges activations between two runs of LXMERT that differ in little, such as one word of the question or
// one region of the picture, and says what that does to a target: which heads, and which levels at which words and regions,
// carry the difference.
//
//	pair, err := patch.NewPair(ctx, engine, clean, corrupted, analysis.Predicted())
//	exact, err := pair.Patch(ctx, patch.Denoising, 0, patch.Heads(engine.Config()))  // one run for each 32 nodes
//	all, err := pair.Attribute(ctx, patch.AttributionOptions{Check: 10})               // every node at once, to first order
//	err = figure.Save("atlas.pdf", all[0].Atlas(), figure.Options{})
//
// [Pair.Patch] is exact: a run of the model for each node. [Pair.Attribute] estimates all nodes at once, and checks those
// that matter.
package patch
