// Package compilecache keeps the programs that XLA's CPU plugin compiles in a folder, and gives them back to later processes,
// which load them in a moment. Compiling the whole model takes seconds, and each process would do it again.
//
// Neither go-xla nor the plugin has such a cache, but the plugin can write a compiled program and read it: the cache stands in
// the table of functions by which go-xla calls the plugin, in the place of the one that compiles.
//
// A file is named by a hash of everything that its program depends on: the program before compiling, XLA's options and flags,
// the plugin's file, the processor and the number of its cores. One that is damaged, or that the plugin does not take, counts
// as absent and is written anew, and nothing that goes wrong with a file keeps a program from being compiled. As with any
// compiler's cache, whoever can write to the folder decides what later processes execute; it is made for its owner alone.
//
// The folder is golxmert/programs in the user's cache folder; GOLXMERT_PROGRAMS in the environment names another, and 0 none.
package compilecache
