// Package concept takes concepts out of hidden states of LXMERT and says what that does to its answers.
//
// A concept is a label of each word, or each region: its colour, whether it is an object, which class it has. [LEACE] finds the
// least change of the states after which no linear probe can read the label (Belrose, Schneider-Joseph, Ravfogel, Cotterell,
// Raff and Biderman, "LEACE: Perfect linear concept erasure in closed form", 2023). [MeanDifference] and [CAV] are
// directions of a concept with two values, of which [Along] takes out just the one. [Effects] sets the changed states into
// the model and reads the target again, [Sensitivity] is the slope of the target in a direction (Kim et al., "Testing with
// concept activation vectors", 2018).
//
// What was erased cannot be read by linear probes. Layers above may still find it where it is stored in another way, and what
// an erasure breaks may be more than the concept.
package concept
