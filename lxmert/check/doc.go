// Package check compares engines: the same weights and the same inputs in XLA, in GoMLX's Go backend, and in PyTorch, by way of
// the original code or of Hugging Face's transformers. Of every attention map, level and head it says by how much engines
// differ, whether rounding explains that, and where two of them part first.
//
// # Adding an engine
//
// An engine is a process that reads inputs from a file and leaves activations in another, by their names; which engines there
// are says one table, in engine.go. A process of its own keeps what engines do to each other out of the comparison: XLA's
// plugin, its allocator, and PyTorch are each as they are when used alone.
//
// # What agreement means
//
// Two engines that compute the same add numbers up in another order and round elsewhere. How far that carries depends on the
// weights and the inputs, so it is measured on these: every named activation is moved by up to its last bit, and what comes of
// that bounds how far an engine's numbers may be from the exact ones, and twice that how far two engines' may be apart. Another
// formula, mask, constant or precision of products (TF32, bfloat16) goes beyond it.
package check
