// Package lxmert describes LXMERT, a two-stream vision-and-language transformer (Tan and Bansal, 2019), without
// computing it: the sizes of a model ([Config]), its parameters ([Config.Params]) and activations ([Config.Names]), what
// goes in ([Batch]), what may be asked ([Request]) and what comes out ([Trace]).
//
// Everything that runs or analyses a model does so through one small interface, [Engine]. Package lxrt implements it on
// GoMLX/XLA. This package needs the standard library only, so that programs which draw or analyse traces stay small.
//
// Shapes are written with these letters: N rows, T words (word pieces, with [CLS] and [SEP]), V regions (RoIs), H heads,
// D hidden units, F region features. Rows of all arrays are the slowest axis, as in Go's nested arrays.
package lxmert
