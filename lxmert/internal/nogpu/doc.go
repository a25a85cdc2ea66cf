// Package nogpu shows what a GPU would be given, and what XLA makes of it, on a machine that has none.
//
// [Open] is XLA's plugin for the CPU under the name of CUDA's. Graphs that are built on it are the very ones that a GPU gets, down to the
// bytes and the compiler's options, and it hands each program over instead of compiling it. Nothing is computed: arrays on its device are empty
// places, all programs return zeros.
//
// [Compile] has CUDA's plugin compile such a program ahead of time, for a GPU of which it has a description. Kernels are assembled as for
// a GPU at hand; what needs one is the choice of the fastest of several kernels, for which the compiler then takes its default. The
// NVIDIA driver is not needed, the plugin with its libraries is.
package nogpu
