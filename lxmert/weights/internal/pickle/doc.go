// Package pickle reads the subset of Python's pickle format that torch.save writes (protocols 2 to 5), strictly.
//
// A pickle is a program for a small stack machine. The one here can build plain values and nothing else: a class or
// function that the pickle names is looked up by [Machine.Global], and what a call of it means is decided in Go by a
// [Callable]. What has no meaning here becomes a [Class], whose calls make an [Object]: both remember what they are
// called and what they were given. No opcode runs, loads or looks up foreign code.
//
// Input is not trusted: every length is compared with the bytes that are left before anything is allocated, the number
// of opcodes is limited, so memory stays within the input's size plus a constant, and each error names its offset.
package pickle
