// Package sweep takes methods of analysis through a whole data set.
//
// [Run] goes through the questions in batches and appends what it finds to a file, batch by batch, so that memory does not
// grow with the data set and a run that was cut off goes on where it stopped. With [Options.Shards] several machines take
// a part each: whole batches, so that the lines of all parts are those of one run. [Read] reads the parts back, and [Summary.Page]
// is a page of tables, curves and the first examples. Memory does not grow with the data set here either: means and
// what their bootstrap intervals need are summed up on the way. [Seeds] averages over models that were trained with different
// seeds. [Groups] lists the methods. There are four kinds:
//
//   - Methods that score words and regions. It is found out how often their first region is one that shows what is asked about
//     (where somebody knows, see [Gold]), how they agree, and what perturbation tests say.
//   - Methods that measure attention heads, and those that measure examples (how much the model looks at the picture, what is left
//     of its answer after a change): their results are means over examples.
//   - Some of these are fitted first: a lens is tuned, a concept's states are read, heads are put in order. They are fitted to a
//     sample, the first questions of the data set ([Options.Sample]), which each part reads for itself, so that no part waits for
//     another; what is measured is measured of all other questions.
//   - Methods that need many examples at once: probes, alignment of levels and streams. What they read of the model is kept, of the
//     same sample, in a file beside the lines, by whichever part has the question. [Read] gives it out again through an
//     lxmert.Engine, so that these methods are the same functions that every other caller has, and need no form of their own that
//     could be added up. The sample bounds the file.
//
// A method is added by listing it with its kind (measurings, gatherings); a test of the command line then interrupts it, resumes it,
// runs it in parts and merges them.
//
// The file is JSON lines: the settings first, then a line for each batch. The format is this package's own because no
// library's is at once appendable, readable in other languages, and cut off without harm.
package sweep
