// Package browse writes what is known of thousands of examples as one page of HTML, in which they are sorted, filtered and
// searched, and each opens what explains it. The page needs nothing else: no network, no server.
//
// [Read] reads what a page shows: the folder of an analysis over a data set, a file of predictions with its questions, or the
// scores of a suite of pairs. Whoever has something else to show makes a [Listing] of it. [Save] writes the page; in a notebook's cell
// lx.Browse shows it.
//
// Only the rows that are seen are in the page's tree, so that a hundred thousand take no longer to scroll than ten. Everything
// else is data in the page: columns as lists of numbers and of names; of each word and region one byte for what a method gave to
// it, a 127th of the largest of the example, with four for the region's place; and the pictures as small as it takes to
// fit them into a given number of bytes ([Options]). Ten thousand explained questions about five thousand pictures take about
// 6 MB and the pictures' 24 MB.
//
// Whatever a question, an answer or a file name contains is shown as text. The page forbids itself all requests; the picture's own
// file is asked for only by who follows the link to it.
package browse
