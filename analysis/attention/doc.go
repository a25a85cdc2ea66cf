// Package attention reads LXMERT's attention maps, measures them, and explains decisions by attention alone.
//
// [Read] gives the maps of a batch by name, for every head or averaged; [Maps.Measure] their entropy, sparsity and reach,
// [Maps.Grid] and [Maps.Layers] draw these head by head and layer by layer; [Maps.Pairwise] and [Clustered] say which heads
// attend alike. [Raw], [GradCAM], [Rollout], [JointRollout] and [Flow] turn maps into scores of words and regions: baselines
// for the methods of package relevance.
package attention
