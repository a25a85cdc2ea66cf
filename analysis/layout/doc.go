// Package layout computes what a picture of a result shows, without drawing: which series have one colour, ranges of axes
// and colours, legends, ticks and how numbers are written, titles, and where numbers come from. Package figure draws it for
// paper, package report for browsers: both say the same, because it is said here.
package layout
