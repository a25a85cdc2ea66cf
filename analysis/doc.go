// Package analysis explains what LXMERT does: targets to explain, and the four plain kinds of result that every method
// returns.
package analysis
