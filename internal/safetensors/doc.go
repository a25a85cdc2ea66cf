// Package safetensors reads and writes the safetensors container: an 8-byte little-endian length, a JSON header that
// gives each tensor's type, shape and place, and the raw little-endian values in row-major order.
//
// It knows bytes, not numbers: callers decide what to do with the values. A header is checked completely before any of
// it is returned, so that an [Entry] always lies within the file, has the size its shape says, and overlaps no other.
// Headers are limited to 100 MB, as in the reference implementation, and are never larger than the file itself.
package safetensors
