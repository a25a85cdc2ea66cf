// Package speed makes XLA's CPU plugin faster in every program that imports it, which is all that one does with it:
//
//	import _ "github.com/seed-516990b0/golxmert/lxmert/speed"
//
// The commands lxmert and kernel do. Results are the same but for rounding. What it brings, measured for each part, stands in
// lxmert/bench/README.md; what of it is on, `lxmert backend` says:
//
//   - Matrix products, softmax and LayerNorm of XLA's programs are computed by C code of this module (package xlacall):
//     batches of one take less time, and programs compile sooner.
//   - Compiled programs are kept in the user's cache folder (package compilecache), so that only the first process compiles.
//   - C's large blocks of memory come from a pool (package cmalloc): training takes half of the memory, and less time.
//
// They are not part of importing the model, because the first two reach into go-xla where it has no place for them, and the
// third takes the place of malloc in the whole program. On other systems than Linux with cgo nothing happens; the products
// need an x86 processor with AVX2.
package speed
