// Package intervene says what changes an answer of LXMERT: it does something to a run of the model, or to what goes in, and
// asks again.
//
// A [Change] is one thing that is done: other words, no regions or none of some, a region of another picture, heads switched
// off, an edge of attention cut, a level or a head as it is in another run, features of a dictionary changed. [WhatIf] asks
// with each of some changes, all in one batch beside the question as it was, and returns the answers side by side with what
// was changed on the picture.
//
// Words and regions are named as people see them; see [Change] for how.
package intervene
