// Package layout computes what a picture of a result shows, without drawing: which series have one colour, ranges of axes
// and colours, legends, ticks and how numbers are written, titles, and where numbers come from. Package figure draws it for
// paper, package report for browsers: both say the same, because it is said here.
//
// One thing differs by intent: on a page, which is light or dark, the words and regions of an example have one hue whose
// strength is the number, orange for and blue against; on paper they have a scale whose colours are printed beside them.
package layout
