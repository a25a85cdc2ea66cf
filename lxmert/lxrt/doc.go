// Package lxrt is LXRT, the model of LXMERT (Tan and Bansal, 2019), on GoMLX: layers, heads and losses as graph
// functions, and [Model], which holds weights on a device and implements [lxmert.Engine].
//
// # Reading the model
//
// layers.go is the encoder from top to bottom, heads.go what stands on it, loss.go what it is trained with. Everything
// in between has a name, and a [Net] builds what is asked for by name and nothing else. Attention is written out
// instead of using a fused operation, because maps are nodes that people read, edit and differentiate; XLA makes it as
// fast.
//
// # Where a map's name meets the graph
//
// In maps.go: a table has, for each kind of map, the parameters, the queries and the keys that it is made of.
// The cross-attention block that both directions share is "visual_attention" there.
//
// # Running it
//
// [Model.Run] makes a plan of a request and does four things with it, each readable for itself: it checks the request
// (check.go), finds the compiled program of the plan's key (key.go, model.go), feeds the program's inputs (input.go names
// them, feed.go makes their data) and crops what comes out (crop.go). The first plan with a key builds the graph (define.go,
// with its edits in edit.go and cut.go). Batches are padded to buckets (bucket.go), so that a compilation, which takes
// seconds, serves many sizes; padding changes no result. Numbers in requests are inputs of the graph.
//
// Matrices of linear layers are kept on the device as [in,out], the transpose of files, since XLA's CPU products are up
// to twice as fast that way (weight.go).
//
// # What is kept of the reference
//
// Numbers are the reference's to float32 rounding, quirks included: row 0 of each embedding table gets no gradient;
// the last cross layer's visual half gets none from the pooled vector; masks add -10000, so an image of which every
// region is masked is seen as if nothing were masked. [lxmert.AttendNothing] is the way to take regions away.
package lxrt
