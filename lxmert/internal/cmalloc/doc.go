// Package cmalloc makes C's allocator fit for XLA's CPU plugin, in every program that imports it, on Linux with glibc. It
// need not be called for that; there is only [Trim], for after compiling.
//
// A pool serves blocks of 128 kB and more: tensors, and the working memory of a program, which can be gigabytes. glibc maps
// new memory for every block above 32 MB, which the system fills with zeros page by page each time a program runs; and it
// has an arena per thread, where what one of the plugin's threads has freed cannot serve another: a training step of the
// published model holds 7.8 GB instead of 4.6, explaining a batch takes a twentieth longer. One arena for all threads would
// mend the second and make compiling a fifth slower. The pool keeps what is freed, in pages of 2 MB where the
// system gives them to those that ask. Free memory goes back to the system before the pool grows, and when nobody has
// asked for a large block in half a minute.
//
// The pool takes the place of malloc, free and what belongs to them for the whole program, and leaves small blocks to
// glibc. There is no pool where the system counts address space as if it were memory; GOLXMERT_POOL=0 in the environment
// turns it off. The usual allocators (mimalloc, jemalloc, TBB's) are shared libraries that have to be brought to a machine
// and loaded before the program, by LD_PRELOAD; this is part of the program.
package cmalloc
