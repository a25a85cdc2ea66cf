// Package cmalloc makes C's allocator fit for XLA's CPU plugin, in every program that imports it, on Linux with glibc. There
// is nothing to call.
//
// A pool serves blocks of 1 kB to 1 MB, and aligned ones from 128 bytes. Where products are the plugin's own (package
// matmul says where not), it computes that of each head of each example by itself and has two aligned blocks for each,
// thousands in a training step. glibc cuts such blocks out of larger ones and searches long lists of the rests that
// compiling has left: a training step of a small model took more than twice the time. The pool takes the place of malloc,
// free and what belongs to them for the whole program, and leaves to glibc what it does not serve; blocks stay with it for
// good. GOLXMERT_POOL=0 in the environment turns it off.
//
// The usual allocators (mimalloc, jemalloc, TBB's) are a little faster still, but are shared libraries that have to be
// brought to a machine and loaded before the program, by LD_PRELOAD; this is part of the program.
//
// What glibc serves comes from one arena. With an arena per thread, which is its rule, memory that one of the plugin's
// threads has freed cannot serve the next: a training step of the published model holds 8.7 GB, with one arena 5.2 GB, in
// the same time. MALLOC_ARENA_MAX in the environment wins.
package cmalloc
