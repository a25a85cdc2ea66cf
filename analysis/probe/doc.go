// Package probe asks where a model knows what: which level of which stream a label can be read from, how alike levels are,
// and how far the streams' states mix. (Whether words and regions share a space is package align's question.)
//
// A probe is a simple classifier of hidden states. That it finds a label says little by itself: with enough parameters it
// also finds labels that mean nothing. So each probe stands beside what puts it into proportion: the same probe of labels
// drawn at random for each kind of thing (a control task), of a model with random weights, of the embedding, the most
// frequent label, and the number of bits in which it tells the labels to somebody who has the states (an online code).
package probe
