// Package suite asks a model which sentence belongs to which picture: benchmarks of pairs and groups, with the measures that
// each of them defines.
//
//	s, err := suite.Find("winoground")
//	result, err := suite.Run(ctx, engine, batch, s, s.Items(file), suite.Options{Blind: true})
//	fmt.Println(result.Table())
//
// An [Item] is some sentences and some pictures, and which belong together. Every sentence meets every picture, and out.match
// says of each pair "no match" (class 0) and "match" (class 1); measures compare these raw logits, or the class that wins, as
// they were published. [Suite.Layout] says of each reader what it was written from: the benchmark's own code and files, or a
// description alone.
//
// [RunIn] is Run that keeps every score in a folder, goes on where it was cut off, and can do a part of the items; [Read] puts parts
// together.
//
// # Files of one's own
//
// The suite "pairs" reads JSON lines, an item each:
//
//	{"id": "7", "group": "colour", "images": ["val2014/17"], "sentences": ["a red star", "a blue star"], "right": [[1], [0]]}
//
// images are ids as the feature files have them (a path and a suffix of a picture file are left away, and "val2014/17" stands
// for COCO's id). right has a row for each sentence and in it 1 or 0 for each picture; without it the first sentence belongs to
// the first picture, the second to the second, and so on, and of one picture the first sentence is the right one. group is
// optional: measures are given for each group as well. "mask" names a word of the first sentence that is to be guessed, for the
// suite "masked".
//
// # The blind column
//
// What the sentences alone give away: the masked-word head scores each sentence without a picture, by the mean of ln p over its
// pieces, each hidden by itself (pseudo-log-likelihood, Salazar et al., "Masked language model scoring", 2020), and the same
// measures compare these scores. Measures that compare pictures, or ask for a threshold, have no blind value.
package suite
