// Package filekind tells what a file is from its first bytes, for readers that were given something else: a Git LFS
// pointer for weights, a web page for questions, HDF5 for region features.
//
// [Of] looks, [Kind.String] is the word for it, and [Kind.Not] is the end of an error message, with what to do about it.
// It is a first look, in which a long magic number proves more than a short one: that a file is damaged, or hostile, is for
// its reader to find. Nothing here depends on a file's name, which is the first thing to go wrong.
package filekind
