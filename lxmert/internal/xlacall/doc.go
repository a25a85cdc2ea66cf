// Package xlacall computes parts of the programs that XLA's CPU plugin compiles: [Use] changes a backend so that float32 matrix
// products in a program, but for very small and unusual ones, become calls of the C code here, and so do softmax and LayerNorm
// where a program only runs forwards. It works on Linux with AVX2 or AVX-512; elsewhere [Use] changes nothing.
//
// The plugin leaves products to Eigen, which copies a weight matrix into the order it wants for every product, however
// few rows there are to multiply it with, is several times slower where a matrix is transposed, as on the way back through
// a layer, and computes attention head by head of each example, with memory from malloc for each. That made models of
// this kind slower than PyTorch, whose MKL does none of it, wherever batches are small. Here a matrix is copied only where
// the copy pays, which then also turns a transposed one, transpositions before and after a product in the program are left
// out, and all heads of a batch are one call. The plugin turns softmax and LayerNorm into five and seven loops, and
// compiles each of them for each layer: for the published model these are three quarters of its loops, and half of the time
// until a program can run for the first time.
//
// No library does this: OpenBLAS, MKL and oneDNN are shared libraries of up to 200 MB that would have to be brought
// to a machine beside the plugin, and they know neither the plugin's threads, on which this runs, nor batches of small
// products with steps of their own.
//
// GOLXMERT_MATMUL=0 in the environment leaves everything to the plugin; GOLXMERT_MATMUL=avx2 does without AVX-512.
package xlacall
