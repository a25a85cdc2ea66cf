// Package sweep takes methods of analysis through a whole data set.
//
// [Run] goes through the questions in batches and appends what it finds to a file, batch by batch, so that memory does not
// grow with the data set and a run that was cut off goes on where it stopped. With [Options.Shards] several machines take
// a part each. [Read] reads the parts back and [Summary.Save] makes of them tables, curves, and a page with the first
// examples: how much each method gives to words and to regions, how often its first region is one that shows what is asked
// about (where somebody knows, see [Gold]), how methods agree, what perturbation tests say, how much the model looks at the pictures, and what each head does and which
// attend alike. Memory does not grow with the data set here either: means and what their bootstrap intervals need are summed up on the way. [Seeds] averages over
// models that were trained with different seeds.
//
// The file is JSON lines: the settings first, then a line for each batch. The format is this package's own because no
// library's is at once appendable, readable in other languages, and cut off without harm.
package sweep
