// Package analysis explains what LXMERT does: targets to explain, and the kinds of [Result] that methods return. A result
// is plain data that says what it is, checks itself, and writes its numbers; package figure draws it for paper, package
// report for browsers.
package analysis
