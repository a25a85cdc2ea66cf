// Package compileoption gives single programs options of XLA's compiler. XLA_FLAGS in the environment is for all programs of a
// process and read once; what go-xla has, XLA_DEBUG_OPTIONS, sets all options that it does not name to nothing.
//
// A plugin takes options by name at the end of those with which go-xla calls it to compile. [Use] puts a function there that adds
// those of the program that is being compiled, which [With] says, and compiles once more without Triton what does not compile.
//
// The same place lets go-xla execute programs and upload arrays without waiting until the devices are done, for which it has no
// option: they can then be given the next program while they are at one.
package compileoption
