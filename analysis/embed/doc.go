// Package embed writes and reads activations of whole data sets: pooled outputs, words, regions, levels, the insides of
// feed-forward blocks, attention maps, whatever [lxmert.Config.Names] lists. Package sweep fills such a folder ([sweep.Embed],
// `lxmert embed`), [Read] goes through one row by row, and read.py beside the files does so in Python with NumPy alone.
//
// A folder has an index, index.json, see [Index], and safetensors files, each with some examples (questions or statements) of
// the data set, in its order. An example has one pair of its sentence with a picture, or, where it is about two pictures
// (NLVR2), two. In a file each activation is a tensor of its own name. What its rows are, the index says:
//
//	"rows"      tensor                      activations
//	examples    [examples, ...]             out.task of a model of NLVR2
//	pairs       [pairs, ...]                those without words or regions: out.pooled, out.match, out.qa, out.task
//	words       [words of all pairs, ...]   those of words: hid.t.k [.,D], l.k.ffn [.,I], l.k.tt.q [.,H,d], x.k.ti [.,H,V]
//	regions     [regions of all pairs, ...] those of regions: hid.i.k [.,D], x.k.i.ffn [.,I], x.k.it [.,H,T]
//
// Words and regions are those that are there, without padding; words are word pieces, with [CLS] and [SEP]. The tensors
// offset.words and offset.regions [pairs+1] say whose they are: those of pair p are the rows from offset[p] up to, not
// including, offset[p+1]. Pair p is of example p/pictures of the file. An activation of heads [H,T,.] has the axis of words
// first. The last axis of attention maps and scores, the keys, is as long as the most that a pair of the file has; beyond a
// pair's own keys a map is 0 and a score -10000.
//
// The file's metadata "examples" is a JSON list with the id, the text, the pictures and the word pieces of each example.
// Numbers are F32, or F16, to which they are then rounded. The same data, weights and machine give the same bytes, however
// often the run was cut off and in however many parts it was done.
//
// [sweep.Embed]: https://pkg.go.dev/github.com/seed-516990b0/golxmert/analysis/sweep#Embed
package embed
