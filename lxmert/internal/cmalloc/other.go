//go:build !(cgo && linux)

package cmalloc

// Trim does nothing: this is another allocator.
func Trim() {}
