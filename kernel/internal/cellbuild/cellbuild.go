// Package cellbuild says how cells are built: the kernel tells GoNB, and an installation warms the build cache with it.
package cellbuild

// Flags are those of go build. Without -s and -w linking takes a tenth of a second longer (traces keep their lines). The
// tags replace the C library's resolver and user database by Go's own: without them a cell that talks to the session takes
// a fifth longer to link.
func Flags() []string { return []string{"-ldflags=-s -w", "-tags=netgo,osusergo"} }
