// Package roofline reads a program as XLA's compiler for GPUs leaves it, optimized HLO in text, and reckons what running it must cost:
// how many kernels there are, how many floating-point operations of which type, how many bytes go between the kernels and memory, and
// the least time that a device takes for them (Williams, Waterman and Patterson, "Roofline", 2009).
//
// A kernel takes as long as its bytes or its operations, whichever takes longer, and no less than it takes to start it; kernels follow
// each other. Real ones take longer: small ones leave most of the device without work. Between programs the figures can be
// trusted, as times they are lower bounds.
package roofline
