// Package relevance says which words and which regions carried a decision of LXMERT.
//
// [BiModal] follows attention and its gradients through both streams (Chefer, Gur and Wolf, "Generic attention-model
// explainability for interpreting bi-modal and encoder-decoder transformers", 2021), for every head of the model and for
// whole batches with padding. [AttnLRP] shares the score out layer by layer. [GradientTimesInput] and [IntegratedGradients] need no attention at all. [Methods] lists
// these and the baselines of package attention under one signature; [Perturb] tests such rankings by removing words and
// regions, and [Agreement] says how far methods agree.
package relevance
