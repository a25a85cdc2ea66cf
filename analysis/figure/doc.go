// Package figure draws what analyses find, ready for a paper: as PDF and SVG with lines and letters, or as PNG.
//
// A result of package analysis says what it is; [Save] picks the figure for it and, by the file's suffix, the format:
//
//	scores, err := relevance.BiModal(ctx, engine, batch, analysis.Predicted(), relevance.Options{})
//	…
//	err = figure.Save("why.pdf", scores[0], figure.Options{})  // picture with boxes, and the sentence
//	err = figure.Save("why.csv", scores[0], figure.Options{})  // the same, as numbers
//	err = figure.Save("why.tex", scores[0], figure.Options{})  // as tables: \input{why}
//
// What the figures have in common: 8.3 or 17 cm wide, letters of 8 points, no rainbow and no pair of red and green; numbers
// that are not defined are light grey; panels that are compared share one scale, which is drawn beside them; and a line of
// grey print names weights, features, number of examples and seed.
//
// A .csv file begins with the names of its columns, the last of which is "meta": its first entry is the [analysis.Meta] as
// JSON, the others are empty. Python reads both with
//
//	data = pandas.read_csv("why.csv")
//	meta = json.loads(data["meta"][0])
//
// A .json file has everything that the result has; a .safetensors file has its arrays as F64, and kind and meta as
// metadata. Padding is in neither figures nor .csv.
//
// A .tex file has the numbers as tables for a paper that loads booktabs, rounded as in figures, with intervals in brackets after
// them; comments above each say how it was made. Every character of a label is set as it is.
//
// Letters are Liberation Sans, which has the Latin, Greek, Cyrillic and Hebrew scripts; other characters are drawn as boxes.
//
// # A further kind of figure
//
// A kind of result is a type of package analysis that is an analysis.Result; it stands in analysis.Kinds, which makes it
// travel to the session and come back from JSON. What its picture shows, without a line being drawn, is one file of package
// layout: titles, texts, ranges, colours, legends, places on axes. Here it is one more file, with a function such as
// [Heatmap] that checks what cannot be drawn, finds places in points, and returns a [Figure]; a line in [Draw]; its Example,
// which is in the README's gallery; and the golden image of that Example, which go test -run LookAsTheyDid -update writes and
// somebody looks at. In package report it is one file that makes the same layout HTML, and a line in newPart.
// TestPaperAndPageSayTheSame holds the two together: give it a result of the new kind.
package figure
