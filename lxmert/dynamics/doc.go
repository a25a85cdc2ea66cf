// Package dynamics keeps what a training run saw of each of its examples, epoch by epoch: the probability that the model gave
// the example's label when its turn came, and the score of the model's prediction. That is all that a map of the data set
// needs (Swayamdipta et al., "Dataset cartography: mapping and diagnosing datasets with training dynamics", 2020).
//
// The numbers are those of the training step itself, with dropout and with the parameters as they were before the step, as in
// the code that was published with the paper: they cost no further pass over the data, and nothing that could be measured even
// where steps are shortest, those of the toy world's small model. Package train writes them into a run's folder, and package
// analysis/datamap makes the map.
//
// # Format
//
// A file ([FileName]) is a .safetensors file of fixed size with the arrays
//
//	probability  F16 [epochs, examples]  of the label; NaN: the example was not seen in this epoch, or has no label
//	score        F16 [epochs, examples]  of the prediction, 0 to 1; NaN: the example was not seen in this epoch
//	ids          U8  [bytes]             the examples' ids, as a JSON list of strings
//
// and the metadata
//
//	dynamics     the version of the format, "1"
//	task         "vqa", "gqa" or "nlvr2"
//	data         the data folder, as an absolute path
//	kind         the rule by which logits became probabilities, "sigmoid" or "softmax"
//	parts        JSON: which splits the examples are from, in their order: [{"splits": ["train"], "examples": 60000}]
//
// Where several answers are right to a degree, as in VQA, the label is the one with the highest score; of several with this score
// it is the one to which the model gives the highest probability. In Python:
//
//	f = safetensors.safe_open("snap/vqa/run/dynamics.safetensors", "np")
//	p = f.get_tensor("probability").astype("f4")
//	ids = json.loads(bytes(f.get_tensor("ids")))
//	confidence, variability = numpy.nanmean(p, 0), numpy.nanstd(p, 0)
//
// The file is made whole when the run begins, and rows are written in place, those of an epoch that is not over whenever the run
// saves its state. A run that was killed writes again what came after its last state.
package dynamics
