// Package align asks whether words and regions of LXMERT share a space, level by level: how far apart their centres are
// (modality gap), whether a line tells them apart, whether examples have the same neighbours in both, and how alike the two
// geometries are (linear CKA).
//
// The levels that are compared are the two embeddings, the tops of the two towers, and both sides of each cross layer.
package align
