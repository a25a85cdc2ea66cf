// Package analysis explains what LXMERT does: targets to explain, and the kinds of [Result] that methods return. A result
// is plain data that says what it is, checks itself, and writes its numbers; package figure draws it for paper, package
// report for browsers.
//
// # Adding a method
//
// A method that scores words and regions is a function over an [lxmert.Engine], see Method in package relevance, and a line
// in the Methods there: commands, cells and sweeps list what stands in it. Any other method is a package of its own beside
// relevance, whose functions call [lxmert.Engine] with names, edits and gradients and return a [Result]. A page about it
// belongs in the folder methods.
package analysis
