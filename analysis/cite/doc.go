// Package cite says how to cite results: what was computed, with which weights, features, versions and seeds, in words, and
// the BibTeX entries of the methods, of the suites and of LXMERT. [Of] reads all of it off the results; nothing is asked of anybody.
//
//	fmt.Println(cite.Of([]analysis.Result{curve}))
//
// What it gives is a file that BibTeX reads: it leaves out whatever stands between entries.
package cite
