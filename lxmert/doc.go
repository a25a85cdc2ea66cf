// Package lxmert describes LXMERT, a two-stream vision-and-language transformer (Tan and Bansal, 2019), without
// computing it: the sizes of a model ([Config]), its parameters ([Config.Params]) and activations ([Config.Names]), what
// goes in ([Batch]), what may be asked ([Request]) and what comes out ([Trace]).
//
// Everything that runs or analyses a model does so through one small interface, [Engine]. Package lxrt implements it on
// GoMLX/XLA. This package needs the standard library only, so that programs which draw or analyse traces stay small.
//
// Shapes are written with these letters: N rows, T words (word pieces, with [CLS] and [SEP]), V regions (RoIs), H heads,
// D hidden units (d of one head, I inside a feed-forward block), F region features. Rows of all arrays are the slowest axis,
// as in Go's nested arrays.
//
// # Names
//
// Every place inside the model has a name. Any of them can be read, edited, and differentiated with respect to. Layers k count
// from 0, and "*" in a pattern stands for one part between dots.
//
//	in.word in.position                  word rows; rows of positions and segments, which LayerNorm gets the sum of
//	in.feat in.box                       region features and boxes
//	hid.t.k hid.i.k                      levels of words and of regions: 0 is the embedding, then one after each layer
//	l.k.tt r.k.ii                        attention maps of the language and of the object-relationship layers, [H,queries,keys]
//	x.k.ti x.k.it x.k.tt x.k.ii          maps of the cross layers: words look at regions, regions at words, each at itself
//	MAP.q MAP.k MAP.v                    what a map and its weighted values are made of, for each head
//	MAP.score                            scores before softmax, after scale and mask, shaped like the map
//	MAP.ctx MAP.out                      values weighted by the map; the same after the output projection, before the residual
//	l.k.att r.k.att                      after the LayerNorm of the attention sublayer
//	x.k.S.cross x.k.S.self               the same in cross layers, S is t for words and i for regions
//	l.k.ffn r.k.ffn x.k.S.ffn            inside a feed-forward block, after its activation function
//	….ffn.out                            after the feed-forward block, before the residual and LayerNorm
//	out.pooled out.match out.qa …        pooled [CLS] and the logits of the heads
//
// [Config.Names] lists them all with their shapes, and so does the command lxmert trace --list. Where a map meets the graph,
// whose parameters make it and what its queries and keys are, stands in a table in package lxrt, maps.go.
package lxmert
