// Package report writes results as one HTML file that needs nothing else: no network, no extension, no server. It can be
// mailed, archived with a paper, or shown in a notebook.
//
// The report of an analysis.Explanation shows picture and sentence side by side. Pointing at a word, or reaching it with the
// keyboard, shows which regions it looks at, and the other way round, for any layer and any choice of heads; a matrix says
// who looks at whom, and thumbnails of all heads lead to those worth a look. With nothing pointed at, the page shows what a
// method found relevant. The report of an analysis.Collection is an index over its
// results.
//
// Attention is shown as the model computed it: shares after softmax, not normalised again, averaged over the chosen heads
// only. The pieces of a word are shown as one. [CLS] and [SEP] are grey and do not set the scale, what is not defined is
// striped, and a region carries a label only if it has more than an even share.
//
// What the scripts do is added to a page that says the same without them: every mark is drawn by attributes and inline
// styles, so that it survives viewers that remove scripts and style sheets, as nbviewer and mail programs do. The page
// forbids itself all requests by a content security policy. Whatever a question, a label or a file name contains is shown
// as text. Several reports in one page leave each other alone, and take the colours of JupyterLab or VS Code around them.
//
// All 34 maps of a model with 12 heads, for 20 words and 36 regions, take 0.39 MB: each number is one byte, the square
// root of the attention in 255 steps, so that it is right within 0.004, and within 0.0004 below 0.01.
package report
